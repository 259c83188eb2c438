/** Matrix products and convolutions, each with the bias and ReLU behind it in one op. */

import { need, nth } from '../../diagnostics/index.js';
import type { Samples } from '../../ir/passes/generalise.js';
import { convOutput, dim, nchw } from '../../ir/shape.js';
import type { ConvAttrs, NodeOf, Value } from '../../ir/types.js';
import { isChannelBias } from './elementwise.js';
import { cannotExport, type Emit, type Emitter, permute } from './emitter.js';
import { depthwisePhases, dilate, type Filter, outputsOf, phases, toHWIO } from './filters.js';
import { type Attr, attr } from './graph_def.js';

interface Fused {
  /** What the fused op computes in the end. */
  readonly value: Value;
  /** Known: one number for each output channel. */
  readonly bias: Value | undefined;
  readonly relu: boolean;
}

/** The known bias and the ReLU that alone read what a product makes; they count as emitted. */
function fusable(e: Emitter, product: Value, channels: number, isBias: (value: Value) => boolean): Fused {
  let value = product;
  let bias: Value | undefined;
  const add = e.onlyReader(value);
  if (add?.op === 'add' && add.inputs[0] === value) {
    const other = add.inputs[1];
    if (e.known.has(other) && isBias(other)) {
      bias = other;
      value = add.outputs[0];
      e.markDone(add);
    }
  }
  if (!bias) return { value, bias, relu: false };
  const relu = e.onlyReader(value);
  if (relu?.op !== 'relu' || relu.attrs.slope !== 0 || channels === 0) return { value, bias, relu: false };
  e.markDone(relu);
  return { value: relu.outputs[0], bias, relu: true };
}

/** A weight made of a known value in some way, `how`; of a parameter that several layers share, the same node. */
function weight(e: Emitter, source: Value, how: string, shape: readonly number[], data: () => Float32Array): string {
  const name = e.constantName(source);
  const make = () => e.def.weight(name, { shape, dtype: 'float32', isParameter: true, data });
  return e.isParameter(source) ? e.shared(`${name} ${how} ${shape.join()}`, make) : make();
}

/** The op, or its fused form where there is a bias: all of it, or the share of one group of channels. */
function emitFused(
  e: Emitter,
  op: 'Conv2D' | 'DepthwiseConv2dNative' | 'MatMul',
  [x, filter]: readonly [string, string],
  attrs: Readonly<Record<string, Attr>>,
  { bias, relu }: Pick<Fused, 'bias' | 'relu'>,
  part?: { readonly from: number; readonly count: number },
): string {
  if (!bias) return e.def.add(op, [x, filter], attrs);
  const { data } = need(e.known, bias);
  const { from, count } = part ?? { from: 0, count: data.length };
  const added = weight(e, bias, `from ${from}`, [count], () => data.subarray(from, from + count));
  // TensorFlow.js's own name for the depthwise one has no underscore.
  const fused = op === 'DepthwiseConv2dNative' ? `Fused${op}` : `_Fused${op}`;
  return e.def.add(fused, [x, filter, added], {
    ...attrs,
    fused_ops: attr.texts(relu ? ['BiasAdd', 'Relu'] : ['BiasAdd']),
    num_args: attr.int(1),
  });
}

export const matMul: Emit<'matMul'> = (e, node) => {
  const [a, b] = node.inputs;
  const { transposeA, transposeB } = node.attrs;
  if (a.shape.length > 2) {
    const name = e.def.add('BatchMatMulV2', [e.operand(a, 'caffe'), e.operand(b, 'caffe')], {
      adj_x: attr.flag(transposeA),
      adj_y: attr.flag(transposeB),
    });
    e.hold(node.outputs[0], name, 'caffe');
    return;
  }
  // Kernels are slow with their transpose flags: a known matrix is transposed now.
  const known = e.known.get(b);
  const turned = known && transposeB;
  const right = turned
    ? weight(e, b, 'turned', [dim(known.shape, 1), dim(known.shape, 0)], () => permute(known.data, known.shape, [1, 0]))
    : e.operand(b, 'caffe');
  const outputs = dim(node.outputs[0].shape, 1);
  const isBias = (v: Value) =>
    v.shape.length <= 2 && v.shape.at(-1) === outputs && (v.shape.length < 2 || v.shape[0] === 1);
  const fused = fusable(e, node.outputs[0], outputs, isBias);
  const attrs = { transpose_a: attr.flag(transposeA), transpose_b: attr.flag(transposeB && !turned) };
  e.hold(fused.value, emitFused(e, 'MatMul', [e.operand(a, 'caffe'), right], attrs, fused), 'caffe');
};

function filterOf(e: Emitter, value: Value, label: string): Filter {
  const known = e.known.get(value);
  if (known) return known;
  throw cannotExport(label, 'its filter is computed by the net itself');
}

type Pair = readonly [number, number];

function convAttrs(before: Pair, after: Pair, stride: Pair, dilation: Pair): Record<string, Attr> {
  const padded = [...before, ...after].some(p => p !== 0);
  const [top, left, bottom, right] = [before[0], before[1], after[0], after[1]];
  return {
    strides: attr.ints([1, ...stride, 1]),
    dilations: attr.ints([1, ...dilation, 1]),
    padding: attr.text(padded ? 'EXPLICIT' : 'VALID'),
    ...(padded && { explicit_paddings: attr.ints([0, 0, top, bottom, left, right, 0, 0]) }),
    data_format: attr.text('NHWC'),
  };
}

export const conv2d: Emit<'conv2d'> = (e, node) => {
  const [x, w] = node.inputs;
  const { stride, pad, groups } = node.attrs;
  const both = node.attrs.dilation.some(d => d > 1) && stride.some(s => s > 1);
  const filter = dilate(filterOf(e, w, node.label), both ? node.attrs.dilation : [1, 1]);
  const dilation: Pair = both ? [1, 1] : node.attrs.dilation;
  const outputs = dim(filter.shape, 0);
  const fused = fusable(e, node.outputs[0], outputs, v => isChannelBias(v, outputs));
  const image = e.operand(x, 'image');
  const attrs = convAttrs(pad, pad, stride, dilation);
  const made =
    groups > 1 && filter.shape[1] === 1
      ? emitFused(e, 'DepthwiseConv2dNative', [image, depthwise(e, w, filter, groups)], attrs, fused)
      : grouped(e, image, groups, (part, g) => {
          const count = outputs / groups;
          const own = outputsOf(filter, g * count, count);
          const [, depth, height, width] = nchw(own.shape);
          const right = weight(e, w, `group ${g}`, [height, width, depth, count], () => toHWIO(own));
          return emitFused(e, 'Conv2D', [part, right], attrs, fused, { from: g * count, count });
        });
  e.hold(fused.value, made, 'image');
};

/** [C·m, 1, h, w] → [h, w, C, m] */
function depthwise(e: Emitter, source: Value, { shape, data }: Filter, channels: number): string {
  const [outputs, , height, width] = nchw(shape);
  const four = [channels, outputs / channels, height, width];
  return weight(e, source, 'depthwise', [height, width, nth(four, 0), nth(four, 1)], () =>
    permute(data, four, [2, 3, 0, 1]),
  );
}

/** Groups of channels one by one, joined again. */
function grouped(e: Emitter, image: string, groups: number, run: (part: string, group: number) => string): string {
  if (groups === 1) return run(image, 0);
  const split = e.def.add('Split', [e.axis(3), image], { num_split: attr.int(groups) });
  const parts = Array.from({ length: groups }, (_, g) => run(g === 0 ? split : `${split}:${g}`, g));
  return e.def.add('ConcatV2', [...parts, e.axis(3)], { N: attr.int(groups) });
}

/** The transposed convolution. */
export const convInputGrad: Emit<'convInputGrad'> = (e, node) => {
  const { stride, pad, dilation, groups } = node.attrs;
  const filter = dilate(filterOf(e, node.inputs[1], node.label), dilation);
  const natural = [0, 1].every(i => coversInput(e, node, filter, i as 0 | 1));
  const made =
    natural && stride[0] === stride[1]
      ? upsample(e, node, filter, { stride: stride[0], pad, groups })
      : backprop(e, node, filter, node.attrs);
  e.hold(node.outputs[0], made, 'image');
};

/** Whether the output ends where the last window does, less the padding: so it is for every Deconvolution layer. */
function coversInput(e: Emitter, node: NodeOf<'convInputGrad'>, filter: Filter, i: 0 | 1): boolean {
  const { stride, pad } = node.attrs;
  const sizes = e.general.axis(node.outputs[0], i + 2);
  const given = e.general.axis(node.inputs[0], i + 2);
  return sizes.every((n, k) => n === stride[i] * (given[k]! - 1) + dim(filter.shape, i + 2) - 2 * pad[i]);
}

/**
 * Strides of s turn into s·s channels of a plain convolution, laid out by DepthToSpace: kernels of transposed
 * convolutions are naive loops on wasm, and this one takes the size of the output.
 */
function upsample(
  e: Emitter,
  node: NodeOf<'convInputGrad'>,
  filter: Filter,
  { stride: s, pad, groups }: { stride: number; pad: Pair; groups: number },
): string {
  const [inputs, depth, height, width] = nchw(filter.shape);
  const plans = ([height, width] as const).map((kernel, i) => {
    const taps = Math.ceil(kernel / s);
    const before = Math.max(0, taps - 1 - Math.floor(pad[i]! / s));
    const after = Math.max(0, Math.ceil((kernel - pad[i]!) / s) - 1);
    // What is made goes from place (taps − 1 − before)·s of the uncropped output to (in + after)·s.
    const begin = pad[i]! - (taps - 1 - before) * s;
    const surplus = (after + 1) * s - kernel + pad[i]!;
    return { taps, before, after, begin, surplus };
  });
  const [h, w] = plans as [(typeof plans)[0], (typeof plans)[0]];
  const attrs = convAttrs([h.before, w.before], [h.after, w.after], [1, 1], [1, 1]);
  const image = e.operand(node.inputs[0], 'image');
  const source = node.inputs[1];
  const own = depth === 1 && groups > 1 && inputs === groups;
  let made: string;
  if (own) {
    const right = weight(e, source, 'phases', [h.taps, w.taps, groups, s * s], () => depthwisePhases(filter, s));
    const conv = e.def.add('DepthwiseConv2dNative', [image, right], attrs);
    made = s === 1 ? conv : phasesFirst(e, conv, groups, s * s);
  } else {
    const right = weight(e, source, 'phases', [h.taps, w.taps, inputs, s * s * depth * groups], () =>
      phases(filter, s, groups),
    );
    made = e.def.add('Conv2D', [image, right], attrs);
  }
  if (s > 1) made = e.def.add('DepthToSpace', [made], { block_size: attr.int(s), data_format: attr.text('NHWC') });
  return crop(e, made, [h.begin, w.begin], [h.surplus, w.surplus]);
}

/** Channels c·P + p → p·C + c. */
function phasesFirst(e: Emitter, x: string, channels: number, count: number): string {
  const flat = e.def.add('Reshape', [x, e.def.ints([-1, channels, count])]);
  const turned = e.def.add('Transpose', [flat, e.def.ints([0, 2, 1])]);
  return e.def.add('Reshape', [turned, e.def.add('Shape', [x])]);
}

/** The image without its first `begin` and last `surplus` rows and columns. */
function crop(e: Emitter, image: string, begin: Pair, surplus: Pair): string {
  if ([...begin, ...surplus].every(n => n === 0)) return image;
  // Bit i of a mask: axis i goes from its start, or to its end.
  const toEnd = surplus.reduce((mask, n, i) => (n === 0 ? mask | (2 << i) : mask), 0b1001);
  return e.def.add(
    'StridedSlice',
    [image, e.def.ints([0, ...begin, 0]), e.def.ints([0, ...surplus.map(n => -n), 0]), e.def.ints([1, 1, 1, 1])],
    {
      begin_mask: attr.int(0b1001),
      end_mask: attr.int(toEnd),
      ellipsis_mask: attr.int(0),
      new_axis_mask: attr.int(0),
      shrink_axis_mask: attr.int(0),
    },
  );
}

function backprop(e: Emitter, node: NodeOf<'convInputGrad'>, filter: Filter, { stride, pad, groups }: ConvAttrs) {
  const [inputs, depth, height, width] = nchw(filter.shape);
  const [n, , h, w] = e.general.shape(node.outputs[0]) as readonly [Samples, Samples, Samples, Samples];
  const sizes = e.sizes([n, h, w, [depth]], node);
  const count = inputs / groups;
  const [dy] = node.inputs;
  const fits = [0, 1].every(i => {
    const [given, made] = [e.general.axis(dy, i + 2), e.general.axis(node.outputs[0], i + 2)];
    return made.every((d, k) => convOutput(d, dim(filter.shape, i + 2), nth(stride, i), nth(pad, i), 1) === given[k]);
  });
  if (!fits) throw cannotExport(node.label, 'its output has another size than its windows make');
  return grouped(e, e.operand(dy, 'image'), groups, (part, g) => {
    const own = outputsOf(filter, g * count, count);
    const right = weight(e, node.inputs[1], `group ${g}`, [height, width, depth, count], () => toHWIO(own));
    return e.def.add('Conv2DBackpropInput', [sizes, right, part], convAttrs(pad, pad, stride, [1, 1]));
  });
}

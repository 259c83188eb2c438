/** Ops that move elements about, and the graph's inputs. */

import { nth } from '../../diagnostics/index.js';
import { isConstant, type Samples } from '../../ir/passes/generalise.js';
import { dim } from '../../ir/shape.js';
import type { Node, Value } from '../../ir/types.js';
import {
  axisIn,
  cannotExport,
  type Emit,
  type Emitter,
  type Layout,
  noFormula,
  orderedIn,
  TO_IMAGE,
} from './emitter.js';
import { attr } from './graph_def.js';

/** The layout that the one operand has already. */
export function layoutOf(e: Emitter, x: Value): Layout {
  return x.shape.length === 4 && e.has(x, 'image') && !e.has(x, 'caffe') ? 'image' : 'caffe';
}

export const constant: Emit<'constant'> = (e, node) => {
  if (node.attrs.data.length !== 1) throw noFormula(node);
  const numbers = e.general.at(node, n => n.attrs.data[0]!);
  e.hold(node.outputs[0], e.number(numbers, node), 'caffe');
};

export const reshape: Emit<'reshape'> = (e, node) => {
  const [x] = node.inputs;
  const y = node.outputs[0];
  e.hold(y, reshaped(e, x, e.general.shape(y), node), 'caffe');
};

/** −1 stands for the one size that varies, or for the last where several do. */
function reshaped(e: Emitter, x: Value, sizes: readonly Samples[], node: Node): string {
  const free = sizes.findLastIndex(s => !isConstant(s));
  const given = sizes.map((s, i) => (i === free ? [-1] : s));
  const shape = e.sizes(given, node);
  const from = onlyMovesOnes(e, x) ? 'image' : 'caffe';
  return e.def.add('Reshape', [e.operand(x, from), shape]);
}

/** An image of one pixel has the same order of elements in both layouts. */
function onlyMovesOnes(e: Emitter, x: Value): boolean {
  const single = (axis: number) => e.general.axis(x, axis).every(d => d === 1);
  return layoutOf(e, x) === 'image' && (single(1) || (single(2) && single(3)));
}

export const stopGradient: Emit<'stopGradient'> = (e, node) => {
  const [x] = node.inputs;
  const layout = layoutOf(e, x);
  e.hold(node.outputs[0], e.operand(x, layout), layout);
};

export const transpose: Emit<'transpose'> = (e, node) => {
  const [x] = node.inputs;
  const layout = layoutOf(e, x);
  const perm = node.attrs.perm.map(axis => axisIn(layout, axis));
  const from = e.operand(x, layout);
  const stays = perm.every((axis, i) => axis === i);
  e.hold(node.outputs[0], stays ? from : e.def.add('Transpose', [from, e.def.ints(perm)]), 'caffe');
};

export const broadcast: Emit<'broadcast'> = (e, node) => {
  const [x] = node.inputs;
  const y = node.outputs[0];
  const layout = x.shape.length === 4 && y.shape.length === 4 ? layoutOf(e, x) : 'caffe';
  const sizes = orderedIn(layout, e.general.shape(y));
  e.hold(y, e.def.add('BroadcastTo', [e.operand(x, layout), e.sizes(sizes, node)]), layout);
};

export const concat: Emit<'concat'> = (e, node) => {
  const given = node.inputs.filter(x => !e.known.has(x));
  const layout = given.some(x => layoutOf(e, x) === 'image') ? 'image' : 'caffe';
  const parts = node.inputs.map(x => e.operand(x, layout));
  const axis = e.axis(axisIn(layout, node.attrs.axis));
  e.hold(node.outputs[0], e.def.add('ConcatV2', [...parts, axis], { N: attr.int(parts.length) }), layout);
};

export const slice: Emit<'slice'> = (e, node) => {
  const [x] = node.inputs;
  const layout = layoutOf(e, x);
  const begin = x.shape.map((_, axis) => e.general.at(node, n => nth(n.attrs.begin, axis)));
  const size = x.shape.map((_, axis) => e.general.at(node, n => nth(n.attrs.size, axis)));
  // −1: all that is left.
  const sizes = size.map((s, axis) => {
    const whole = e.general.axis(x, axis);
    return !isConstant(s) && s.every((n, k) => nth(nth(begin, axis), k) + n === whole[k]) ? [-1] : s;
  });
  const vectors = [begin, sizes].map(v => e.sizes(orderedIn(layout, v), node));
  e.hold(node.outputs[0], e.def.add('Slice', [e.operand(x, layout), ...vectors]), layout);
};

export const pad: Emit<'pad'> = (e, node) => {
  const [x] = node.inputs;
  const layout = layoutOf(e, x);
  const numbers = e.general.at(node, n => [...n.attrs.before, ...n.attrs.after].join());
  if (new Set(numbers).size > 1) throw noFormula(node);
  const { before, after, value } = node.attrs;
  const rows = orderedIn(
    layout,
    before.map((n, i) => [n, nth(after, i)] as const),
  );
  const table = e.def.constant(Int32Array.from(rows.flat()), [rows.length, 2]);
  e.hold(node.outputs[0], e.def.add('PadV2', [e.operand(x, layout), table, e.def.scalar(value)]), layout);
};

/** As a comparison with 0, 1, 2 …: OneHot of TensorFlow wants whole numbers and puts its new axis last. */
export const oneHot: Emit<'oneHot'> = (e, node) => {
  const [x] = node.inputs;
  const y = node.outputs[0];
  const { axis, depth } = node.attrs;
  if (!isConstant(e.general.axis(y, axis))) throw noFormula(node);
  const wide = e.def.add('ExpandDims', [e.operand(x, 'caffe'), e.axis(axis)]);
  const classes = e.def.constant(
    Float32Array.from({ length: depth }, (_, i) => i),
    [depth, ...y.shape.slice(axis + 1).map(() => 1)],
  );
  const mask = e.def.add('Equal', [wide, classes]);
  const floats = e.def.add('Cast', [mask], { SrcT: attr.type('DT_BOOL'), DstT: attr.type('DT_FLOAT') });
  e.masks.set(floats, mask);
  e.hold(y, floats, 'caffe');
};

/** Whether dropping these axes of an image leaves the others in Caffe's order. */
function keepsOrder(axes: readonly number[], keepDims: boolean): boolean {
  if (keepDims) return true;
  const left = TO_IMAGE.filter(axis => !axes.includes(axis));
  return left.every((axis, i) => i === 0 || axis > nth(left, i - 1));
}

function reduce(op: 'Sum' | 'Max'): Emit<'reduceSum' | 'reduceMax'> {
  return (e, node) => {
    const [x] = node.inputs;
    const { axes, keepDims } = node.attrs;
    const layout = layoutOf(e, x) === 'image' && keepsOrder(axes, keepDims) ? 'image' : 'caffe';
    const along = e.def.ints(axes.map(axis => axisIn(layout, axis)));
    const made = e.def.add(op, [e.operand(x, layout), along], { keep_dims: attr.flag(keepDims) });
    e.hold(node.outputs[0], made, keepDims ? layout : 'caffe');
  };
}

export const reduceSum: Emit<'reduceSum'> = reduce('Sum') as Emit<'reduceSum'>;
export const reduceMax: Emit<'reduceMax'> = reduce('Max') as Emit<'reduceMax'>;

export const argMax: Emit<'argMax'> = (e, node) => {
  const [x] = node.inputs;
  const { axis } = node.attrs;
  const layout = layoutOf(e, x) === 'image' && keepsOrder([axis], false) ? 'image' : 'caffe';
  const at = e.def.add('ArgMax', [e.operand(x, layout), e.axis(axisIn(layout, axis))], {
    output_type: attr.type('DT_INT32'),
  });
  const floats = e.def.add('Cast', [at], { SrcT: attr.type('DT_INT32'), DstT: attr.type('DT_FLOAT') });
  e.hold(node.outputs[0], floats, 'caffe');
};

/** Across channels: a product with a band of ones, as a convolution of one pixel. */
export const windowSum: Emit<'windowSum'> = (e, node) => {
  const [x] = node.inputs;
  const { axis, size } = node.attrs;
  const channels = dim(x.shape, 1);
  if (axis !== 1 || x.shape.length !== 4 || !isConstant(e.general.axis(x, 1)))
    throw cannotExport(node.label, 'its windows do not lie across the channels of an image');
  const band = new Float32Array(channels * channels);
  for (let from = 0; from < channels; from++)
    for (let to = 0; to < channels; to++) if (Math.abs(from - to) <= (size - 1) / 2) band[from * channels + to] = 1;
  const filter = e.def.constant(band, [1, 1, channels, channels]);
  const made = e.def.add('Conv2D', [e.operand(x, 'image'), filter], {
    strides: attr.ints([1, 1, 1, 1]),
    dilations: attr.ints([1, 1, 1, 1]),
    padding: attr.text('VALID'),
    data_format: attr.text('NHWC'),
  });
  e.hold(node.outputs[0], made, 'image');
};

/** Convolution and its two gradients. */

import type { ConvAttrs, NodeOf, Value } from '../../../ir/types.js';
import type { EmitterTable, Scope } from './emitter.js';

export const convolutions: EmitterTable<'conv2d' | 'convInputGrad' | 'convFilterGrad'> = {
  conv2d: (s, node) => [conv(s, node)],
  convInputGrad: (s, node) => [convTranspose(s, node)],
  convFilterGrad: (s, node) => [filterGradient(s, node)],
};

function attributes({ stride, pad, dilation, groups }: ConvAttrs, filter: Value) {
  return {
    kernel_shape: filter.shape.slice(2),
    strides: stride,
    pads: [...pad, ...pad],
    dilations: dilation,
    group: groups,
  };
}

/** `bias`, if given, is one number for each output channel. */
export function conv(s: Scope, { inputs: [x, w], attrs }: NodeOf<'conv2d'>, bias?: string): string {
  return s.w.op('Conv', [s.float(x!), s.float(w!), ...(bias ? [bias] : [])], { attrs: attributes(attrs, w!) });
}

export function convTranspose(s: Scope, node: NodeOf<'convInputGrad'>, bias?: string): string {
  const [dy, w] = node.inputs as readonly [Value, Value];
  const rest = leftovers(node);
  return s.w.op('ConvTranspose', [s.float(dy), s.float(w), ...(bias ? [bias] : [])], {
    attrs: { ...attributes(node.attrs, w), output_padding: rest.some(r => r > 0) ? rest : undefined },
  });
}

/** How much of the input the strides of the convolution left over at the far end, along each axis. */
export function leftovers({ inputs: [dy, w], attrs }: NodeOf<'convInputGrad'>): readonly number[] {
  const { stride, pad, dilation, inputSize } = attrs;
  return [0, 1].map(i => {
    const reached = (dy!.shape[i + 2]! - 1) * stride[i]! + dilation[i]! * (w!.shape[i + 2]! - 1) + 1 - 2 * pad[i]!;
    return inputSize[i]! - reached;
  });
}

/** dw = dy · colsᵀ for each group, all samples in one product. */
function filterGradient(s: Scope, node: NodeOf<'convFilterGrad'>): string {
  const { w } = s;
  const [x, dy] = node.inputs as readonly [Value, Value];
  const { groups } = node.attrs;
  const [n, outputs] = dy.shape as readonly [number, number];
  const channels = x.shape[1]! / groups;
  const positions = n * dy.shape[2]! * dy.shape[3]!;
  const taps = channels * node.outputs[0]!.shape[2]! * node.outputs[0]!.shape[3]!;
  const columns = unfold(s, node);
  const turned = n === 1 ? s.float(dy) : w.op('Transpose', [s.float(dy)], { attrs: { perm: [1, 0, 2, 3] } });
  const { shape } = node.outputs[0]!;
  if (groups === 1) {
    const left = w.op('Reshape', [turned, w.ints([outputs, positions])]);
    const right = w.op('Reshape', [columns, w.ints([taps, positions])]);
    return w.reshape(w.op('Gemm', [left, right], { attrs: { transB: 1 } }), [outputs, taps], shape);
  }
  const left = w.op('Reshape', [turned, w.ints([groups, outputs / groups, positions])]);
  const right = w.op('Reshape', [columns, w.ints([groups, taps, positions])]);
  const swapped = w.op('Transpose', [right], { attrs: { perm: [0, 2, 1] } });
  return w.reshape(w.op('MatMul', [left, swapped]), [groups, outputs / groups, taps], shape);
}

/** x [N, C, H, W] → [C, kh·kw, N·H'·W']: what each tap of the filter meets. */
function unfold(s: Scope, { inputs, attrs }: NodeOf<'convFilterGrad'>): string {
  const { w } = s;
  const [x, dy] = inputs as readonly [Value, Value];
  const { stride, pad, dilation, kernel } = attrs;
  const [n, c] = x.shape as readonly [number, number];
  const out = [dy.shape[2]!, dy.shape[3]!] as const;
  const turned = n === 1 ? s.float(x) : w.op('Transpose', [s.float(x)], { attrs: { perm: [1, 0, 2, 3] } });
  const source = pad.every(p => p === 0)
    ? turned
    : w.op('Pad', [turned, w.ints([0, 0, ...pad, 0, 0, ...pad]), w.scalar(0)]);
  const flat = w.ints([c, 1, n * out[0] * out[1]]);
  const taps: string[] = [];
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const begin = [i * dilation[0], j * dilation[1]];
      const end = begin.map((b, k) => b + (out[k]! - 1) * stride[k]! + 1);
      const part = w.op('Slice', [source, w.ints(begin), w.ints(end), w.ints([2, 3]), w.ints(stride)]);
      taps.push(w.op('Reshape', [part, flat]));
    }
  return w.op('Concat', taps, { attrs: { axis: 1 } });
}

/**
 * Pooling. Caffe's windows may stick out past the padding (the ceil rule): ONNX is told so by more padding at the far end,
 * and where a mean's divisor is then another one, by a factor for each place.
 */

import { nth } from '../../../diagnostics/index.js';
import { dim, nchw } from '../../../ir/shape.js';
import type { NodeOf, PoolAttrs, Value } from '../../../ir/types.js';
import { ElementType } from '../schema.js';
import type { GraphWriter } from '../writer.js';
import { masked } from './elementwise.js';
import type { EmitterTable, Scope } from './emitter.js';

export const pooling: EmitterTable<'maxPool' | 'maxPoolGrad' | 'avePool' | 'avePoolGrad'> = {
  maxPool(s, node) {
    const [x] = node.inputs;
    const { w } = s;
    const attrs = windows(node.attrs, x);
    const source = clipped(s, s.float(x), node.attrs, x);
    const [y, indices] = w.node('MaxPool', [source.name], { outputs: s.isRead(node.outputs[1]) ? 2 : 1, attrs });
    if (!indices) return [y!];
    w.setType(indices, ElementType.INT64);
    return [y!, w.perPlane(indices, source.height * source.width)];
  },

  /** The indices as ONNX gave them, where they come from it: places in the whole tensor. */
  maxPoolGrad(s, { inputs: [dy, indices], attrs: { inputSize } }) {
    const { w } = s;
    const [n, c, h, v] = nchw(dy.shape);
    const [planes, size] = [n * c, inputSize[0] * inputSize[1]];
    const whole = w.beforePlanes(s.any(indices), size);
    const [places, all] = whole
      ? [[planes * h * v], [planes * size]]
      : [
          [planes, h * v],
          [planes, size],
        ];
    const at = w.op('Reshape', [whole ?? s.int(indices), w.ints(places)], { type: ElementType.INT64 });
    const zeros = w.op('Expand', [w.scalar(0), w.ints(all)]);
    const scattered = w.op('ScatterElements', [zeros, at, w.op('Reshape', [s.float(dy), w.ints(places)])], {
      attrs: { axis: whole ? 0 : 1, reduction: 'add' },
    });
    return [w.reshape(scattered, all, [n, c, ...inputSize])];
  },

  avePool(s, { inputs: [x], attrs }) {
    const source = clipped(s, s.float(x), attrs, x);
    const mean = s.w.op('AveragePool', [source.name], { attrs: { ...windows(attrs, x), count_include_pad: 1 } });
    return [corrected(s, mean, attrs, [dim(x.shape, 2), dim(x.shape, 3)])];
  },

  /** Each place's share of the gradient laid on its window: a transposed convolution with a filter of ones. */
  avePoolGrad(s, node) {
    const { w } = s;
    const [dy] = node.inputs;
    const { kernel, stride, pad, inputSize, outSize } = node.attrs;
    const [n, c] = dy.shape as readonly [number, number];
    const scaled = corrected(s, s.float(dy), node.attrs, inputSize);
    const planes = w.op('Reshape', [scaled, w.ints([n * c, 1, ...outSize])]);
    const share = w.floats(new Float32Array(kernel[0] * kernel[1]).fill(1 / (kernel[0] * kernel[1])), [
      1,
      1,
      ...kernel,
    ]);
    const whole = w.op('ConvTranspose', [planes, share], { attrs: { kernel_shape: kernel, strides: stride } });
    const after = [0, 1].map(
      i => nth(inputSize, i) + nth(pad, i) - ((nth(outSize, i) - 1) * nth(stride, i) + nth(kernel, i)),
    );
    const fitted = w.op('Pad', [whole, w.ints([0, 0, -pad[0], -pad[1], 0, 0, ...after]), w.scalar(0)]);
    return [w.op('Reshape', [fitted, w.ints([n, c, ...inputSize])])];
  },
};

/** Whether a pooling's windows lie side by side from the first row and column on: each place is in one at most. */
export function isTiled({ attrs: { kernel, stride, pad } }: NodeOf<'maxPool'>): boolean {
  return ([0, 1] as const).every(i => kernel[i] === stride[i] && pad[i] === 0) && kernel[0] * kernel[1] <= 2 ** 24;
}

/**
 * dx of a tiled pooling without MaxPool's indices, which cost ten times what the maxima do: the gradient goes to the places
 * where x is its window's maximum, and of equals to the first, as each place in a window has a rank of its own.
 * LeNet's pool1, there and back: 0.9 ms instead of 2.0.
 */
export function tileGradient(s: Scope, pool: NodeOf<'maxPool'>, dy: Value): string {
  const { w } = s;
  const { kernel } = pool.attrs;
  const [x, y] = [pool.inputs[0], pool.outputs[0]];
  const [height, width] = [dim(x.shape, 2), dim(x.shape, 3)];
  const ranks = Float32Array.from({ length: height * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width) % kernel[0], (at % width) % kernel[1]];
    return kernel[0] * kernel[1] - (row * kernel[1] + column);
  });
  const spread = (name: string) => spreadOver(w, name, kernel, [height, width], pool.attrs.outSize);
  const isGreatest = w.op('Equal', [s.float(x), spread(s.float(y))], { type: ElementType.BOOL });
  const rank = masked(w, isGreatest, w.floats(ranks, [1, 1, height, width]));
  const best = w.op('MaxPool', [clipped(s, rank, pool.attrs, x).name], { attrs: windows(pool.attrs, x) });
  const isFirst = w.op('Equal', [rank, spread(best)], { type: ElementType.BOOL });
  return masked(w, isFirst, spread(s.float(dy)));
}

/** Each number of a pooled plane over its window, cut or filled up to the plane's size by 0. */
function spreadOver(
  w: GraphWriter,
  name: string,
  kernel: readonly [number, number],
  size: readonly [number, number],
  pooled: readonly [number, number],
): string {
  const scales = w.floats(Float32Array.of(1, 1, ...kernel), [4]);
  const attrs = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  const whole = w.op('Resize', [name, '', scales], { attrs });
  const missing = size.map((n, i) => n - nth(pooled, i) * nth(kernel, i));
  if (missing.every(n => n === 0)) return whole;
  return w.op('Pad', [whole, w.ints([0, 0, 0, 0, 0, 0, ...missing]), w.scalar(0)]);
}

/** How far the last window reaches past the input's end along an axis; negative where it ends before. */
function overhang({ kernel, stride, pad, outSize }: PoolAttrs, size: number, axis: 0 | 1): number {
  return (outSize[axis] - 1) * stride[axis] + kernel[axis] - size - pad[axis];
}

/** The windows as ONNX's attributes, with so much padding at the far end that all of them fit. */
export function windows(attrs: PoolAttrs, x: Value) {
  const after = ([0, 1] as const).map(i => Math.max(0, overhang(attrs, dim(x.shape, i + 2), i)));
  return { kernel_shape: attrs.kernel, strides: attrs.stride, pads: [...attrs.pad, ...after] };
}

/** The input without rows and columns at the end that would make for one more window. */
function clipped(s: Scope, name: string, attrs: PoolAttrs, x: Value) {
  const sizes = ([0, 1] as const).map(i => {
    const spare = -overhang(attrs, dim(x.shape, i + 2), i);
    return dim(x.shape, i + 2) - (spare >= attrs.stride[i] ? spare : 0);
  });
  const [height, width] = sizes as [number, number];
  if (height === x.shape[2] && width === x.shape[3]) return { name, height, width };
  const part = s.w.op('Slice', [name, s.w.ints([0, 0]), s.w.ints(sizes), s.w.ints([2, 3])]);
  return { name: part, height, width };
}

/** Whether no column has to be cut off, which would shift ONNX's indices. */
export function keepsWidth({ inputs: [x], attrs }: NodeOf<'maxPool'>): boolean {
  return -overhang(attrs, dim(x.shape, 3), 1) < attrs.stride[1];
}

/** Windows of kernel size are divided by it; Caffe divides by what of them lies within the padded plane. */
function corrected(
  s: Scope,
  name: string,
  { kernel, stride, pad, outSize }: PoolAttrs,
  size: readonly number[],
): string {
  const factors = [0, 1].map(i =>
    Array.from({ length: nth(outSize, i) }, (_, o) => {
      const begin = o * nth(stride, i) - nth(pad, i);
      return nth(kernel, i) / (Math.min(begin + nth(kernel, i), nth(size, i) + nth(pad, i)) - begin);
    }),
  ) as [number[], number[]];
  if (factors.flat().every(f => f === 1)) return name;
  const table = Float32Array.from(factors[0].flatMap(f => factors[1].map(g => f * g)));
  return s.w.op('Mul', [name, s.w.floats(table, [1, 1, ...outSize])]);
}

/** Whether every window of a pooling meets its plane, and none lies in the padding alone. */
export function windowsMeet({ inputs: [x], attrs }: NodeOf<'maxPool' | 'avePool'>): boolean {
  return ([0, 1] as const).every(i => overhang(attrs, dim(x.shape, i + 2), i) < attrs.kernel[i]);
}

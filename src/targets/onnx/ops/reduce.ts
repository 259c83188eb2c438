/** Reductions and sliding sums. */

import { ElementType } from '../schema.js';
import type { EmitterTable } from './emitter.js';

export const reductions: EmitterTable<'reduceSum' | 'reduceMax' | 'argMax' | 'windowSum'> = {
  reduceSum: (s, { inputs: [x], attrs: { axes, keepDims } }) => [
    s.w.op('ReduceSum', [s.float(x!), s.w.ints(axes)], { attrs: { keepdims: Number(keepDims) } }),
  ],

  reduceMax: (s, { inputs: [x], attrs: { axes, keepDims } }) => [
    s.w.op('ReduceMax', [s.float(x!), s.w.ints(axes)], { attrs: { keepdims: Number(keepDims) } }),
  ],

  argMax: (s, { inputs: [x], attrs: { axis } }) => [
    s.w.op('ArgMax', [s.float(x!)], { attrs: { axis, keepdims: 0 }, type: ElementType.INT64 }),
  ],

  /** The mean of windows of [size, 1] over planes of [axis, rest], times size. */
  windowSum(s, { inputs: [x], attrs: { axis, size } }) {
    const { shape } = x!;
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const planes = s.w.op('Reshape', [s.float(x!), s.w.ints([-1, 1, shape[axis]!, inner])]);
    const half = (size - 1) / 2;
    const means = s.w.op('AveragePool', [planes], {
      attrs: { kernel_shape: [size, 1], pads: [half, 0, half, 0], count_include_pad: 1 },
    });
    const sums = s.w.op('Mul', [means, s.w.scalar(size)]);
    const varying = s.varying(x!);
    return [s.w.op('Reshape', [sums, s.w.ints(shape.map((d, i) => (varying[i] ? -1 : d)))])];
  },
};

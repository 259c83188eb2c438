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

  /** The sum of shifted slices: exact, and faster than any pooling. */
  windowSum(s, { inputs: [x], attrs: { axis, size } }) {
    const { w } = s;
    const { shape } = x!;
    const half = (size - 1) / 2;
    const around = shape.map((_, i) => (i === axis ? half : 0));
    const padded = w.op('Pad', [s.float(x!), w.ints([...around, ...around]), w.scalar(0)]);
    const parts = Array.from({ length: size }, (_, i) =>
      w.op('Slice', [padded, w.ints([i]), w.ints([i + shape[axis]!]), w.ints([axis])]),
    );
    return [w.op('Sum', parts)];
  },
};

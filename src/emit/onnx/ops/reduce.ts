/** Reductions and sliding sums. */

import { dim } from '../../../ir/shape.js';
import type { NodeOf } from '../../../ir/types.js';
import { ElementType } from '../schema.js';
import type { EmitterTable, Scope } from './emitter.js';

export const reductions: EmitterTable<'reduceSum' | 'reduceMax' | 'argMax' | 'windowSum'> = {
  reduceSum: (s, { inputs: [x], attrs: { axes, keepDims } }) => [
    s.w.op('ReduceSum', [s.float(x), s.w.ints(axes)], { attrs: { keepdims: Number(keepDims) } }),
  ],

  reduceMax: (s, { inputs: [x], attrs: { axes, keepDims } }) => [
    s.w.op('ReduceMax', [s.float(x), s.w.ints(axes)], { attrs: { keepdims: Number(keepDims) } }),
  ],

  argMax: (s, { inputs: [x], attrs: { axis } }) => [
    s.w.op('ArgMax', [s.float(x)], { attrs: { axis, keepdims: 0 }, type: ElementType.INT64 }),
  ],

  /** The sum of shifted slices: exact, and faster than any pooling. */
  windowSum: (s, node) => [s.w.op('Sum', shifted(s, node))],
};

/** What a sliding sum adds up, one for each place of its window. */
export function shifted({ w, float }: Scope, { inputs: [x], attrs: { axis, size } }: NodeOf<'windowSum'>): string[] {
  const { shape } = x;
  const half = (size - 1) / 2;
  const around = shape.map((_, i) => (i === axis ? half : 0));
  const padded = w.op('Pad', [float(x), w.ints([...around, ...around]), w.scalar(0)]);
  return Array.from({ length: size }, (_, i) =>
    w.op('Slice', [padded, w.ints([i]), w.ints([i + dim(shape, axis)]), w.ints([axis])]),
  );
}

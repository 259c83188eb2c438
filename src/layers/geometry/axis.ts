/** Axes and bottoms, the words that several layers' rules share. */

import { nth } from '../../diagnostics/index.js';
import { type Shape, showShape, sizeOf } from '../../ir/index.js';
import type { LayerContext } from '../types.js';

/** Caffe's CanonicalAxisIndex: a negative axis counts from the end. Throws where `shape` has no such axis. */
export function canonicalAxis(ctx: LayerContext, axis: number, shape: Shape, field: string): number {
  const rank = shape.length;
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw ctx.misfit('axis-out-of-range', `axis ${axis} does not exist in a blob of ${rank} axes, ${showShape(shape)}.`, {
    field,
    hint: rank === 0 ? 'A blob without axes is a single number.' : `Axes go from ${-rank} to ${rank - 1}.`,
  });
}

/** Product of the dimensions from axis `from` up to, and without, `to` (Blob::count). */
export function countOf(shape: Shape, from: number, to: number = shape.length): number {
  return sizeOf(shape.slice(from, to));
}

/** `"score" [1, 21, 34, 34]`, for messages. */
export function showBottom(ctx: LayerContext, index: number): string {
  return `"${ctx.param.bottom[index] ?? `bottom ${index}`}" ${showShape(nth(ctx.bottomShapes, index))}`;
}

/** Shape that lines a blob of `inner`, laid onto axes `axis` … of a blob of rank `rank`, up for broadcasting. */
export function alignAt(inner: Shape, axis: number, rank: number): Shape {
  return [...inner, ...new Array<number>(rank - axis - inner.length).fill(1)];
}

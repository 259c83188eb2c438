/** Kernels that read and add up by index. */

import { sizeOf, stridesOf } from '../ir/shape.js';
import type { NodeOf, Shape } from '../ir/types.js';
import type { Inputs, Outputs } from './arrays.js';

/** How the index lies beside data [outer, along, inner]. */
interface Layout {
  /** Where in the index each place of the axes before `axis` begins. */
  readonly outer: Int32Array;
  /** From one index to the next along `axis`. */
  readonly step: number;
  readonly count: number;
  /** Where each place of the axes behind `axis` lies from there; undefined where one index counts for all of them. */
  readonly inner: Int32Array | undefined;
  readonly run: number;
}

/** Offsets of all places of `shape` in an array in which axes of length 1 of `own` have stride 0. */
function offsets(shape: Shape, own: Shape, strides: readonly number[]): Int32Array {
  let found = Int32Array.of(0);
  shape.forEach((d, axis) => {
    const step = own[axis] === 1 ? 0 : strides[axis]!;
    const next = new Int32Array(found.length * d);
    for (let i = 0; i < found.length; i++) for (let k = 0; k < d; k++) next[i * d + k] = found[i]! + k * step;
    found = next;
  });
  return found;
}

function layoutOf(data: Shape, index: Shape, axis: number): Layout {
  const strides = stridesOf(index);
  const behind = index.slice(axis + 1);
  return {
    outer: offsets(data.slice(0, axis), index.slice(0, axis), strides.slice(0, axis)),
    step: strides[axis]!,
    count: index[axis]!,
    inner: behind.every(d => d === 1) ? undefined : offsets(data.slice(axis + 1), behind, strides.slice(axis + 1)),
    run: sizeOf(data.slice(axis + 1)),
  };
}

/** Whether an index names one of `size` elements. */
function names(k: number, size: number): boolean {
  return k >= 0 && k < size && Number.isInteger(k);
}

export function gather(node: NodeOf<'gather'>, [x, index]: Inputs<'gather'>, [y]: Outputs<'gather'>): void {
  const { axis } = node.attrs;
  const { shape } = node.inputs[0];
  const { outer, step, count, inner, run } = layoutOf(shape, node.inputs[1].shape, axis);
  const size = shape[axis]!;
  for (let o = 0, to = 0; o < outer.length; o++)
    for (let m = 0; m < count; m++, to += run) {
      const at = outer[o]! + m * step;
      if (inner) {
        for (let i = 0; i < run; i++) {
          const k = index[at + inner[i]!]!;
          y[to + i] = names(k, size) ? x[(o * size + k) * run + i]! : 0;
        }
        continue;
      }
      const k = index[at]!;
      const from = (o * size + k) * run;
      if (!names(k, size)) y.fill(0, to, to + run);
      else if (run < 16) for (let i = 0; i < run; i++) y[to + i] = x[from + i]!;
      else y.set(x.subarray(from, from + run), to);
    }
}

export function scatterAdd(
  node: NodeOf<'scatterAdd'>,
  [x, index]: Inputs<'scatterAdd'>,
  [y]: Outputs<'scatterAdd'>,
): void {
  const { axis, size } = node.attrs;
  const { outer, step, count, inner, run } = layoutOf(node.inputs[0].shape, node.inputs[1].shape, axis);
  y.fill(0);
  for (let o = 0, from = 0; o < outer.length; o++)
    for (let m = 0; m < count; m++, from += run) {
      const at = outer[o]! + m * step;
      if (inner) {
        for (let i = 0; i < run; i++) {
          const k = index[at + inner[i]!]!;
          if (names(k, size)) y[(o * size + k) * run + i]! += x[from + i]!;
        }
        continue;
      }
      const k = index[at]!;
      if (!names(k, size)) continue;
      const to = (o * size + k) * run;
      for (let i = 0; i < run; i++) y[to + i]! += x[from + i]!;
    }
}

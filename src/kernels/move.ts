/** Kernels that move elements: transpose, concat, slice, pad, one-hot. Contiguous runs are copied whole. */

import { sizeOf, stridesOf } from '../ir/shape.js';
import type { NodeOf, Shape } from '../ir/types.js';
import type { Inputs, Outputs } from './arrays.js';

/** Walks the elements of `shape` without its last `inner` axes, giving for each the offset by the strides. */
function forEachRow(shape: Shape, strides: readonly number[], visit: (offset: number) => void): void {
  const rank = shape.length;
  if (sizeOf(shape) === 0) return;
  const at = new Array<number>(rank).fill(0);
  let offset = 0;
  for (;;) {
    visit(offset);
    let axis = rank - 1;
    for (; axis >= 0; axis--) {
      at[axis]!++;
      offset += strides[axis]!;
      if (at[axis]! < shape[axis]!) break;
      offset -= strides[axis]! * shape[axis]!;
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** Floats in a cache line. */
const LINE = 16;

/**
 * [rows, columns] → [columns, rows]: reads one cache line of each row at a time, so that a row length that is a multiple
 * of the page (fc6's 36 KiB) does not throw lines out of the cache before they are used up.
 */
export function transpose2d(x: Float32Array, y: Float32Array, rows: number, columns: number, from = 0, to = 0): void {
  for (let j0 = 0; j0 < columns; j0 += LINE) {
    const j1 = Math.min(j0 + LINE, columns);
    for (let i = 0; i < rows; i++) {
      const row = from + i * columns;
      for (let j = j0, o = to + j0 * rows + i; j < j1; j++, o += rows) y[o] = x[row + j]!;
    }
  }
}

export function transpose(node: NodeOf<'transpose'>, [x]: Inputs<'transpose'>, [y]: Outputs<'transpose'>): void {
  const { perm } = node.attrs;
  const shape = node.inputs[0].shape;
  const out = node.outputs[0].shape;
  const strides = stridesOf(shape);
  const swapped = swappedBlock(perm);
  if (swapped) {
    // [..., a..., b...] → [..., b..., a...]: a batch of plain matrix transposes.
    const batch = sizeOf(shape.slice(0, swapped.start));
    const rows = sizeOf(shape.slice(swapped.start, swapped.middle));
    const columns = sizeOf(shape.slice(swapped.middle));
    const block = rows * columns;
    for (let n = 0; n < batch; n++) transpose2d(x, y, rows, columns, n * block, n * block);
    return;
  }
  const last = out.length - 1;
  const step = strides[perm[last]!]!;
  const run = out[last]!;
  let o = 0;
  forEachRow(
    out.slice(0, last),
    perm.slice(0, last).map(a => strides[a]!),
    offset => {
      for (let i = 0; i < run; i++) y[o++] = x[offset + i * step]!;
    },
  );
}

/** Whether the permutation only swaps two neighbouring blocks of axes at the end. */
function swappedBlock(perm: readonly number[]): { start: number; middle: number } | undefined {
  let start = 0;
  while (perm[start] === start) start++;
  const middle = perm[start];
  if (middle === undefined) return undefined;
  const rank = perm.length;
  const expected = [...Array(rank - middle).keys()]
    .map(i => middle + i)
    .concat([...Array(middle - start).keys()].map(i => start + i));
  return expected.every((a, i) => perm[start + i] === a) ? { start, middle } : undefined;
}

export function concat(node: NodeOf<'concat'>, inputs: Inputs<'concat'>, [y]: Outputs<'concat'>): void {
  const { axis } = node.attrs;
  const out = node.outputs[0].shape;
  const outer = sizeOf(out.slice(0, axis));
  const inner = sizeOf(out.slice(axis));
  let at = 0;
  inputs.forEach((x, k) => {
    const run = sizeOf(node.inputs[k]!.shape.slice(axis));
    for (let i = 0; i < outer; i++) y.set(x.subarray(i * run, (i + 1) * run), i * inner + at);
    at += run;
  });
}

/** Copies a block of `size` between two arrays of which one or both hold it as a part. */
function copyBlock(
  size: Shape,
  x: Float32Array,
  xShape: Shape,
  xBegin: readonly number[],
  y: Float32Array,
  yShape: Shape,
  yBegin: readonly number[],
): void {
  if (sizeOf(size) === 0) return;
  // The longest tail of axes that is whole on both sides is one run.
  let axis = size.length - 1;
  while (axis > 0 && size[axis] === xShape[axis] && size[axis] === yShape[axis]) axis--;
  axis = Math.max(axis, 0);
  const run = sizeOf(size.slice(axis));
  const xStrides = stridesOf(xShape);
  const yStrides = stridesOf(yShape);
  const start = (begin: readonly number[], strides: readonly number[]) =>
    begin.reduce((sum, b, i) => sum + b * strides[i]!, 0);
  const x0 = start(xBegin, xStrides);
  const outer = size.slice(0, axis);
  const yOffsets: number[] = [];
  forEachRow(outer, yStrides.slice(0, axis), offset => {
    yOffsets.push(offset);
  });
  const y0 = start(yBegin, yStrides);
  let row = 0;
  forEachRow(outer, xStrides.slice(0, axis), offset => {
    const from = x0 + offset;
    const to = y0 + yOffsets[row++]!;
    if (run < 16) for (let i = 0; i < run; i++) y[to + i] = x[from + i]!;
    else y.set(x.subarray(from, from + run), to);
  });
}

export function slice(node: NodeOf<'slice'>, [x]: Inputs<'slice'>, [y]: Outputs<'slice'>): void {
  const { begin, size } = node.attrs;
  const zero = size.map(() => 0);
  copyBlock(size, x, node.inputs[0].shape, begin, y, size, zero);
}

export function pad(node: NodeOf<'pad'>, [x]: Inputs<'pad'>, [y]: Outputs<'pad'>): void {
  const { before, value } = node.attrs;
  const shape = node.inputs[0].shape;
  y.fill(value);
  copyBlock(
    shape,
    x,
    shape,
    shape.map(() => 0),
    y,
    node.outputs[0].shape,
    before,
  );
}

export function oneHot(node: NodeOf<'oneHot'>, [x]: Inputs<'oneHot'>, [y]: Outputs<'oneHot'>): void {
  const { axis, depth } = node.attrs;
  const inner = sizeOf(node.inputs[0].shape.slice(axis));
  y.fill(0);
  for (let i = 0; i < x.length; i++) {
    const k = x[i]!;
    if (!(k >= 0 && k < depth && Number.isInteger(k))) continue;
    const outer = Math.floor(i / inner);
    y[(outer * depth + k) * inner + (i % inner)] = 1;
  }
}

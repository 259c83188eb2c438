/** Reductions. Sums run in double precision: more exact than Caffe's, and as fast. */

import { sizeOf } from '../ir/shape.js';
import type { NodeOf, Shape } from '../ir/types.js';
import type { Inputs, Outputs } from './arrays.js';

interface Block {
  readonly size: number;
  readonly reduced: boolean;
}

/** Neighbouring axes of one kind merged: alternating blocks that stay and blocks that go. */
function blocksOf(shape: Shape, axes: readonly number[]): Block[] {
  const blocks: { size: number; reduced: boolean }[] = [];
  shape.forEach((size, i) => {
    const reduced = axes.includes(i);
    const last = blocks.at(-1);
    if (last && (last.reduced === reduced || size === 1)) last.size *= size;
    else if (last && last.size === 1) blocks[blocks.length - 1] = { size, reduced };
    else blocks.push({ size, reduced });
  });
  return blocks;
}

/** Calls `visit(input offset, output offset)` for every run along the innermost block. */
function forEachRun(blocks: readonly Block[], visit: (x: number, y: number) => void): void {
  const outer = blocks.slice(0, -1);
  const xSteps: number[] = [];
  const ySteps: number[] = [];
  let x = 1;
  let y = 1;
  for (let i = blocks.length - 1; i >= 0; i--) {
    const { size, reduced } = blocks[i]!;
    xSteps[i] = x;
    ySteps[i] = reduced ? 0 : y;
    x *= size;
    if (!reduced) y *= size;
  }
  const walk = (depth: number, xo: number, yo: number): void => {
    if (depth === outer.length) {
      visit(xo, yo);
      return;
    }
    for (let i = 0; i < outer[depth]!.size; i++) walk(depth + 1, xo + i * xSteps[depth]!, yo + i * ySteps[depth]!);
  };
  walk(0, 0, 0);
}

export function reduceSum(node: NodeOf<'reduceSum'>, [x]: Inputs<'reduceSum'>, [y]: Outputs<'reduceSum'>): void {
  const blocks = blocksOf(node.inputs[0].shape, node.attrs.axes);
  const inner = blocks.at(-1) ?? { size: 1, reduced: false };
  const sums = new Float64Array(y.length);
  if (x.length > 0)
    forEachRun(blocks, (xo, yo) => {
      if (inner.reduced) {
        let sum = 0;
        for (let i = 0; i < inner.size; i++) sum += x[xo + i]!;
        sums[yo]! += sum;
      } else for (let i = 0; i < inner.size; i++) sums[yo + i]! += x[xo + i]!;
    });
  y.set(sums);
}

export function reduceMax(node: NodeOf<'reduceMax'>, [x]: Inputs<'reduceMax'>, [y]: Outputs<'reduceMax'>): void {
  const blocks = blocksOf(node.inputs[0].shape, node.attrs.axes);
  const inner = blocks.at(-1) ?? { size: 1, reduced: false };
  y.fill(Number.NEGATIVE_INFINITY);
  if (x.length > 0)
    forEachRun(blocks, (xo, yo) => {
      if (inner.reduced) {
        let greatest = y[yo]!;
        for (let i = 0; i < inner.size; i++) if (x[xo + i]! > greatest) greatest = x[xo + i]!;
        y[yo] = greatest;
      } else for (let i = 0; i < inner.size; i++) if (x[xo + i]! > y[yo + i]!) y[yo + i] = x[xo + i]!;
    });
}

export function argMax(node: NodeOf<'argMax'>, [x]: Inputs<'argMax'>, [y]: Outputs<'argMax'>): void {
  const { shape } = node.inputs[0];
  const { axis } = node.attrs;
  const depth = shape[axis]!;
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const start = o * depth * inner + i;
      let best = 0;
      for (let k = 1; k < depth; k++) if (x[start + k * inner]! > x[start + best * inner]!) best = k;
      y[o * inner + i] = best;
    }
}

export function windowSum(node: NodeOf<'windowSum'>, [x]: Inputs<'windowSum'>, [y]: Outputs<'windowSum'>): void {
  const { shape } = node.inputs[0];
  const { axis, size } = node.attrs;
  const depth = shape[axis]!;
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const half = (size - 1) / 2;
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < depth; k++) {
      const first = Math.max(0, k - half);
      const last = Math.min(depth - 1, k + half);
      const to = (o * depth + k) * inner;
      const from = (o * depth + first) * inner;
      for (let i = 0; i < inner; i++) y[to + i] = x[from + i]!;
      for (let w = first + 1; w <= last; w++) {
        const source = (o * depth + w) * inner;
        for (let i = 0; i < inner; i++) y[to + i]! += x[source + i]!;
      }
    }
  }
}

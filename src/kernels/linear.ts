/** Matrix product and convolutions in plain loops: the reference every engine is held against. */

import { sizeOf } from '../ir/shape.js';
import type { NodeOf, Shape } from '../ir/types.js';
import type { Inputs, Outputs } from './arrays.js';
import { type ConvGeometry, foldColumns, geometryOf, isPointwise, unfoldColumns, unfoldRows } from './convolution.js';
import { transpose2d } from './move.js';

/** C [m, n] += A [m, k] · B [k, n], four rows of B at a time. */
export function multiplyAdd(m: number, n: number, k: number, a: Float32Array, b: Float32Array, c: Float32Array): void {
  for (let i = 0; i < m; i++) {
    const row = i * n;
    let p = 0;
    for (; p + 4 <= k; p += 4) {
      const a0 = a[i * k + p]!;
      const a1 = a[i * k + p + 1]!;
      const a2 = a[i * k + p + 2]!;
      const a3 = a[i * k + p + 3]!;
      const b0 = p * n;
      const b1 = b0 + n;
      const b2 = b1 + n;
      const b3 = b2 + n;
      for (let j = 0; j < n; j++)
        c[row + j] = c[row + j]! + a0 * b[b0 + j]! + a1 * b[b1 + j]! + a2 * b[b2 + j]! + a3 * b[b3 + j]!;
    }
    for (; p < k; p++) {
      const a0 = a[i * k + p]!;
      for (let j = 0; j < n; j++) c[row + j]! += a0 * b[p * n + j]!;
    }
  }
}

/** A matrix of [rows, columns], or its transpose as an array of its own. */
function oriented(x: Float32Array, rows: number, columns: number, transposed: boolean): Float32Array {
  if (!transposed) return x;
  const y = new Float32Array(x.length);
  transpose2d(x, y, columns, rows);
  return y;
}

export function matMul(node: NodeOf<'matMul'>, [a, b]: Inputs<'matMul'>, [c]: Outputs<'matMul'>): void {
  const out = node.outputs[0].shape;
  const { transposeA, transposeB } = node.attrs;
  const [m, n] = [out.at(-2)!, out.at(-1)!];
  const k = node.inputs[0].shape.at(transposeA ? -2 : -1)!;
  const batch = sizeOf(out.slice(0, -2));
  c.fill(0);
  for (let i = 0; i < batch; i++) {
    const left = oriented(a.subarray(i * m * k, (i + 1) * m * k), m, k, transposeA);
    const right = oriented(b.subarray(i * k * n, (i + 1) * k * n), k, n, transposeB);
    multiplyAdd(m, n, k, left, right, c.subarray(i * m * n, (i + 1) * m * n));
  }
}

/** Offsets of one group of one sample in the image, the output and the filter. */
export interface Part {
  readonly image: number;
  readonly output: number;
  readonly filter: number;
  readonly first: boolean;
}

/** Every (sample, group) of a convolution. */
export function* partsOf(g: ConvGeometry): Generator<Part> {
  const image = g.channels * g.height * g.width;
  const output = g.outputs * g.outHeight * g.outWidth;
  const filter = g.outputs * g.channels * g.kernel[0] * g.kernel[1];
  for (let n = 0; n < g.batch; n++)
    for (let k = 0; k < g.groups; k++) {
      const part = n * g.groups + k;
      yield { image: part * image, output: part * output, filter: k * filter, first: n === 0 };
    }
}

function lengths(g: ConvGeometry): { taps: number; positions: number } {
  return { taps: g.channels * g.kernel[0] * g.kernel[1], positions: g.outHeight * g.outWidth };
}

export function conv2d(node: NodeOf<'conv2d'>, [x, w]: Inputs<'conv2d'>, [y]: Outputs<'conv2d'>): void {
  const g = geometryOf(node.inputs[0].shape, node.inputs[1].shape, node.attrs);
  const { taps, positions } = lengths(g);
  const columns = new Float32Array(taps * positions);
  y.fill(0);
  for (const part of partsOf(g)) {
    if (isPointwise(g)) columns.set(x.subarray(part.image, part.image + columns.length));
    else unfoldColumns(g, x, part.image, columns);
    const filter = w.subarray(part.filter, part.filter + g.outputs * taps);
    multiplyAdd(
      g.outputs,
      positions,
      taps,
      filter,
      columns,
      y.subarray(part.output, part.output + g.outputs * positions),
    );
  }
}

export function convInputGrad(
  node: NodeOf<'convInputGrad'>,
  [dy, w]: Inputs<'convInputGrad'>,
  [dx]: Outputs<'convInputGrad'>,
): void {
  const g = geometryOf(node.outputs[0].shape, node.inputs[1].shape, node.attrs);
  const { taps, positions } = lengths(g);
  dx.fill(0);
  for (const part of partsOf(g)) {
    const filter = oriented(w.subarray(part.filter, part.filter + g.outputs * taps), taps, g.outputs, true);
    const columns = new Float32Array(taps * positions);
    multiplyAdd(
      taps,
      positions,
      g.outputs,
      filter,
      dy.subarray(part.output, part.output + g.outputs * positions),
      columns,
    );
    foldColumns(g, columns, dx, part.image);
  }
}

export function convFilterGrad(
  node: NodeOf<'convFilterGrad'>,
  [x, dy]: Inputs<'convFilterGrad'>,
  [dw]: Outputs<'convFilterGrad'>,
): void {
  const filterShape: Shape = node.outputs[0].shape;
  const g = geometryOf(node.inputs[0].shape, filterShape, node.attrs);
  const { taps, positions } = lengths(g);
  const rows = new Float32Array(taps * positions);
  dw.fill(0);
  for (const part of partsOf(g)) {
    unfoldRows(g, x, part.image, rows);
    const gradient = dw.subarray(part.filter, part.filter + g.outputs * taps);
    multiplyAdd(
      g.outputs,
      taps,
      positions,
      dy.subarray(part.output, part.output + g.outputs * positions),
      rows,
      gradient,
    );
  }
}

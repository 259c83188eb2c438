/** A smooth field over a picture, computed on a coarse lattice: cubic between control points, straight between the lattice's. */

import type { ControlGrid } from './draw.js';

/** Pixels from one column or row of the lattice to the next. */
export const STEP = 8;

/** Columns or rows of a lattice over so many pixels; the last lies at or behind the last pixel. */
export function latticeSize(pixels: number): number {
  return Math.ceil(pixels / STEP) + 1;
}

/**
 * The field at every STEP-th pixel of `height` × `width`, row by row, times `factor`. Between control points it is
 * Catmull and Rom's cubic, which goes through them.
 */
export function lattice(grid: ControlGrid, height: number, width: number, factor: number): Float64Array {
  const { cells, values } = grid;
  const [rows, columns] = [latticeSize(height), latticeSize(width)];
  const side = cells + 3;
  const [atY, weightsY] = cubicWeights(rows, height, cells);
  const [atX, weightsX] = cubicWeights(columns, width, cells);
  // First along the columns of the grid, then along rows.
  const tall = new Float64Array(rows * side);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < side; c++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += weightsY[4 * r + k]! * values[(atY[r]! + k) * side + c]!;
      tall[r * side + c] = sum * factor;
    }
  }
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += weightsX[4 * c + k]! * tall[r * side + atX[c]! + k]!;
      out[r * columns + c] = sum;
    }
  }
  return out;
}

/** For each place of the lattice: the first of the four control points around it, and their weights. */
function cubicWeights(count: number, pixels: number, cells: number): [Int32Array, Float64Array] {
  const at = new Int32Array(count);
  const weights = new Float64Array(4 * count);
  for (let i = 0; i < count; i++) {
    const place = Math.min(cells, (i * STEP * cells) / Math.max(1, pixels - 1));
    const cell = Math.min(cells - 1, Math.floor(place));
    const t = place - cell;
    at[i] = cell;
    weights[4 * i] = 0.5 * t * (t * (2 - t) - 1);
    weights[4 * i + 1] = 0.5 * (t * t * (3 * t - 5) + 2);
    weights[4 * i + 2] = 0.5 * t * (t * (4 - 3 * t) + 1);
    weights[4 * i + 3] = 0.5 * t * t * (t - 1);
  }
  return [at, weights];
}

/** A smooth field on its lattice, against Catmull and Rom's cubic evaluated at every pixel. */

import { expect, it } from 'vitest';
import type { ControlGrid } from '../../../src/data/augment/draw.js';
import { lattice, latticeSize, STEP } from '../../../src/data/augment/field.js';
import { Random } from '../../../src/random/index.js';

/** The cubic through p1 and p2 that has half of p2 − p0 and of p3 − p1 as its slopes there. */
function cubic([p0, p1, p2, p3]: readonly number[], t: number): number {
  const [slope1, slope2] = [(p2! - p0!) / 2, (p3! - p1!) / 2];
  const [t2, t3] = [t * t, t * t * t];
  return (2 * t3 - 3 * t2 + 1) * p1! + (t3 - 2 * t2 + t) * slope1 + (3 * t2 - 2 * t3) * p2! + (t3 - t2) * slope2;
}

function at({ cells, values }: ControlGrid, y: number, x: number): number {
  const side = cells + 3;
  const [row, column] = [Math.min(cells - 1, Math.floor(y)), Math.min(cells - 1, Math.floor(x))];
  const four = [0, 1, 2, 3];
  const down = four.map(k =>
    cubic(
      four.map(j => values[(row + k) * side + column + j]!),
      x - column,
    ),
  );
  return cubic(down, y - row);
}

it('goes through the control points and between them as the cubic does', () => {
  const random = new Random(3);
  const grid = { cells: 4, values: Float64Array.from({ length: 49 }, () => random.normal()) };
  // 257 pixels: control points at every 64th.
  const field = lattice(grid, 257, 257, 2);
  const columns = latticeSize(257);
  expect(field.length).toBe(columns * columns);
  for (let r = 0; r <= 256 / STEP; r++)
    for (let c = 0; c <= 256 / STEP; c++)
      expect(field[r * columns + c]).toBeCloseTo(2 * at(grid, (r * STEP) / 64, (c * STEP) / 64), 9);
  for (const [r, c] of [
    [0, 0],
    [2, 3],
    [4, 4],
  ] as const)
    expect(field[((r * 64) / STEP) * columns + (c * 64) / STEP]).toBeCloseTo(2 * grid.values[(r + 1) * 7 + c + 1]!, 9);
});

it('is straight between the places of the lattice: the middle is off by half a pixel at most, at 3 % and 4 cells', () => {
  const random = new Random(5);
  let most = 0;
  for (let n = 0; n < 20; n++) {
    const grid = { cells: 4, values: Float64Array.from({ length: 49 }, () => random.normal(0, 0.03)) };
    const [columns, field] = [latticeSize(256), lattice(grid, 256, 256, 256)];
    for (let y = 4; y < 248; y += STEP) {
      for (let x = 4; x < 248; x += STEP) {
        const i = Math.floor(y / STEP) * columns + Math.floor(x / STEP);
        const straight = (field[i]! + field[i + 1]! + field[i + columns]! + field[i + columns + 1]!) / 4;
        most = Math.max(most, Math.abs(straight - 256 * at(grid, (y * 4) / 255, (x * 4) / 255)));
      }
    }
  }
  expect(most).toBeLessThan(0.6);
  expect(most).toBeGreaterThan(0.01);
});

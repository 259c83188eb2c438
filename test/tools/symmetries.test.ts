/** Symmetries: eight different ways to lay a square, and each of them back. */

import { expect, it } from 'vitest';
import { laid, laidBack, symmetriesOf } from '../../src/tools/symmetries.js';

const planes = (height: number, width: number) => ({
  data: Float32Array.from({ length: 2 * height * width }, (_, i) => i),
  shape: [2, height, width] as const,
});

it.each([
  ['none', 1],
  ['flips', 4],
  ['flips+rot90', 8],
] as const)('%s: %i ways, all different, all undone', (augmentation, count) => {
  const ways = symmetriesOf(augmentation);
  const square = planes(3, 3);
  expect(new Set(ways.map(way => laid(square, way).data.join())).size).toBe(count);
  expect(laid(square, ways[0]!).data).toEqual(square.data);
  for (const picture of [square, planes(2, 5)]) {
    for (const way of ways) expect(laidBack(laid(picture, way), way)).toEqual(picture);
  }
});

it('are transposing first and flipping then', () => {
  const picture = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [1, 2, 3] as const };
  const upside = { transposed: false, flippedY: true, flippedX: false };
  expect([...laid(picture, upside).data]).toEqual([4, 5, 6, 1, 2, 3]);
  const turned = laid(picture, { transposed: true, flippedY: false, flippedX: true });
  expect([turned.shape, [...turned.data]]).toEqual([
    [1, 3, 2],
    [4, 1, 5, 2, 6, 3],
  ]);
});

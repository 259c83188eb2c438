/** Plans of tiles: every place once, each from a tile that holds all that it is made of, at the network's stride. */

import { describe, expect, it } from 'vitest';
import { planTiles, smallestTile, type TileAxis } from '../../src/tools/tiles.js';
import { failure } from '../failure.js';

const axis = (length: number, tile: number, low: number, high: number, stride: number): TileAxis => ({
  length,
  scores: length,
  tile,
  field: { step: 1, low, high, stride },
});

describe('planTiles', () => {
  const cases: TileAxis[] = [];
  for (const length of [64, 100, 257])
    for (const tile of [33, 48, 80])
      for (const [low, high] of [
        [-3, 3],
        [-10.5, 8.5],
        [0, 12],
        [4, 9],
      ] as const)
        for (const stride of [1, 4, 8]) cases.push(axis(length, tile, low, high, stride));

  it.each(cases.map(c => [c.length, c.tile, c.field.low, c.field.high, c.field.stride, c] as const))(
    '%i places in tiles of %i, made of %d to %d, stride %i',
    (length, tile, low, high, stride, plan) => {
      const spans = planTiles(plan);
      let next = 0;
      for (const { start, length: own, from, to } of spans) {
        expect(from).toBe(next);
        next = to;
        expect(start % stride).toBe(0);
        const isLast = start + own === length;
        if (start > 0) expect(from + low).toBeGreaterThanOrEqual(start);
        if (!isLast) {
          expect(to - 1 + high).toBeLessThanOrEqual(start + own - 1);
          expect(own).toBeLessThanOrEqual(tile);
        } else expect(own).toBeLessThan(tile + stride);
      }
      expect(next).toBe(length);
    },
  );

  it('one tile where the picture is no larger', () => {
    expect(planTiles(axis(40, 40, -9, 9, 8))).toEqual([{ start: 0, length: 40, from: 0, to: 40 }]);
  });

  it('tiles that get nowhere are refused, those of the least size do', async () => {
    const small = axis(400, 20, -20, 20, 8);
    expect((await failure((async () => planTiles(small))())).code).toBe('tile-small');
    const least = smallestTile(small.field);
    expect(planTiles({ ...small, tile: least }).length).toBeGreaterThan(1);
  });
});

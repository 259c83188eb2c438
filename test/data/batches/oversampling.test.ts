/** The order of epochs in which some entries come more often. */

import { describe, expect, it } from 'vitest';
import { oversampling } from '../../../src/data/batches/oversampling.js';
import { BatchLoader } from '../../../src/data/index.js';
import type { EntrySource } from '../../../src/data/sets/dataset.js';
import { Random } from '../../../src/random/index.js';

const countsOf = (entries: ArrayLike<number>, n: number) =>
  Array.from({ length: n }, (_, i) => Array.from(entries).filter(e => e === i).length);

describe('an epoch', () => {
  it('has each entry as often as its factor says, in the order of the source or shuffled', () => {
    const { size, order } = oversampling([1, 3, 1, 2]);
    expect(size).toBe(7);
    const random = new Random(1);
    expect([...order(random, false)]).toEqual([0, 1, 1, 1, 2, 3, 3]);
    const shuffled = Array.from({ length: 20 }, () => order(random, true));
    for (const entries of shuffled) expect(countsOf(entries, 4)).toEqual([1, 3, 1, 2]);
    expect(new Set(shuffled.map(entries => entries.join())).size).toBeGreaterThan(10);
  });

  it('has entries of a broken factor once more or less, as a mean as often as it says, in epochs of one length', () => {
    const factors = [1, 1.5, 1, 2.25, 1, 1.25];
    const { size, order } = oversampling(factors);
    expect(size).toBe(8);
    const random = new Random(7);
    const sums = factors.map(() => 0);
    const epochs = 4000;
    for (let i = 0; i < epochs; i++) {
      const counts = countsOf(order(random, false), 6);
      counts.forEach((count, entry) => {
        expect([Math.floor(factors[entry]!), Math.ceil(factors[entry]!)]).toContain(count);
        sums[entry]! += count;
      });
    }
    // Four standard deviations of a share of 4000 draws: 0.03.
    for (const [entry, sum] of sums.entries()) expect(Math.abs(sum / epochs - factors[entry]!)).toBeLessThan(0.035);
  });

  it('never has an entry of factor 1 twice, whatever the others sum up to', () => {
    const { size, order } = oversampling([1, 1.3, 1, 1.3]);
    expect(size).toBe(5);
    const random = new Random(3);
    for (let i = 0; i < 200; i++) {
      const [a, b, c, d] = countsOf(order(random, true), 4);
      expect([a, c, b! + d!]).toEqual([1, 1, 3]);
    }
    expect(oversampling([1, 1, 1.2]).size).toBe(3);
  });
});

it('a loader goes on from its state with the very same batches', async () => {
  const source: EntrySource = {
    name: 'numbers',
    size: 5,
    entry: async i => ({
      name: `${i}`,
      data: Float32Array.of(i),
      shape: [1, 1, 1],
      label: Float32Array.of(i),
      labelShape: [],
    }),
    close: async () => {},
  };
  const make = () => new BatchLoader(source, { batchSize: 3, shuffle: true, seed: 4, factors: [1, 1, 2.5, 1, 3] });
  const [one, other] = [make(), make()];
  expect(one.batchesPerEpoch).toBe(3);
  for (let i = 0; i < 4; i++) await one.next();
  const state = structuredClone(one.save());
  const rest = [];
  for (let i = 0; i < 9; i++) rest.push((await one.next()).entries);
  await other.next();
  other.restore(state);
  for (const entries of rest) expect((await other.next()).entries).toEqual(entries);
});

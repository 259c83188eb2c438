/** Arrays in memory as a data set. */

import { describe, expect, it } from 'vitest';
import { feedOfArrays } from '../../src/feeds/arrays.js';
import { failure } from '../failure.js';

const arrays = {
  data: { data: [0, 1, 10, 11, 20, 21, 30, 31, 40, 41], shape: [1, 2] },
  label: { data: [0, 1, 2, 3, 4], shape: [] },
};
type Fed = Record<string, { data: Float32Array; shape: readonly number[] }>;
const labels = ({ feeds }: { feeds: unknown }) => [...(feeds as Fed)['label']!.data];

describe('a feed of arrays', () => {
  it('gives batches in order and begins again, data and labels together', async () => {
    const feed = feedOfArrays(arrays, { batchSize: 2 });
    expect([feed.entries, feed.batchSize, feed.batchesPerEpoch]).toEqual([5, 2, 3]);
    expect(feed.entryShapes).toEqual({ data: [1, 2], label: [] });
    const batches = [await feed.next(), await feed.next(), await feed.next()];
    expect(batches.map(labels)).toEqual([
      [0, 1],
      [2, 3],
      [4, 0],
    ]);
    const { data } = batches[2]!.feeds as Fed;
    expect([...data!.data]).toEqual([40, 41, 0, 1]);
    expect(data!.shape).toEqual([2, 1, 2]);
  });

  it('gives each entry once in a whole pass', async () => {
    const feed = feedOfArrays(arrays, { batchSize: 2, shuffle: true });
    const seen = [];
    for await (const batch of feed.wholePass()) seen.push(...labels(batch));
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('shuffles each epoch anew by its seed, and goes on where it was saved', async () => {
    const epoch = async (feed: ReturnType<typeof feedOfArrays>) => {
      const seen = [];
      for (let i = 0; i < 5; i++) seen.push(...labels(await feed.next()));
      return seen;
    };
    const feed = feedOfArrays(arrays, { batchSize: 1, shuffle: true, seed: 2 });
    const first = await epoch(feed);
    expect([...first].sort()).toEqual([0, 1, 2, 3, 4]);
    const state = JSON.parse(JSON.stringify(feed.save()));
    const second = await epoch(feed);
    const other = feedOfArrays(arrays, { batchSize: 1, shuffle: true, seed: 2 });
    expect(await epoch(other)).toEqual(first);
    const resumed = feedOfArrays(arrays, { batchSize: 1, shuffle: true, seed: 9 });
    resumed.restore(state);
    expect(await epoch(resumed)).toEqual(second);
  });

  it.each([
    ['no arrays', {}],
    ['other numbers of entries', { ...arrays, label: { data: [0, 1], shape: [] } }],
    ['a part of an entry', { data: { data: [1, 2, 3], shape: [2] } }],
  ])('refuses %s', async (_, given) => {
    expect(await failure((async () => feedOfArrays(given, { batchSize: 1 }))())).toMatchObject({ code: 'feed-size' });
  });
});

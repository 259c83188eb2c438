/** Arrays in memory as a data set: entries by the blobs that they fill, in order or shuffled anew each epoch. */

import { type Batches, EpochLoader } from '../data/batches/epochs.js';
import { fail } from '../diagnostics/index.js';
import { type Shape, showShape, sizeOf } from '../ir/index.js';
import { JoinedFeed, type PartBatch } from './data_feed.js';
import type { DataFeed } from './source.js';

/** Numbers of all entries, one after the other, in row-major order. */
export interface EntryArray {
  /** As many numbers as entries times the places of the shape. */
  readonly data: ArrayLike<number>;
  /** Of one entry: `[3, 32, 32]`; `[]` for one number. */
  readonly shape: Shape;
}

/** How arrays are dealt out in batches. */
export interface ArrayFeedOptions {
  /** Entries of a batch: what the net's inputs have as their first axis. */
  readonly batchSize: number;
  /** A new order each epoch. Default false. */
  readonly shuffle?: boolean;
  /** Of the order. Default 1. */
  readonly seed?: number;
}

/**
 * Entries for a net's inputs: `feedOfArrays({ data: { data: pixels, shape: [1, 28, 28] }, label: { data: digits, shape: [] } },
 * { batchSize: 64 })`. The arrays are read where they are and must not change.
 *
 * @throws MokapotError `feed-size` where an array does not hold as many entries as the first; `loader-batch`, `loader-empty`
 */
export function feedOfArrays(arrays: Readonly<Record<string, EntryArray>>, options: ArrayFeedOptions): DataFeed {
  const { batchSize, shuffle = false, seed = 1 } = options;
  const entries = entriesOf(arrays);
  const load = async (picks: readonly { readonly entry: number }[]): Promise<PartBatch> => {
    const at = picks.map(p => p.entry);
    const blobs = Object.entries(arrays).map(([blob, array]) => [blob, batchOf(array, at)] as const);
    return { blobs: new Map(blobs), names: at.map(i => `Entry ${i}`) };
  };
  const loader = (isShuffled: boolean): Batches<PartBatch> =>
    new EpochLoader({
      name: 'The data in memory',
      size: entries,
      batchSize,
      seed,
      ...(isShuffled && { order: random => random.permutation(entries) }),
      draw: () => undefined,
      load,
      prefetch: 1,
    });
  return new JoinedFeed([
    {
      entries,
      batchSize,
      blobs: Object.keys(arrays),
      entryShapes: new Map(Object.entries(arrays).map(([blob, { shape }]) => [blob, shape])),
      loader: loader(shuffle),
      wholePass: () => loader(false),
      close: async () => {},
    },
  ]);
}

function entriesOf(arrays: Readonly<Record<string, EntryArray>>): number {
  const [first, ...others] = Object.entries(arrays);
  if (!first) throw fail('feed-size', 'No arrays were given.', { hint: 'Name them by the blobs that they fill.' });
  const count = ({ data, shape }: EntryArray) => data.length / sizeOf(shape);
  const entries = count(first[1]);
  for (const [blob, array] of [first, ...others]) {
    if (count(array) === entries && Number.isInteger(entries)) continue;
    throw fail(
      'feed-size',
      `"${blob}" has ${array.data.length} numbers, ${showShape(array.shape)} an entry; "${first[0]}" has ${entries} entries.`,
      { hint: 'Give each blob as many whole entries.' },
    );
  }
  return entries;
}

function batchOf({ data, shape }: EntryArray, entries: readonly number[]) {
  const size = sizeOf(shape);
  const batch = new Float32Array(entries.length * size);
  entries.forEach((entry, i) => {
    for (let k = 0; k < size; k++) batch[i * size + k] = data[entry * size + k]!;
  });
  return { data: batch, shape: [entries.length, ...shape] };
}

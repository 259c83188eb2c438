/**
 * What fills a net's inputs: a data set, the layers' own files, arrays in memory, DummyData. Each is opened once, asked for its
 * size, shapes and batches by whoever needs them, and closed by whoever opened it. What the caller feeds takes its place.
 */

import type { LoaderState } from '../data/batches/epochs.js';
import { type Diagnostic, MokapotError, own, recordOf } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import type { NetGraph } from '../net/index.js';
import type { Feed, Feeds } from './feeds.js';

/** Numbers for one run, and which entries they are. */
export interface FeedBatch {
  /** By blob. */
  readonly feeds: Feeds;
  /** Entries in it. */
  readonly count: number;
  /** What messages call the entries, by blob. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
}

/** Numbers for some of a net's blobs, batch after batch. */
export interface FeedSource {
  /** The blobs that it fills. */
  readonly blobs: readonly string[];
  /** @throws DataFailure where they cannot be read */
  next(): Promise<FeedBatch>;
}

/** A source with an end: data that are gone through in passes. */
export interface DataFeed extends FeedSource {
  /** Entries of an epoch: of one pass, and more where some are read several times. */
  readonly entries: number;
  /** Entries of one batch. */
  readonly batchSize: number;
  /** Batches of one pass; the last one may reach into the next pass. */
  readonly batchesPerEpoch: number;
  /** Shapes of one entry by blob, which a net is compiled for (NetOptions.entryShapes). */
  readonly entryShapes: Readonly<Record<string, Shape>>;
  /** What is suspicious about the entries read so far, as warnings; more may come. */
  readonly notes: readonly Diagnostic[];
  /** From now on every batch's labels are held against the classes that the net tells. */
  checkLabels(net: NetGraph): void;
  /** Every entry once, in order; the last batch may be a smaller one. Leaves the position of `next` alone. */
  wholePass(): AsyncGenerator<FeedBatch>;
  /** Where it stands; plain JSON. */
  save(): readonly LoaderState[];
  /** Goes on where `save` found it. */
  restore(states: readonly LoaderState[]): void;
  /** Closes its files. */
  close(): Promise<void>;
}

/** Reading the data failed, or what was read cannot be used; the net and the solver are as they were before. */
export class DataFailure extends MokapotError {}

/** @throws DataFailure in place of any other diagnostic */
export async function orDataFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof MokapotError ? new DataFailure(thrown.diagnostics) : thrown;
  }
}

/** The next numbers of every source; one of whose blobs the caller feeds any stays where it is. */
export async function gather(sources: readonly FeedSource[], given: Feeds): Promise<Feeds> {
  const feeds = new Map<string, Feed>();
  for (const source of sources) {
    if (source.blobs.some(blob => own(given, blob) !== undefined)) continue;
    for (const [blob, feed] of Object.entries((await source.next()).feeds)) feeds.set(blob, feed);
  }
  return recordOf(feeds);
}

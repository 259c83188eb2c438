/** Data from several sources as one feed: each data layer's file, or arrays in memory, is a part of a net's batches. */

import type { Batches, LoaderState } from '../data/batches/epochs.js';
import { type Diagnostic, own, recordOf } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import type { NetGraph } from '../net/index.js';
import type { GivenFeed } from './feeds.js';
import { checkLabelValues, type LabelReader, labelReaders } from './label_values.js';
import { type DataFeed, type FeedBatch, orDataFailure } from './source.js';

/** A batch of some of a net's blobs. */
export interface PartBatch {
  readonly blobs: ReadonlyMap<string, GivenFeed>;
  /** What messages call its entries. */
  readonly names: readonly string[];
}

/** The blobs that come from one source. */
export interface Part {
  /** Entries of one pass. */
  readonly entries: number;
  /** Entries of an epoch, where some are read several times. */
  readonly epochEntries?: number;
  readonly batchSize: number;
  readonly blobs: readonly string[];
  /** Shapes of one entry, before a crop, by top. */
  readonly entryShapes: ReadonlyMap<string, Shape>;
  readonly loader: Batches<PartBatch>;
  /** Another one from the first entry on, every entry in order and once. */
  wholePass(): Batches<PartBatch>;
  /** What is suspicious about the entries read so far, as warnings; more may come. */
  readonly notes?: readonly Diagnostic[] | undefined;
  close(): Promise<void>;
}

/** Batches of several parts, side by side, as one feed. */
export class JoinedFeed implements DataFeed {
  private readers: readonly LabelReader[] = [];

  readonly entryShapes: Readonly<Record<string, Shape>>;

  /** @param parts at least one; they are closed with it */
  constructor(private readonly parts: readonly Part[]) {
    this.entryShapes = recordOf(parts.flatMap(p => [...p.entryShapes]));
  }

  get notes(): readonly Diagnostic[] {
    return this.parts.flatMap(p => p.notes ?? []);
  }

  get entries(): number {
    return Math.max(...this.parts.map(p => p.epochEntries ?? p.entries));
  }

  get blobs(): readonly string[] {
    return this.parts.flatMap(p => p.blobs);
  }

  get batchSize(): number {
    return this.parts[0]!.batchSize;
  }

  get batchesPerEpoch(): number {
    return Math.ceil(this.entries / this.batchSize);
  }

  checkLabels(net: NetGraph): void {
    this.readers = labelReaders(net).filter(({ isFed }) => isFed);
  }

  /** @throws DataFailure with what the readers say, or `label-value` */
  next(): Promise<FeedBatch> {
    return orDataFailure(async () => {
      const batches = [];
      for (const part of this.parts) batches.push(await part.loader.next());
      return this.checked(merged(batches, this.batchSize));
    });
  }

  async *wholePass(): AsyncGenerator<FeedBatch> {
    const loaders = this.parts.map(part => part.wholePass());
    for (let left = Math.max(...this.parts.map(p => p.entries)); left > 0; left -= this.batchSize) {
      const count = Math.min(left, this.batchSize);
      yield await orDataFailure(async () => {
        const batches = [];
        for (const [i, { batchSize }] of this.parts.entries()) {
          const batch = await loaders[i]!.next();
          batches.push(count < this.batchSize ? cut(batch, Math.min(count, batchSize)) : batch);
        }
        return this.checked(merged(batches, count));
      });
    }
  }

  private checked(batch: MergedBatch): FeedBatch {
    checkLabelValues(
      this.readers,
      ({ blob }) => own(batch.feeds, blob),
      blob => own(batch.names, blob) ?? [],
    );
    return batch;
  }

  save(): readonly LoaderState[] {
    return this.parts.map(part => part.loader.save());
  }

  restore(states: readonly LoaderState[]): void {
    this.parts.forEach((part, i) => {
      if (states[i]) part.loader.restore(states[i]);
    });
  }

  /** Closes what it opened; not the data set in use. */
  async close(): Promise<void> {
    for (const part of this.parts) await part.close();
  }
}

/** The first entries of a batch. */
function cut({ blobs, names }: PartBatch, count: number): PartBatch {
  const shorter = [...blobs].map(([blob, { data, shape }]): [string, GivenFeed] => [
    blob,
    { data: data.subarray(0, (data.length / shape[0]!) * count), shape: [count, ...shape.slice(1)] },
  ]);
  return { blobs: new Map(shorter), names: names.slice(0, count) };
}

interface MergedBatch extends FeedBatch {
  readonly feeds: Readonly<Record<string, GivenFeed>>;
  readonly names: Readonly<Record<string, readonly string[]>>;
}

function merged(batches: readonly PartBatch[], count: number): MergedBatch {
  const named = batches.flatMap(({ blobs, names }) => [...blobs.keys()].map(blob => [blob, names] as const));
  return { feeds: recordOf(batches.flatMap(b => [...b.blobs])), count, names: recordOf(named) };
}

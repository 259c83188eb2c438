/**
 * Binds a net's data layers to what they read: the file that they name, or the data set in use for Data layers without one
 * (DIGITS' all-in-one networks). Gives the shapes that the net is compiled for, then batch after batch.
 */

import type { LoaderState } from '../data/index.js';
import { type Diagnostic, MokapotError } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { filterLayers, type NetGraph, type NetOptions, netState } from '../net/index.js';
import { dropUnreadData } from '../net/inputs.js';
import { Report } from '../net/report.js';
import type { LayerParameter, NetParameter } from '../schema/index.js';
import {
  type DataPlaces,
  datasetPart,
  hasSource,
  openPart,
  type Part,
  type PartBatch,
  sourceIsThere,
} from './data_parts.js';
import type { Feeds } from './feeds.js';

import { checkLabelValues, type LabelReader, labelReaders } from './label_values.js';

export type { DataPlaces } from './data_parts.js';

export interface FeedBatch {
  readonly feeds: Feeds;
  /** Entries in it. */
  readonly count: number;
  /** What messages call the entries, by blob. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
}

const READERS: ReadonlySet<string> = new Set(['Data', 'ImageData', 'HDF5Data', 'WindowData']);

/** Reading the data failed, or what was read cannot be used; the net and the solver are as they were before. */
export class DataFailure extends MokapotError {}

async function orDataFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof MokapotError ? new DataFailure(thrown.diagnostics) : thrown;
  }
}

/** The batches of one net. */
export class DataFeeds {
  private readers: readonly LabelReader[] = [];

  private constructor(
    private readonly parts: readonly Part[],
    /** Shapes of one entry by top name, for NetOptions.entryShapes. */
    readonly entryShapes: Readonly<Record<string, Shape>>,
  ) {}

  /**
   * The batches of the data layers that take part in this phase and stage; undefined where there are none, or where the
   * caller feeds them (there is no data set, and inputShapes says what they get).
   *
   * @throws MokapotError `no-data-set`, `batch-sizes`, `data-backend`, `data-source`, `lmdb-…`, `image-list`, `hdf5-…`,
   *   `window-…`, `transform-…`
   */
  static async bind(net: NetParameter, options: NetOptions, places: DataPlaces): Promise<DataFeeds | undefined> {
    const layers = readersOf(net, options);
    const isFed = (layer: LayerParameter) => !places.split && layer.top.every(top => options.inputShapes?.[top]);
    const others = layers.filter(l => !hasSource(l) && !isFed(l));
    return DataFeeds.open(layers.filter(hasSource), others, options.phase ?? 'TEST', places);
  }

  /**
   * The same for a net that stands alone: of the layers that name a file, those whose file is there and that the caller
   * gives no shapes for. Data are then read as pycaffe's nets read theirs.
   *
   * @throws MokapotError as the readers do
   */
  static async bindOwn(
    net: NetParameter,
    options: NetOptions,
    places: DataPlaces & { readonly dir: string },
  ): Promise<DataFeeds | undefined> {
    const isFed = (layer: LayerParameter) => layer.top.every(top => options.inputShapes?.[top]);
    const layers = readersOf(net, options).filter(l => hasSource(l) && !isFed(l) && sourceIsThere(l, places.dir));
    return DataFeeds.open(layers, [], options.phase ?? 'TEST', places);
  }

  private static async open(
    sourced: readonly LayerParameter[],
    others: readonly LayerParameter[],
    phase: 'TRAIN' | 'TEST',
    places: DataPlaces,
  ): Promise<DataFeeds | undefined> {
    const parts: Part[] = [];
    try {
      for (const layer of sourced) parts.push(await openPart(layer, phase, places));
      if (others.length > 0) parts.push(await datasetPart(others, phase, places));
    } catch (thrown) {
      for (const part of parts) await part.close();
      throw thrown;
    }
    if (parts.length === 0) return undefined;
    return new DataFeeds(parts, Object.assign({}, ...parts.map(p => p.entryShapes)));
  }

  /** Entries of one pass. */
  get entries(): number {
    return Math.max(...this.parts.map(p => p.entries));
  }

  /** The blobs that it feeds. */
  get blobs(): readonly string[] {
    return this.parts.flatMap(p => p.blobs);
  }

  get batchSize(): number {
    return this.parts[0]!.batchSize;
  }

  get batchesPerEpoch(): number {
    return Math.ceil(this.entries / this.batchSize);
  }

  /** From now on every batch's labels are held against the classes that the net tells. */
  checkLabels(net: NetGraph): void {
    this.readers = labelReaders(net);
  }

  /** @throws DataFailure with what the readers say, or `label-value` */
  next(): Promise<FeedBatch> {
    return orDataFailure(async () => {
      const batches = [];
      for (const part of this.parts) batches.push(await part.loader.next());
      return this.checked(merged(batches, this.batchSize));
    });
  }

  /** Every entry once, in order; the last batch may be a smaller one. Leaves the position of `next` alone. */
  async *wholePass(): AsyncGenerator<FeedBatch> {
    const loaders = this.parts.map(part => part.wholePass());
    for (let left = this.entries; left > 0; left -= this.batchSize) {
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
    checkLabelValues(this.readers, batch.feeds, batch.names);
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

/**
 * Shapes of the entries of those data layers whose own files are there, for who only looks at a net, and what is wrong with
 * such files. Layers whose files are not there are passed over.
 */
export async function shapesThere(
  net: NetParameter,
  options: NetOptions,
  dir: string,
): Promise<{ readonly entryShapes: Readonly<Record<string, Shape>>; readonly diagnostics: readonly Diagnostic[] }> {
  const entryShapes: Record<string, Shape> = {};
  const diagnostics: Diagnostic[] = [];
  for (const layer of readersOf(net, options).filter(l => sourceIsThere(l, dir))) {
    try {
      const part = await openPart(layer, options.phase ?? 'TEST', { dir, seed: 0, shuffle: false });
      Object.assign(entryShapes, part.entryShapes);
      await part.close();
    } catch (thrown) {
      if (!(thrown instanceof MokapotError)) throw thrown;
      diagnostics.push(...thrown.diagnostics);
    }
  }
  return { entryShapes, diagnostics };
}

function readersOf(net: NetParameter, options: NetOptions): readonly LayerParameter[] {
  const state = netState(net, options);
  return dropUnreadData(filterLayers(net.layer, state, new Report()), state).filter(l => READERS.has(l.type));
}

/** The first entries of a batch. */
function cut({ blobs, names }: PartBatch, count: number): PartBatch {
  const shorter = Object.entries(blobs).map(([blob, { data, shape }]) => [
    blob,
    { data: data.subarray(0, (data.length / shape[0]!) * count), shape: [count, ...shape.slice(1)] },
  ]);
  return { blobs: Object.fromEntries(shorter), names: names.slice(0, count) };
}

interface MergedBatch extends FeedBatch {
  readonly feeds: PartBatch['blobs'];
  readonly names: Readonly<Record<string, readonly string[]>>;
}

function merged(batches: readonly PartBatch[], count: number): MergedBatch {
  const named = batches.flatMap(({ blobs, names }) => Object.keys(blobs).map(blob => [blob, names] as const));
  return { feeds: Object.assign({}, ...batches.map(b => b.blobs)), count, names: Object.fromEntries(named) };
}

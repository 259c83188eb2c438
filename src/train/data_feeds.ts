/**
 * Binds a net's Data layers to what they read: their own LMDB (`data_param.source`), or the data set in use for those
 * without one (DIGITS' all-in-one networks). Gives the shapes that the net is compiled for, then batch after batch.
 */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type Batch,
  BatchLoader,
  type DatasetSplit,
  type EntrySource,
  type LoaderState,
  openLmdb,
  readTransform,
} from '../data/index.js';
import { type Diagnostic, error, fail, MokapotError } from '../diagnostics/index.js';
import type { Feeds } from '../infer/feeds.js';
import type { Shape } from '../ir/index.js';
import { filterLayers, type NetOptions, netState } from '../net/index.js';
import { Report } from '../net/report.js';
import { DataParameter, type LayerParameter, locate, type NetParameter, sub } from '../schema/index.js';

export interface DataPlaces {
  /** The split of the data set in use. */
  readonly split?: DatasetSplit;
  /** The folder of the prototxt: relative sources are looked for there, then in the working directory. */
  readonly dir?: string;
  /** Of shuffling, crops and mirroring. */
  readonly seed: number;
  /** Whether the data set in use is read in a new order each epoch; an LMDB of a layer's own is read in order. */
  readonly shuffle: boolean;
}

export interface FeedBatch {
  readonly feeds: Feeds;
  /** Entries in it. */
  readonly count: number;
}

/** Which array of an entry a blob gets. */
interface Binding {
  readonly blob: string;
  readonly entry: 'data' | 'label';
}

interface Part {
  readonly source: EntrySource;
  readonly owned: boolean;
  readonly batchSize: number;
  readonly bindings: readonly Binding[];
  /** In the order of the keys, or as the data set is to be read. */
  makeLoader(shuffle: boolean): BatchLoader;
  loader: BatchLoader;
}

/** The batches of one net. */
export class DataFeeds {
  private constructor(
    private readonly parts: readonly Part[],
    /** Shapes of one entry by top name, for NetOptions.entryShapes. */
    readonly entryShapes: Readonly<Record<string, Shape>>,
  ) {}

  /**
   * The batches of the Data layers that take part in this phase and stage; undefined where there are none, or where the
   * caller feeds them (there is no data set, and inputShapes says what they get).
   *
   * @throws MokapotError `no-data-set`, `batch-sizes`, `data-backend`, `lmdb-…`, `transform-…`
   */
  static async bind(net: NetParameter, options: NetOptions, places: DataPlaces): Promise<DataFeeds | undefined> {
    const layers = filterLayers(net.layer, netState(net, options), new Report()).filter(l => l.type === 'Data');
    if (layers.length === 0) return undefined;
    const parts: Part[] = [];
    const shapes: Record<string, Shape> = {};
    try {
      const sourced = layers.filter(l => sub(l, 'data_param').source);
      for (const layer of sourced) parts.push(await sourcedPart(layer, options, places, shapes));
      const isFed = (layer: LayerParameter) => !places.split && layer.top.every(top => options.inputShapes?.[top]);
      const open = layers.filter(l => !sourced.includes(l) && !isFed(l));
      if (parts.length + open.length === 0) return undefined;
      if (open.length > 0) parts.push(await datasetPart(open, options, places, shapes));
      return new DataFeeds(parts, shapes);
    } catch (thrown) {
      for (const part of parts) if (part.owned) await part.source.close();
      throw thrown;
    }
  }

  /** Entries of one pass. */
  get entries(): number {
    return Math.max(...this.parts.map(p => p.source.size));
  }

  get batchSize(): number {
    return this.parts[0]!.batchSize;
  }

  get batchesPerEpoch(): number {
    return Math.ceil(this.entries / this.batchSize);
  }

  async next(): Promise<FeedBatch> {
    const feeds: Record<string, { data: Float32Array; shape: Shape }> = {};
    for (const part of this.parts) Object.assign(feeds, feedsOf(part, await part.loader.next(), part.batchSize));
    return { feeds, count: this.batchSize };
  }

  /** Every entry once, in order; the last batch may be a smaller one. Leaves the position of `next` alone. */
  async *wholePass(): AsyncGenerator<FeedBatch> {
    const loaders = this.parts.map(part => part.makeLoader(false));
    for (let left = this.entries; left > 0; left -= this.batchSize) {
      const count = Math.min(left, this.batchSize);
      const feeds = {};
      for (const [i, part] of this.parts.entries())
        Object.assign(feeds, feedsOf(part, await loaders[i]!.next(), count));
      yield { feeds, count };
    }
  }

  save(): readonly LoaderState[] {
    return this.parts.map(part => part.loader.save());
  }

  restore(states: readonly LoaderState[]): void {
    this.parts.forEach((part, i) => {
      if (states[i]) part.loader.restore(states[i]);
    });
  }

  /** Closes the databases that it opened. */
  async close(): Promise<void> {
    for (const part of this.parts) if (part.owned) await part.source.close();
  }
}

function feedsOf(part: Part, batch: Batch, count: number) {
  const cut = (data: Float32Array, shape: Shape) => ({
    data: data.subarray(0, (data.length / batch.entries.length) * count),
    shape: [count, ...shape.slice(1)],
  });
  return Object.fromEntries(
    part.bindings.map(({ blob, entry }) => [
      blob,
      entry === 'data' ? cut(batch.data, batch.dataShape) : cut(batch.label, batch.labelShape),
    ]),
  );
}

/** A Data layer with a database of its own: its first top is the datum, its second the datum's label. */
async function sourcedPart(
  layer: LayerParameter,
  options: NetOptions,
  places: DataPlaces,
  shapes: Record<string, Shape>,
): Promise<Part> {
  const { source: path, backend, batch_size: batchSize } = sub(layer, 'data_param');
  if (backend === DataParameter.DB.LEVELDB && layer.data_param && Object.hasOwn(layer.data_param, 'backend')) {
    throw at(layer, 'data-backend', `Layer "${layer.name}" reads a LevelDB, and Mokapot reads LMDB only.`, {
      hint: 'Convert it (caffe: convert_imageset --backend=lmdb), or leave `source` out and name a data set.',
    });
  }
  checkBatchSize(layer, batchSize);
  const source = await openLmdb(findSource(path, places.dir));
  const transform = await readTransform(sub(layer, 'transform_param'), options.phase ?? 'TEST', places.dir);
  const first = await source.entry(0);
  const channels = transform.channels ?? first.shape[0];
  if (layer.top[0]) shapes[layer.top[0]] = [channels, first.shape[1], first.shape[2]];
  if (layer.top[1]) shapes[layer.top[1]] = first.labelShape;
  const bindings = layer.top.slice(0, 2).map((blob, i): Binding => ({ blob, entry: i === 0 ? 'data' : 'label' }));
  const makeLoader = () => new BatchLoader(source, { batchSize, seed: places.seed, transform });
  return { source, owned: true, batchSize, bindings, makeLoader, loader: makeLoader() };
}

/** All Data layers without a source share the entries of the data set in use. */
async function datasetPart(
  layers: readonly LayerParameter[],
  options: NetOptions,
  places: DataPlaces,
  shapes: Record<string, Shape>,
): Promise<Part> {
  const first = layers[0]!;
  const source = places.split;
  if (!source) {
    throw at(first, 'no-data-set', `Layer "${first.name}" reads the data set in use, and there is none.`, {
      hint: 'Name one (--dataset DIR), give the layer a database (data_param { source: "train_lmdb" }), or feed it: inputShapes.',
    });
  }
  const sizes = layers.map(layer => sub(layer, 'data_param').batch_size);
  const batchSize = sizes[0]!;
  checkBatchSize(first, batchSize);
  const odd = sizes.findIndex(size => size !== batchSize);
  if (odd > 0) {
    const message = `Layer "${layers[odd]!.name}" has batch_size ${sizes[odd]}, layer "${first.name}" ${batchSize}.`;
    throw at(layers[odd]!, 'batch-sizes', message, { hint: 'Pictures and labels go in pairs: make them equal.' });
  }
  const bindings = layers.flatMap(layer =>
    layer.top.map(
      (blob, i): Binding => ({ blob, entry: blob === 'label' || (blob !== 'data' && i > 0) ? 'label' : 'data' }),
    ),
  );
  const picture = layers.find(l => l.top.some(t => bindings.some(b => b.blob === t && b.entry === 'data'))) ?? first;
  const transform = await readTransform(sub(picture, 'transform_param'), options.phase ?? 'TEST', places.dir);
  if (source.size === 0)
    throw at(first, 'split-empty', `The data set has no entries for layer "${first.name}" to read.`, {
      hint: 'Another split may have some (--split train), or the data set may be made anew with more held back (--val 10).',
    });
  const shape = source.shapeOf(0);
  shapes['data'] = [transform.channels ?? shape[0], shape[1], shape[2]];
  shapes['label'] = [1, shape[1], shape[2]];
  const makeLoader = (shuffle: boolean) =>
    new BatchLoader(source, { batchSize, seed: places.seed, transform, shuffle });
  return { source, owned: false, batchSize, bindings, makeLoader, loader: makeLoader(places.shuffle) };
}

function checkBatchSize(layer: LayerParameter, batchSize: number): void {
  if (batchSize > 0) return;
  throw at(layer, 'batch-size', `Layer "${layer.name}" has no batch_size.`, {
    hint: 'Say how many entries make a batch: data_param { batch_size: 1 }.',
  });
}

function at(layer: LayerParameter, code: string, message: string, more: Partial<Diagnostic>): MokapotError {
  const location = locate(layer, 'data_param') ?? locate(layer);
  return new MokapotError(error(code, message, { layer: layer.name, ...more, ...(location && { location }) }));
}

function findSource(path: string, dir: string | undefined): string {
  const places = [...(dir === undefined ? [] : [resolve(dir, path)]), resolve(path)];
  const found = places.find(p => existsSync(p));
  if (found) return found;
  throw fail('lmdb-missing', `There is no LMDB database at ${places.join(' nor at ')}.`, {
    hint: 'Relative paths are looked for beside the prototxt, then in the working directory.',
  });
}

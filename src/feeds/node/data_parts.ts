/** What each kind of data layer reads, as a part of a net's batches: a database, listed pictures or HDF5 files, windows. */

import { existsSync } from 'node:fs';
import { placesOf } from '../../data/files.js';
import {
  type Augmenter,
  type Batch,
  type Batches,
  BatchLoader,
  type DatasetSplit,
  type EntrySource,
  findFile,
  Hdf5List,
  openImageList,
  openLmdb,
  readTransform,
  type Transform,
  WindowFile,
  windowLoader,
} from '../../data/index.js';
import { type Diagnostic, error, MokapotError } from '../../diagnostics/index.js';
import type { FileAccess } from '../../files/index.js';
import type { Shape } from '../../ir/index.js';
import type { DataTrait } from '../../layers/index.js';
import { entryOf } from '../../net/index.js';
import { DataParameter, type LayerParameter, locate, sub } from '../../schema/index.js';
import type { Part, PartBatch } from '../data_feed.js';
import { augmenterOf } from './augmenting.js';

export interface DataPlaces {
  /** The split of the data set in use. */
  readonly split?: DatasetSplit;
  /** The folder of the prototxt: relative sources are looked for there, then in the working directory. */
  readonly dir?: string;
  /** Of shuffling, crops and mirroring. */
  readonly seed: number;
  /** Whether the data set in use is read in a new order each epoch; a source of a layer's own is read as the layer says. */
  readonly shuffle: boolean;
  /** How many times an epoch each entry of the data set in use is read, as a mean. Default: once. */
  readonly factors?: readonly number[] | undefined;
  /** Which files may be opened, and whether messages quote them. Default: any, and they do. */
  readonly access?: FileAccess | undefined;
}

type Phase = 'TRAIN' | 'TEST';

/** Which array of an entry a blob gets. */
interface Binding {
  readonly blob: string;
  readonly entry: 'data' | 'label';
}

/** A layer that reads entries, and where from. */
export interface DataLayer {
  readonly layer: LayerParameter;
  readonly reads: DataTrait;
}

/** Whether the layer names what it reads, instead of the data set in use. */
export function hasSource({ layer, reads }: DataLayer): boolean {
  return !reads.readsDataset || sub(layer, reads.field).source !== '';
}

/** Whether the file or database that the layer names is there to be read; or, where `access` forbids it, may be there. */
export function sourceIsThere({ layer, reads }: DataLayer, dir: string, access?: FileAccess): boolean {
  const { source } = sub(layer, reads.field);
  return source !== '' && placesOf(source, dir).some(p => (access && !access.allows(p)) || existsSync(p));
}

/**
 * @param layers all that read data in the same state
 * @throws MokapotError as the readers do; `data-source` where none is named, `batch-size`, `data-backend`, `augment-…`
 */
export async function openPart(
  data: DataLayer,
  phase: Phase,
  places: DataPlaces,
  layers: readonly LayerParameter[],
): Promise<Part> {
  const augmenter = augmenterOf(data.layer, layers, phase);
  switch (data.reads.format) {
    case 'images':
      return imagePart(data, phase, places, augmenter);
    case 'hdf5':
      return hdf5Part(data, places);
    case 'windows':
      return windowPart(data, phase, places);
    case 'lmdb':
      return lmdbPart(data, phase, places, augmenter);
  }
}

/** A Data layer with a database of its own: its first top is the datum, its second the datum's label. */
async function lmdbPart(
  data: DataLayer,
  phase: Phase,
  places: DataPlaces,
  augmenter: Augmenter | undefined,
): Promise<Part> {
  const { layer } = data;
  const { source: path, backend, batch_size: batchSize } = sub(layer, 'data_param');
  if (backend === DataParameter.DB.LEVELDB && layer.data_param && Object.hasOwn(layer.data_param, 'backend')) {
    throw at(data, 'data-backend', `Layer "${layer.name}" reads a LevelDB, and Mokapot reads LMDB only.`, {
      hint: 'Convert it (caffe: convert_imageset --backend=lmdb), or leave `source` out and name a data set.',
    });
  }
  checkBatchSize(data, batchSize);
  const { channels, ...transform } = await readTransform(
    sub(layer, 'transform_param'),
    phase,
    places.dir,
    places.access,
  );
  // Caffe minds force_color and force_gray where it decodes a picture file, and leaves raw pixels as they are.
  const source = await openLmdb(findFile(path, places.dir, 'lmdb-missing', 'LMDB database', places.access), {
    channels,
    access: places.access,
  });
  const first = await source.entry(0);
  const shapes: Shape[] = [first.shape, first.labelShape];
  const options = { batchSize, seed: places.seed, transform, augmenter };
  const makeLoader = () => entries(new BatchLoader(source, options), topsOf(layer));
  return {
    entries: source.size,
    batchSize,
    blobs: layer.top,
    entryShapes: byTop(layer, shapes),
    loader: makeLoader(),
    wholePass: makeLoader,
    notes: source.notes,
    close: () => closeBoth(source, augmenter),
  };
}

async function imagePart(
  data: DataLayer,
  phase: Phase,
  places: DataPlaces,
  augmenter: Augmenter | undefined,
): Promise<Part> {
  const { layer } = data;
  const param = sub(layer, 'image_data_param');
  const { batch_size: batchSize, shuffle, rand_skip: randomSkip } = param;
  checkBatchSize(data, batchSize);
  const path = sourceOf(data, param.source, 'image list', places);
  const source = await openImageList(path, {
    rootFolder: param.root_folder,
    ...(places.dir !== undefined && { folder: places.dir }),
    height: param.new_height,
    width: param.new_width,
    isColor: param.is_color,
    access: places.access,
  });
  const transform = await ownTransform(layer, phase, places);
  const { shape, labelShape } = await source.entry(0);
  const common = { batchSize, seed: places.seed, transform, augmenter };
  return {
    entries: source.size,
    batchSize,
    blobs: layer.top,
    entryShapes: byTop(layer, [shape, labelShape]),
    loader: entries(new BatchLoader(source, { ...common, shuffle, randomSkip }), topsOf(layer)),
    wholePass: () => entries(new BatchLoader(source, common), topsOf(layer)),
    notes: source.notes,
    close: () => closeBoth(source, augmenter),
  };
}

async function hdf5Part(data: DataLayer, places: DataPlaces): Promise<Part> {
  const { layer } = data;
  const { batch_size: batchSize, shuffle, source } = sub(layer, 'hdf5_data_param');
  checkBatchSize(data, batchSize);
  const list = await Hdf5List.open(
    sourceOf(data, source, 'list of HDF5 files', places),
    layer.top,
    places.dir,
    places.access,
  );
  return {
    entries: list.size,
    batchSize,
    blobs: layer.top,
    entryShapes: list.rowShapes,
    loader: list.loader(batchSize, shuffle, places.seed),
    wholePass: () => list.loader(batchSize, false, places.seed),
    close: async () => {},
  };
}

async function windowPart(data: DataLayer, phase: Phase, places: DataPlaces): Promise<Part> {
  const { layer } = data;
  const param = sub(layer, 'window_data_param');
  checkBatchSize(data, param.batch_size);
  const file = await WindowFile.open(sourceOf(data, param.source, 'window file', places), {
    fgThreshold: param.fg_threshold,
    bgThreshold: param.bg_threshold,
    rootFolder: param.root_folder,
    ...(places.dir !== undefined && { folder: places.dir }),
    cacheImages: param.cache_images,
    access: places.access,
  });
  const transform = await ownTransform(layer, phase, places);
  const makeLoader = () =>
    entries(
      windowLoader(file, {
        batchSize: param.batch_size,
        fgFraction: param.fg_fraction,
        contextPad: param.context_pad,
        cropMode: param.crop_mode,
        scale: param.scale,
        transform,
        seed: places.seed,
      }),
      topsOf(layer),
    );
  const crop = transform.cropSize!;
  return {
    entries: file.size,
    batchSize: param.batch_size,
    blobs: layer.top,
    entryShapes: byTop(layer, [[3, crop, crop], []]),
    loader: makeLoader(),
    wholePass: makeLoader,
    close: async () => {},
  };
}

/** All Data layers without a source share the entries of the data set in use. */
export async function datasetPart(data: readonly DataLayer[], phase: Phase, places: DataPlaces): Promise<Part> {
  const layers = data.map(d => d.layer);
  const first = layers[0]!;
  const source = places.split;
  if (!source) {
    throw at(data[0]!, 'no-data-set', `Layer "${first.name}" reads the data set in use, and there is none.`, {
      hint: 'Name one (--dataset DIR), give the layer a database (data_param { source: "train_lmdb" }), or feed it: inputShapes.',
    });
  }
  const sizes = layers.map(layer => sub(layer, 'data_param').batch_size);
  const batchSize = sizes[0]!;
  checkBatchSize(data[0]!, batchSize);
  const mismatch = sizes.findIndex(size => size !== batchSize);
  if (mismatch > 0) {
    const message = `Layer "${layers[mismatch]!.name}" has batch_size ${sizes[mismatch]}, layer "${first.name}" ${batchSize}.`;
    throw at(data[mismatch]!, 'batch-sizes', message, { hint: 'Pictures and labels go in pairs: make them equal.' });
  }
  const bindings = bindingsOf(layers);
  const pictures = pictureLayer(layers) ?? first;
  const transform = await readTransform(sub(pictures, 'transform_param'), phase, places.dir);
  if (source.size === 0)
    throw at(data[0]!, 'split-empty', `The data set has no entries for layer "${first.name}" to read.`, {
      hint: 'Another split may have some (--split train), or the data set may be made anew with more held back (--val 10).',
    });
  const augmenter = augmenterOf(pictures, layers, phase);
  const { seed, factors } = places;
  const common = { batchSize, seed, transform, augmenter };
  const loader = new BatchLoader(source, { ...common, shuffle: places.shuffle, factors });
  return {
    entries: source.size,
    epochEntries: loader.size,
    batchSize,
    blobs: bindings.map(b => b.blob),
    entryShapes: new Map(Object.entries(datasetShapes(layers, source.shapeOf(0)))),
    loader: entries(loader, bindings),
    wholePass: () => entries(new BatchLoader(source, common), bindings),
    close: async () => augmenter?.close(),
  };
}

/** Closes the files and ends the threads. */
async function closeBoth(source: EntrySource, augmenter: Augmenter | undefined): Promise<void> {
  await Promise.all([source.close(), augmenter?.close()]);
}

function bindingsOf(layers: readonly LayerParameter[]): Binding[] {
  return layers.flatMap(layer =>
    layer.top.map((blob, i): Binding => ({ blob, entry: entryOf(blob, i, {}) === 'data' ? 'data' : 'label' })),
  );
}

/** The layer that says how pictures are prepared: the one that takes them. */
function pictureLayer(layers: readonly LayerParameter[]): LayerParameter | undefined {
  return layers.find(layer => bindingsOf([layer]).some(b => b.entry === 'data')) ?? layers[0];
}

/** Shapes of the data set's entries, stored as `shape`, as Data layers without a source take them. */
export function datasetShapes(layers: readonly LayerParameter[], shape: ReturnType<DatasetSplit['shapeOf']>) {
  const picture = pictureLayer(layers);
  const transform = picture && sub(picture, 'transform_param');
  const [channels, height, width] = shape;
  const data: Shape = [transform?.force_color ? 3 : transform?.force_gray ? 1 : channels, height, width];
  const label: Shape = [1, height, width];
  return { data, label };
}

/** Caffe minds force_color and force_gray for a Datum only. */
async function ownTransform(layer: LayerParameter, phase: Phase, { dir, access }: DataPlaces): Promise<Transform> {
  return { ...(await readTransform(sub(layer, 'transform_param'), phase, dir, access)), channels: undefined };
}

function topsOf(layer: LayerParameter): Binding[] {
  return layer.top.slice(0, 2).map((blob, i): Binding => ({ blob, entry: i === 0 ? 'data' : 'label' }));
}

function byTop(layer: LayerParameter, shapes: readonly Shape[]): ReadonlyMap<string, Shape> {
  return new Map(layer.top.slice(0, shapes.length).map((top, i) => [top, shapes[i]!]));
}

/** Batches of entries as the blobs that they go to. */
function entries(loader: Batches<Batch>, bindings: readonly Binding[]): Batches<PartBatch> {
  return {
    async next() {
      const { data, dataShape, label, labelShape, names } = await loader.next();
      const arrays = { data: { data, shape: dataShape }, label: { data: label, shape: labelShape } };
      return { blobs: new Map(bindings.map(({ blob, entry }) => [blob, arrays[entry]])), names };
    },
    save: () => loader.save(),
    restore: state => loader.restore(state),
  };
}

function sourceOf(data: DataLayer, source: string, what: string, { dir, access }: DataPlaces): string {
  if (source) return findFile(source, dir, 'data-source', what, access);
  throw at(data, 'data-source', `Layer "${data.layer.name}" (${data.layer.type}) names no source.`, {
    hint: `Name its ${what}: ${data.reads.field} { source: "train.txt" batch_size: 1 }.`,
  });
}

function checkBatchSize(data: DataLayer, batchSize: number): void {
  if (batchSize > 0) return;
  throw at(data, 'batch-size', `Layer "${data.layer.name}" has no batch_size.`, {
    hint: `Say how many entries make a batch: ${data.reads.field} { batch_size: 1 }.`,
  });
}

function at({ layer, reads }: DataLayer, code: string, message: string, more: Partial<Diagnostic>): MokapotError {
  const location = locate(layer, reads.field) ?? locate(layer);
  return new MokapotError(error(code, message, { layer: layer.name, ...more, ...(location && { location }) }));
}

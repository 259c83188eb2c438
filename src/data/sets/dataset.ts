/** Opens what a network is fed from: a data set's splits, or any LMDB of Datums as Caffe's Data layer reads it. */

import { basename, join } from 'node:path';
import { fail } from '../../diagnostics/index.js';
import { decodeDatum } from '../formats/datum.js';
import { type LmdbReader, openLmdbReader } from '../formats/lmdb.js';
import { type Manifest, type ManifestSplit, readManifest, SPLITS, type SplitName } from './manifest.js';

/** One decoded entry. Pictures of three channels are blue, green, red. */
export interface Entry {
  readonly name: string;
  /** channels × height × width */
  readonly data: Float32Array;
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Class indices 1 × height × width, or the one class of a classification database. */
  readonly label: Float32Array;
  /** `[1, height, width]`, or `[]` for one number. */
  readonly labelShape: readonly number[];
}

/** Entries by position. */
export interface EntrySource {
  /** What messages call it. */
  readonly name: string;
  readonly size: number;
  entry(position: number): Promise<Entry>;
  close(): Promise<void>;
}

export interface DatasetSplit extends EntrySource {
  readonly manifest: ManifestSplit;
  /** Without reading the entry. */
  shapeOf(position: number): readonly [channels: number, height: number, width: number];
  /** The position of an entry by its name (`SC-HF-I-1/0048`) or key. */
  indexOf(name: string): number | undefined;
}

export interface Dataset {
  readonly path: string;
  readonly manifest: Manifest;
  /** Opened once and kept until the data set is closed. @throws MokapotError `lmdb-…`, `dataset-manifest`. */
  split(name: SplitName): Promise<DatasetSplit>;
  close(): Promise<void>;
}

/** @throws MokapotError `dataset-missing`, `dataset-manifest`. */
export async function openDataset(path: string): Promise<Dataset> {
  const manifest = await readManifest(path);
  const opened = new Map<SplitName, Promise<DatasetSplit>>();
  return {
    path,
    manifest,
    split(name) {
      if (!SPLITS.includes(name)) {
        throw fail('dataset-split', `A data set has the splits train and val, not "${name}".`);
      }
      let split = opened.get(name);
      if (!split) {
        split = openSplit(path, manifest, name);
        opened.set(name, split);
      }
      return split;
    },
    async close() {
      const all = await Promise.allSettled(opened.values());
      opened.clear();
      await Promise.all(all.map(s => (s.status === 'fulfilled' ? s.value.close() : undefined)));
    },
  };
}

async function openSplit(path: string, manifest: Manifest, name: SplitName): Promise<DatasetSplit> {
  const split = manifest.splits[name];
  const features = await openLmdbReader(join(path, split.features));
  let labels: LmdbReader;
  try {
    labels = await openLmdbReader(join(path, split.labels));
  } catch (cause) {
    await features.close();
    throw cause;
  }
  const close = async () => {
    await Promise.all([features.close(), labels.close()]);
  };
  const { length } = split.entries;
  if (features.size !== length || labels.size !== length) {
    await close();
    throw fail(
      'dataset-manifest',
      `The split ${name} of ${path} has ${length} entries in its manifest, ${features.size} pictures and ${labels.size} labels.`,
      { hint: 'It was not written to its end, or files were mixed: create the data set again.' },
    );
  }
  return {
    name: `${basename(path)}/${name}`,
    size: length,
    manifest: split,
    shapeOf(position) {
      return split.entries[position]!.shape;
    },
    indexOf(wanted) {
      const found = split.entries.findIndex(e => e.name === wanted || e.key === wanted);
      return found < 0 ? undefined : found;
    },
    async entry(position) {
      const [picture, mask] = await Promise.all([features.entry(position), labels.entry(position)]);
      const entryName = split.entries[position]!.name;
      if (picture.key !== mask.key) {
        throw fail('dataset-pairs', `Entry ${position} of ${path} pairs ${picture.key} with ${mask.key}.`, {
          hint: 'The databases do not belong together: create the data set again.',
        });
      }
      const data = await decodeDatum(picture.value, { name: entryName });
      const label = await decodeDatum(mask.value, { name: `${entryName} (label)` });
      return {
        name: entryName,
        data: Float32Array.from(data.data),
        shape: [data.channels, data.height, data.width],
        label: Float32Array.from(label.data),
        labelShape: [label.channels, label.height, label.width],
      };
    },
    close,
  };
}

/**
 * A database as an ordinary Data layer reads it: entries in the order of their keys, tops `data` and `label`.
 * @param path the layer's `data_param.source`.
 * @param options.channels 3 for `force_color` (or `force_encoded_color`), 1 for `force_gray`.
 * @throws MokapotError `lmdb-…`, `lmdb-empty`.
 */
export async function openLmdb(path: string, options: { channels?: 1 | 3 } = {}): Promise<EntrySource> {
  const reader = await openLmdbReader(path);
  if (reader.size === 0) {
    await reader.close();
    throw fail('lmdb-empty', `The database ${path} has no entries.`, { hint: 'Create it again.' });
  }
  return {
    name: path,
    size: reader.size,
    async entry(position) {
      const { key, value } = await reader.entry(position);
      const datum = await decodeDatum(value, { channels: options.channels, name: `${path}: ${key}` });
      return {
        name: key,
        data: Float32Array.from(datum.data),
        shape: [datum.channels, datum.height, datum.width],
        label: Float32Array.of(datum.label),
        labelShape: [],
      };
    },
    close: () => reader.close(),
  };
}

/** Opens what a network is fed from: a data set's splits, or any LMDB of Datums as Caffe's Data layer reads it. */

import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { type Diagnostic, error, fail, MokapotError } from '../../diagnostics/index.js';
import { anyFile, type FileAccess } from '../../files/index.js';
import { crc32 } from '../../weights/formats/checksums.js';
import { decodeDatum } from '../formats/datum.js';
import { type LmdbEntry, type LmdbReader, openLmdbReader } from '../formats/lmdb.js';
import { type Manifest, type ManifestSplit, readManifest, SPLITS, type SplitName } from './manifest.js';

/** One decoded entry. Pictures of three channels are blue, green, red. */
export interface Entry {
  /** What messages call it. */
  readonly name: string;
  /** channels × height × width */
  readonly data: Float32Array;
  /** Its size. */
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
  /** How many entries there are. */
  readonly size: number;
  /** What is suspicious about the entries read so far, as warnings, each kind once; more may come. */
  readonly notes?: readonly Diagnostic[];
  /** Reads and decodes an entry, counted from 0. @throws MokapotError where it is damaged */
  entry(position: number): Promise<Entry>;
  /** Closes its files. */
  close(): Promise<void>;
}

/** One split of a data set. */
export interface DatasetSplit extends EntrySource {
  /** Its part of the data set's manifest. */
  readonly manifest: ManifestSplit;
  /** Without reading the entry. */
  shapeOf(position: number): readonly [channels: number, height: number, width: number];
  /** The position of an entry by its name (`SC-HF-I-1/0048`) or key. */
  indexOf(name: string): number | undefined;
}

/** A data set's folder, opened: splits of entries with labels. */
export interface Dataset {
  /** Its folder. */
  readonly path: string;
  /** What is in it: splits, classes, shapes. */
  readonly manifest: Manifest;
  /** Opened once and kept until the data set is closed. @throws MokapotError `lmdb-…`, `dataset-manifest`. */
  split(name: SplitName): Promise<DatasetSplit>;
  /** Closes all of its splits. */
  close(): Promise<void>;
}

/**
 * Opens the folder of a data set; its splits are opened when asked for.
 *
 * @throws MokapotError `dataset-missing`, `dataset-manifest`.
 */
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
  const checked = new Uint8Array(length);
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
      const { name: entryName, key, checksums } = split.entries[position]!;
      const [picture, mask] = await Promise.all([
        named(entryName, features.entry(position)),
        named(`${entryName} (label)`, labels.entry(position)),
      ]);
      if (!checked[position]) {
        checkEntry(`${path}/${name}`, 'picture', picture, key, entryName, checksums?.[0]);
        checkEntry(`${path}/${name}`, 'label', mask, key, entryName, checksums?.[1]);
        checked[position] = 1;
      }
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

/** Damage of a database, with the entry that it was met at. */
async function named(name: string, reading: Promise<LmdbEntry>): Promise<LmdbEntry> {
  try {
    return await reading;
  } catch (cause) {
    if (!(cause instanceof MokapotError)) throw cause;
    const [first, ...others] = cause.diagnostics;
    throw new MokapotError([{ ...first!, message: `Entry ${name}: ${first!.message}` }, ...others]);
  }
}

/** Whether an entry's bytes are those that were written. @throws MokapotError `dataset-damaged` */
function checkEntry(
  where: string,
  what: 'picture' | 'label',
  { key, value }: LmdbEntry,
  wantedKey: string,
  name: string,
  checksum: string | undefined,
): void {
  if (checksum === undefined || (key === wantedKey && crc32(value) >>> 0 === Number.parseInt(checksum, 16))) return;
  throw fail(
    'dataset-damaged',
    `The ${what} of entry ${name} of ${where} is not what was written: its checksum differs.`,
    {
      hint: 'Bits of the database have changed, on the disk or in copying: copy it again or create the data set anew. `mokapot dataset show DIR --verify` finds all such entries.',
    },
  );
}

/**
 * A database as an ordinary Data layer reads it: entries in the order of their keys, tops `data` and `label`.
 * @param path the layer's `data_param.source`.
 * @param options.channels 3 for `force_color` (or `force_encoded_color`), 1 for `force_gray`.
 * @param options.access whether it may be opened, and messages name its keys. Default: it may, and they do.
 * @throws MokapotError `lmdb-…`, `lmdb-empty`, `file-outside`.
 */
export async function openLmdb(
  path: string,
  options: { channels?: 1 | 3; access?: FileAccess | undefined } = {},
): Promise<EntrySource> {
  const { access = anyFile } = options;
  const reader = await openLmdbReader(path, access);
  if (reader.size === 0) {
    await reader.close();
    throw fail('lmdb-empty', `The database ${path} has no entries.`, { hint: 'Create it again.' });
  }
  const check = await checkOf(path);
  const notes: Diagnostic[] = [];
  return {
    name: path,
    size: reader.size,
    notes,
    async entry(position) {
      const { key, value } = await reader.entry(position);
      check({ key, value });
      const datum = await decodeDatum(value, {
        channels: options.channels,
        name: `${path}: ${access.quotes ? key : `number ${position}`}`,
      });
      if (datum.isRaw && options.channels && datum.channels !== options.channels && notes.length === 0) {
        notes.push(rawDatum(path, datum.channels, options.channels));
      }
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

function rawDatum(path: string, channels: number, wanted: 1 | 3): Diagnostic {
  const field = wanted === 1 ? 'force_gray' : 'force_color';
  const message = `${path} holds raw pixels of ${channels} channels, and keeps them: ${field} is for encoded pictures (PNG, JPEG) alone, as in Caffe.`;
  return error('raw-datum-channels', message, {
    severity: 'warning',
    hint: `Leave ${field} out, or make the database again (convert_imageset --gray or --encoded; mokapot dataset create).`,
  });
}

/** How the entries of a database that belongs to a data set are checked when they are first read; of any other, not at all. */
async function checkOf(path: string): Promise<(entry: LmdbEntry) => void> {
  const root = dirname(dirname(resolve(path)));
  const manifest = await readManifest(root).catch(() => undefined);
  const place = relative(root, resolve(path)).split(sep).join('/');
  for (const name of SPLITS) {
    const split = manifest?.splits[name];
    const which = split?.features === place ? 0 : split?.labels === place ? 1 : undefined;
    if (!split || which === undefined) continue;
    const unchecked = new Map(split.entries.map(e => [e.key, e]));
    return entry => {
      const known = unchecked.get(entry.key);
      unchecked.delete(entry.key);
      if (!known) return;
      const what = which === 0 ? 'picture' : 'label';
      checkEntry(path, what, entry, known.key, known.name, known.checksums?.[which]);
    };
  }
  return () => {};
}

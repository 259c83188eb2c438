/**
 * Writes a data set: takes entries one by one, fills the databases, counts, and leaves the manifest at the end. All of it
 * is made in a folder of its own and put in place when it is whole; until then an older set stays as it is.
 */

import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { type Diagnostic, error, fail, MokapotError, nearest } from '../../diagnostics/index.js';
import {
  FolderUpdate,
  fileError,
  finishUpdates,
  isTemporary,
  kindOf,
  systemReason,
  writeAtomically,
} from '../../files/index.js';
import type { Random } from '../../random/index.js';
import { writeBinaryproto } from '../../weights/formats/binaryproto.js';
import { crc32 } from '../../weights/formats/checksums.js';
import { encodeDatum } from '../formats/datum.js';
import type { Color, Planes } from '../formats/image.js';
import { createLmdb, type LmdbWriter } from '../formats/lmdb_write.js';
import {
  type EntryGeometry,
  FORMAT,
  MANIFEST,
  type Manifest,
  type ManifestEntry,
  type ManifestSplit,
  SPLITS,
  type SplitName,
  VERSION,
} from './manifest.js';
import { sha256Of } from './verify.js';
import { datasetWarnings } from './warnings.js';

export const IGNORE_LABEL = 255;

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly name: string;
}

/** What `create…` gives back: the manifest as written, what did not go in, and warnings about what did. */
export interface CreatedDataset {
  readonly manifest: Manifest;
  readonly skipped: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

/** What an entry is as its files have it. */
export interface ReadEntry {
  readonly planes: Planes;
  readonly label: Uint8Array;
  /** Where its pixels lie, where the files tell it. */
  readonly geometry?: EntryGeometry;
  /** Codes of what the user should know; each is told once for all entries. */
  readonly remarks?: readonly Remark[];
}

export type Remark = 'dicom-monochrome1';

/** An entry before it is read. */
export interface Candidate {
  readonly name: string;
  readonly image: string;
  readonly label: string;
  readonly patient?: string;
  /** Pixels and class indices; a MokapotError puts the entry on the list of the skipped. */
  read(): Promise<ReadEntry>;
}

export interface BuildOptions {
  /** Where it is made, and where it goes. */
  readonly update: FolderUpdate;
  readonly kind: Manifest['kind'];
  readonly channels: 1 | 3;
  readonly seed: number;
  readonly valPercent: number;
  readonly splitBy: Manifest['splitBy'];
  /** Names of the classes as far as they are known; more are added as labels show them. */
  readonly classes: readonly string[];
  readonly palette: () => readonly Color[];
  /** Stops it; everything is then as it was. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Runs `build` with a folder to make a data set in, which may be put in place of an older one.
 * @throws MokapotError `dataset-folder-used` where `out` holds other things or another process makes a set there;
 *   `file-unwritable`; what `build` throws. Everything is then as it was.
 */
export async function inDatasetFolder<T>(out: string, build: (update: FolderUpdate) => Promise<T>): Promise<T> {
  let update: FolderUpdate | undefined;
  try {
    await checkFolder(out);
    update = FolderUpdate.in(out);
    const [other] = update.others();
    if (other !== undefined) throw inUse(out, other);
    return await build(update);
  } catch (cause) {
    update?.drop();
    throw systemReason(cause) === undefined ? cause : fileError('file-unwritable', 'write', out, cause);
  }
}

/** Found out at the beginning: it is a folder, and holds no one else's things. */
async function checkFolder(out: string): Promise<void> {
  const found = await stat(out).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw cause;
  });
  if (!found) return;
  if (!found.isDirectory()) throw fail('dataset-folder-used', `${out} is ${kindOf(found)}, and a folder is wanted.`);
  finishUpdates(out);
  const there = (await readdir(out)).filter(name => !isTemporary(name));
  if (there.length === 0 || isDataset(out)) return;
  throw fail('dataset-folder-used', `The folder ${out} is not empty and no data set.`, {
    hint: 'Give a new folder; an old data set in it would be replaced, other files never are.',
  });
}

function isDataset(folder: string): boolean {
  try {
    return readFileSync(join(folder, MANIFEST), 'utf8').includes(`"format": "${FORMAT}"`);
  } catch {
    return false;
  }
}

function inUse(out: string, other: string): MokapotError {
  return fail('dataset-folder-used', `Another process makes a data set in ${out} at this time (${other}).`, {
    hint: 'Wait for it, or give another folder. If no such process runs, on this machine or another, remove that folder.',
  });
}

/**
 * Reads all candidates and puts the data set in place.
 * @throws MokapotError `dataset-empty` where nothing could be read; `file-unwritable`; the signal's reason.
 */
export async function buildDataset(
  candidates: Readonly<Record<SplitName, readonly Candidate[]>>,
  problems: readonly Diagnostic[],
  options: BuildOptions,
): Promise<CreatedDataset> {
  const skipped = [...problems];
  const { folder, out } = options.update;
  const writers = { train: new SplitWriter(folder, out, 'train'), val: new SplitWriter(folder, out, 'val') };
  try {
    await addAll(candidates, writers, skipped, options);
    if (writers.train.entries.length + writers.val.entries.length === 0) throw nothing(out, skipped);
    const manifest = await describe(options, writers, skipped);
    await writeAtomically(join(folder, MANIFEST), [Buffer.from(`${formatManifest(manifest)}\n`)]);
    options.signal?.throwIfAborted();
    const made = (await readdir(folder)).filter(name => name !== MANIFEST);
    options.update.commit({ place: [...made, MANIFEST] });
    const remarks = [...writers.train.remarks, ...writers.val.remarks];
    return { manifest, skipped, warnings: [...told(remarks), ...datasetWarnings(manifest)] };
  } finally {
    for (const name of SPLITS) writers[name].abort();
  }
}

async function addAll(
  candidates: Readonly<Record<SplitName, readonly Candidate[]>>,
  writers: Readonly<Record<SplitName, SplitWriter>>,
  skipped: Diagnostic[],
  { signal, onProgress }: BuildOptions,
): Promise<void> {
  const total = candidates.train.length + candidates.val.length;
  let done = 0;
  for (const name of SPLITS) {
    await writers[name].open();
    for (const candidate of candidates[name]) {
      signal?.throwIfAborted();
      try {
        await writers[name].add(candidate);
      } catch (cause) {
        if (!(cause instanceof MokapotError) || cause.diagnostics[0]?.code === 'file-unwritable') throw cause;
        skipped.push(...cause.diagnostics);
      }
      onProgress?.({ done: ++done, total, name: candidate.name });
    }
    await writers[name].close();
  }
}

const REMARKS: Readonly<Record<Remark, { what: string; hint: string }>> = {
  'dicom-monochrome1': {
    what: 'MONOCHROME1, where 0 is white; its values are taken as they are stored, so that it is a negative beside MONOCHROME2 pictures',
    hint: 'Do not mix both kinds: convert them to MONOCHROME2 (dcmtk: dcm2pnm, dcmj2pnm) where others are.',
  },
};

/** Each kind of remark once, with the first entry that it was made of. */
function told(remarks: readonly { readonly remark: Remark; readonly path: string }[]): Diagnostic[] {
  return [...new Set(remarks.map(r => r.remark))].map(code => {
    const [first, ...others] = remarks.filter(r => r.remark === code);
    const { what, hint } = REMARKS[code];
    const more = others.length > 0 ? ` (and ${others.length} more like it)` : '';
    return error(code, `${first!.path}${more} is ${what}.`, { severity: 'warning', hint });
  });
}

function nothing(out: string, skipped: readonly Diagnostic[]): MokapotError {
  const first = skipped[0] ? ` The first of ${skipped.length} reasons: ${skipped[0].message}` : '';
  return fail('dataset-empty', `No entry could go into the data set ${out}.${first}`, {
    hint: skipped[0]?.hint ?? 'Check the folders given.',
  });
}

async function describe(
  options: BuildOptions,
  writers: Readonly<Record<SplitName, SplitWriter>>,
  skipped: readonly Diagnostic[],
): Promise<Manifest> {
  const all = [...writers.train.entries, ...writers.val.entries];
  const common = (axis: 1 | 2) => {
    const sizes = new Set(all.map(e => e.shape[axis]));
    return sizes.size === 1 ? all[0]!.shape[axis] : 'varies';
  };
  const classCount = Math.max(options.classes.length, writers.train.classPixels.length, writers.val.classPixels.length);
  const pixels = Array.from(
    { length: classCount },
    (_, c) => (writers.train.classPixels[c] ?? 0) + (writers.val.classPixels[c] ?? 0),
  );
  const sum = pixels.reduce((a, b) => a + b, 0) || 1;
  const meanOf = writers.train.entries.length > 0 ? writers.train : writers.val;
  return {
    format: FORMAT,
    version: VERSION,
    name: basename(resolve(options.update.out)),
    kind: options.kind,
    channels: options.channels,
    channelOrder: options.channels === 3 ? 'BGR' : 'grey',
    height: common(1),
    width: common(2),
    classes: pixels.map((_, c) => options.classes[c] ?? `class ${c}`),
    palette: options.palette(),
    ignoreLabel: IGNORE_LABEL,
    classShares: pixels.map(p => p / sum),
    mean: meanOf.channelMeans(),
    seed: options.seed,
    valPercent: options.valPercent,
    splitBy: options.splitBy,
    splits: { train: await writers.train.describe(classCount), val: await writers.val.describe(classCount) },
    skipped: skipped.map(({ code, message }) => ({ code, message })),
  };
}

/** JSON with an entry, a colour, a list of numbers a line, so that people can read it. */
function formatManifest(manifest: Manifest): string {
  return JSON.stringify(manifest, null, 2).replace(/\[[\s\d.,e+-]*\]/g, list =>
    list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  );
}

/** One split's two databases and what is counted on the way. */
class SplitWriter {
  readonly entries: ManifestEntry[] = [];
  readonly classPixels: number[] = [];
  readonly remarks: { readonly remark: Remark; readonly path: string }[] = [];
  private ignoredPixels = 0;
  private features?: LmdbWriter;
  private labels?: LmdbWriter;
  private readonly sums: number[] = [];
  private pixels = 0;
  /** Sum of the pictures while all have one shape. */
  private pictureSum: Float64Array | undefined;
  private meanFile: string | undefined;

  /**
   * @param folder where the data set is made
   * @param out where it will be
   */
  constructor(
    private readonly folder: string,
    private readonly out: string,
    private readonly name: SplitName,
  ) {}

  async open(): Promise<void> {
    this.features = await createLmdb(join(this.folder, `${this.name}_db`, 'features'));
    this.labels = await createLmdb(join(this.folder, `${this.name}_db`, 'labels'));
  }

  /** Closes what is still open. */
  abort(): void {
    this.features?.abort();
    this.labels?.abort();
  }

  async add(candidate: Candidate): Promise<void> {
    const { planes, label, geometry, remarks = [] } = await candidate.read();
    const { channels, height, width } = planes;
    const key = makeKey(this.entries.length, candidate.name);
    const [picture, mask] = [encodeDatum(planes), encodeDatum({ channels: 1, height, width, data: label })];
    await this.features!.put(key, picture);
    await this.labels!.put(key, mask);
    this.count(planes, label);
    const { name, patient } = candidate;
    const files = { image: this.lasting(candidate.image), label: this.lasting(candidate.label) };
    const checksums = [hex(crc32(picture)), hex(crc32(mask))] as const;
    this.entries.push({ key, name, shape: [channels, height, width], ...files, patient, geometry, checksums });
    this.remarks.push(...remarks.map(remark => ({ remark, path: files.image })));
  }

  /** The path that a file of the data set's own will have. */
  private lasting(path: string): string {
    return path.startsWith(this.folder) ? join(this.out, relative(this.folder, path)) : path;
  }

  private count(planes: Planes, label: Uint8Array): void {
    for (const c of label) {
      if (c === IGNORE_LABEL) {
        this.ignoredPixels++;
        continue;
      }
      while (this.classPixels.length <= c) this.classPixels.push(0);
      this.classPixels[c]!++;
    }
    const { data, channels } = planes;
    const size = data.length / channels;
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += data[c * size + i]!;
      this.sums[c] = (this.sums[c] ?? 0) + sum;
    }
    this.pixels += size;
    const first = this.entries[0]?.shape;
    if (!first) this.pictureSum = new Float64Array(data.length);
    else if (first[1] !== planes.height || first[2] !== planes.width) this.pictureSum = undefined;
    if (this.pictureSum) for (let i = 0; i < data.length; i++) this.pictureSum[i]! += data[i]!;
  }

  channelMeans(): number[] {
    return this.sums.map(s => s / this.pixels);
  }

  async close(): Promise<void> {
    await this.features!.close();
    await this.labels!.close();
    if (!this.pictureSum || this.name !== 'train') return;
    const data = Float32Array.from(this.pictureSum, s => s / this.entries.length);
    const bytes = writeBinaryproto({ shape: [...this.entries[0]!.shape], data });
    this.meanFile = `${this.name}_db/mean.binaryproto`;
    await writeAtomically(join(this.folder, this.meanFile), [bytes]);
  }

  async describe(classCount: number): Promise<ManifestSplit> {
    const files = { features: `${this.name}_db/features`, labels: `${this.name}_db/labels` };
    const patients = [...new Set(this.entries.flatMap(e => e.patient ?? []))].sort();
    return {
      ...files,
      count: this.entries.length,
      classPixels: Array.from({ length: classCount }, (_, c) => this.classPixels[c] ?? 0),
      ignoredPixels: this.ignoredPixels,
      ...(patients.length > 0 ? { patients } : {}),
      ...(this.meanFile ? { mean: this.meanFile } : {}),
      sha256: {
        features: await sha256Of(join(this.folder, files.features, 'data.mdb')),
        labels: await sha256Of(join(this.folder, files.labels, 'data.mdb')),
        ...(this.meanFile ? { mean: await sha256Of(join(this.folder, this.meanFile)) } : {}),
      },
      entries: this.entries,
    };
  }
}

function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0');
}

function makeKey(index: number, name: string): string {
  return `${String(index).padStart(8, '0')}_${name.replace(/[^\w.-]+/g, '_').slice(0, 200)}`;
}

/**
 * Shuffles and divides candidates. By image: the first ⌊n·percent/100⌋ of the shuffled list are for validation, as
 * DIGITS does. By patient: whole patients, the nearest number to the percentage, at least one and never all.
 */
export function splitCandidates(
  candidates: readonly Candidate[],
  valPercent: number,
  by: 'image' | 'patient',
  random: Random,
): Record<SplitName, Candidate[]> {
  const shuffled = Array.from(random.permutation(candidates.length), i => candidates[i]!);
  if (by === 'image') {
    const count = Math.floor((shuffled.length * valPercent) / 100);
    return { val: shuffled.slice(0, count), train: shuffled.slice(count) };
  }
  const patients = [...new Set(candidates.map(c => c.patient ?? c.name))];
  const order = Array.from(random.permutation(patients.length), i => patients[i]!);
  const nearest = Math.max(1, Math.round((patients.length * valPercent) / 100));
  const count = valPercent === 0 ? 0 : Math.min(nearest, patients.length - 1);
  const held = new Set(order.slice(0, count));
  const isHeld = (c: Candidate) => held.has(c.patient ?? c.name);
  return { val: shuffled.filter(isHeld), train: shuffled.filter(c => !isHeld(c)) };
}

/** Shuffles candidates and holds back those of the patients named. @throws MokapotError `dataset-val-patient`. */
export function splitByNames(
  candidates: readonly Candidate[],
  patients: readonly string[],
  random: Random,
): Record<SplitName, Candidate[]> {
  // Nothing to divide: what is told then is why there is nothing.
  if (candidates.length === 0) return { train: [], val: [] };
  const known = new Set(candidates.flatMap(c => c.patient ?? []));
  for (const name of patients) {
    if (known.has(name)) continue;
    const close = nearest(name, known);
    throw fail('dataset-val-patient', `No entry is of patient ${JSON.stringify(name)}, who is to be held back.`, {
      hint: `${close === undefined ? 'There are' : `Is ${close} meant? There are`} ${[...known].join(', ')}.`,
    });
  }
  const held = new Set(patients);
  if ([...known].every(name => held.has(name)))
    throw fail('dataset-val-patient', 'All patients are to be held back, which leaves none to train on.', {
      hint: 'Name fewer of them.',
    });
  const shuffled = Array.from(random.permutation(candidates.length), i => candidates[i]!);
  const isHeld = (c: Candidate) => c.patient !== undefined && held.has(c.patient);
  return { val: shuffled.filter(isHeld), train: shuffled.filter(c => !isHeld(c)) };
}

/** @throws MokapotError `dataset-val` for a percentage out of range. */
export function checkPercent(percent: number): number {
  if (percent >= 0 && percent < 100) return percent;
  throw fail('dataset-val', `${percent} % of the entries cannot be kept for validation.`, {
    hint: 'Give a number from 0 to below 100, e.g. --val 10.',
  });
}

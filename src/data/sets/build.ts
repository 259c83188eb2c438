/** Writes a data set: takes entries one by one, fills the databases, counts, and leaves the manifest at the end. */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type Diagnostic, fail, MokapotError } from '../../diagnostics/index.js';
import type { Random } from '../../random/index.js';
import { writeBinaryproto } from '../../weights/formats/binaryproto.js';
import { fileError } from '../files.js';
import { encodeDatum } from '../formats/datum.js';
import type { Color, Planes } from '../formats/image.js';
import { createLmdb, type LmdbWriter } from '../formats/lmdb.js';
import { FORMAT, MANIFEST, type Manifest, type ManifestEntry, SPLITS, type SplitName, VERSION } from './manifest.js';

export const IGNORE_LABEL = 255;

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly name: string;
}

/** What `create…` gives back: the manifest as written, and what did not go in. */
export interface CreatedDataset {
  readonly manifest: Manifest;
  readonly skipped: readonly Diagnostic[];
}

/** An entry before it is read. */
export interface Candidate {
  readonly name: string;
  readonly image: string;
  readonly label: string;
  readonly patient?: string;
  /** Pixels and class indices; a MokapotError puts the entry on the list of the skipped. */
  read(): Promise<{ planes: Planes; label: Uint8Array }>;
}

export interface BuildOptions {
  readonly out: string;
  readonly kind: Manifest['kind'];
  readonly channels: 1 | 3;
  readonly seed: number;
  readonly valPercent: number;
  readonly splitBy: Manifest['splitBy'];
  /** Names of the classes as far as they are known; more are added as labels show them. */
  readonly classes: readonly string[];
  readonly palette: () => readonly Color[];
  readonly onProgress?: (progress: Progress) => void;
}

/** Found out at the beginning: the folder may be written to, and holds no one else's things. */
async function isDataset(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => '');
  return text.includes(`"format": "${FORMAT}"`);
}

export async function prepareFolder(out: string): Promise<void> {
  const there: string[] = await readdir(out).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw fileError('file-unwritable', out, cause);
  });
  if (there.length > 0 && !(await isDataset(out))) {
    throw fail('dataset-folder-used', `The folder ${out} is not empty and no data set.`, {
      hint: 'Give a new folder; an old data set in it would be replaced, other files never are.',
    });
  }
  try {
    await mkdir(out, { recursive: true });
    for (const name of [MANIFEST, 'train_db', 'val_db']) await rm(join(out, name), { recursive: true, force: true });
  } catch (cause) {
    throw fileError('file-unwritable', out, cause);
  }
}

/** @throws MokapotError `dataset-empty` where nothing could be read; `file-unwritable`. */
export async function buildDataset(
  candidates: Readonly<Record<SplitName, readonly Candidate[]>>,
  problems: readonly Diagnostic[],
  options: BuildOptions,
): Promise<CreatedDataset> {
  const skipped = [...problems];
  const total = candidates.train.length + candidates.val.length;
  const writers = { train: new SplitWriter(options, 'train'), val: new SplitWriter(options, 'val') };
  let done = 0;
  for (const name of SPLITS) {
    await writers[name].open();
    for (const candidate of candidates[name]) {
      try {
        await writers[name].add(candidate);
      } catch (cause) {
        if (!(cause instanceof MokapotError) || cause.diagnostics[0]?.code === 'file-unwritable') throw cause;
        skipped.push(...cause.diagnostics);
      }
      options.onProgress?.({ done: ++done, total, name: candidate.name });
    }
    await writers[name].close();
  }
  if (writers.train.entries.length + writers.val.entries.length === 0) throw nothing(options.out, skipped);
  const manifest = describe(options, writers, skipped);
  await writeFile(join(options.out, MANIFEST), `${formatManifest(manifest)}\n`);
  return { manifest, skipped };
}

function nothing(out: string, skipped: readonly Diagnostic[]): MokapotError {
  const first = skipped[0] ? ` The first of ${skipped.length} reasons: ${skipped[0].message}` : '';
  return fail('dataset-empty', `No entry could go into the data set ${out}.${first}`, {
    hint: skipped[0]?.hint ?? 'Check the folders given.',
  });
}

function describe(
  options: BuildOptions,
  writers: Readonly<Record<SplitName, SplitWriter>>,
  skipped: readonly Diagnostic[],
): Manifest {
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
    name: basename(resolve(options.out)),
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
    splits: { train: writers.train.describe(classCount), val: writers.val.describe(classCount) },
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
  private features?: LmdbWriter;
  private labels?: LmdbWriter;
  private readonly sums: number[] = [];
  private pixels = 0;
  /** Sum of the pictures while all have one shape. */
  private pictureSum: Float64Array | undefined;
  private meanFile: string | undefined;

  constructor(
    private readonly options: BuildOptions,
    private readonly name: SplitName,
  ) {}

  private get folder(): string {
    return join(this.options.out, `${this.name}_db`);
  }

  async open(): Promise<void> {
    this.features = await createLmdb(join(this.folder, 'features'));
    this.labels = await createLmdb(join(this.folder, 'labels'));
  }

  async add(candidate: Candidate): Promise<void> {
    const { planes, label } = await candidate.read();
    const { channels, height, width } = planes;
    const key = makeKey(this.entries.length, candidate.name);
    await this.features!.put(key, encodeDatum(planes));
    await this.labels!.put(key, encodeDatum({ channels: 1, height, width, data: label }));
    this.count(planes, label);
    const { name, image, patient } = candidate;
    this.entries.push({ key, name, shape: [channels, height, width], image, label: candidate.label, patient });
  }

  private count(planes: Planes, label: Uint8Array): void {
    for (const c of label) {
      if (c === IGNORE_LABEL) continue;
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
    await writeFile(join(this.options.out, this.meanFile), bytes);
  }

  describe(classCount: number) {
    const patients = [...new Set(this.entries.flatMap(e => e.patient ?? []))].sort();
    return {
      features: `${this.name}_db/features`,
      labels: `${this.name}_db/labels`,
      count: this.entries.length,
      classPixels: Array.from({ length: classCount }, (_, c) => this.classPixels[c] ?? 0),
      ...(patients.length > 0 ? { patients } : {}),
      ...(this.meanFile ? { mean: this.meanFile } : {}),
      entries: this.entries,
    };
  }
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

/** @throws MokapotError `dataset-val` for a percentage out of range. */
export function checkPercent(percent: number): number {
  if (percent >= 0 && percent < 100) return percent;
  throw fail('dataset-val', `${percent} % of the entries cannot be kept for validation.`, {
    hint: 'Give a number from 0 to below 100, e.g. --val 10.',
  });
}

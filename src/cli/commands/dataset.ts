/** `mokapot dataset`: makes data sets from Sunnybrook, from pictures, from nothing; shows what is in one. */

import {
  type CreatedDataset,
  contactSheet,
  describeDataset,
  type ImagesOptions,
  type Manifest,
  openDataset,
  type PhantomOptions,
  type Progress,
  readManifest,
  type SplitName,
  type SunnybrookOptions,
} from '../../data/index.js';
import { writeAtomically } from '../../weights/node/files.js';
import { printDiagnostics } from '../errors.js';
import { formatCount, formatPercent, formatTable } from '../format.js';
import { type Io, say } from '../io.js';
import { type Bar, startBar } from '../progress.js';

/** More reasons than this are summed up; the manifest lists them all. */
const SHOWN = 10;

export async function createSunnybrook(io: Io, options: SunnybrookOptions): Promise<void> {
  const { createSunnybrook: create } = await import('../../data/sets/sunnybrook.js');
  await creating(io, options.out, onProgress => create({ ...options, onProgress }));
}

export async function createImages(io: Io, options: ImagesOptions): Promise<void> {
  const { createImages: create } = await import('../../data/sets/images.js');
  await creating(io, options.out, onProgress => create({ ...options, onProgress }));
}

export async function createPhantom(io: Io, options: PhantomOptions): Promise<void> {
  const { createPhantom: create } = await import('../../data/sets/phantom.js');
  await creating(io, options.out, onProgress => create({ ...options, onProgress }));
}

export interface ShowOptions {
  readonly png?: string;
  readonly columns?: number;
  readonly max?: number;
  readonly json?: boolean;
}

/** Prints what is in a data set; with `png`, draws its contact sheet. */
export async function showDataset(io: Io, path: string, options: ShowOptions): Promise<void> {
  if (options.json) say(io, JSON.stringify(await describeDataset(path), null, 2));
  else printManifest(io, path, await readManifest(path));
  if (options.png === undefined) return;
  const dataset = await openDataset(path);
  try {
    await writeAtomically(options.png, [await contactSheet(dataset, options)]);
  } finally {
    await dataset.close();
  }
  if (!options.json) say(io, `\nContact sheet: ${options.png} (validation entries framed in amber)`);
}

async function creating(
  io: Io,
  out: string,
  run: (onProgress: (progress: Progress) => void) => Promise<CreatedDataset>,
): Promise<void> {
  let bar: Bar | undefined;
  let created: CreatedDataset;
  try {
    created = await run(({ done, total, name }) => {
      bar ??= startBar(io, total, 'entries');
      bar.update(done, name);
    });
  } finally {
    bar?.stop();
  }
  const { manifest, skipped } = created;
  printDiagnostics(io, skipped.slice(0, SHOWN));
  if (skipped.length > SHOWN) say(io, `… ${skipped.length - SHOWN} more; ${out}/manifest.json lists them.`);
  printManifest(io, out, manifest);
}

/** Shapes, counts, class shares. */
export function printManifest(io: Io, path: string, manifest: Manifest): void {
  const { train, val } = manifest.splits;
  say(io, `${path}: ${manifest.kind}, ${train.count + val.count} entries`);
  say(io, `pictures  ${manifest.channels}x${manifest.height}x${manifest.width} (${manifest.channelOrder})`);
  const patients = [train, val].map(s => (s.patients ? `, ${s.patients.length} patients` : ''));
  say(io, `training  ${train.count}${patients[0]}`);
  say(io, `held back ${val.count}${patients[1]} (by ${manifest.splitBy})`);
  if (manifest.skipped.length > 0) say(io, `left out  ${manifest.skipped.length}`);
  say(io);
  say(
    io,
    formatTable(
      CLASS_COLUMNS,
      manifest.classes.map((name, c) => classRow(manifest, name, c)),
    ),
  );
}

const CLASS_COLUMNS = [
  { title: 'class', align: 'right' },
  { title: 'name' },
  { title: 'pixels', align: 'right' },
  { title: 'share', align: 'right' },
] as const;

function classRow(manifest: Manifest, name: string, c: number): string[] {
  const pixels = (split: SplitName) => manifest.splits[split].classPixels[c] ?? 0;
  const share = manifest.classShares[c] ?? 0;
  return [String(c), name, formatCount(pixels('train') + pixels('val')), formatPercent(share)];
}

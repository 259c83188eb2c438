/** `mokapot dataset`: makes data sets from Sunnybrook, from pictures, from nothing; shows what is in one. */

import { type Command, Option } from 'commander';
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
import { type Act, type Declare, describeArguments } from '../declare.js';
import { printDiagnostics } from '../errors.js';
import { formatCount, formatPercent, formatTable } from '../format.js';
import { type Io, say } from '../io.js';
import { integer, list, number } from '../options.js';
import { type Bar, startBar } from '../progress.js';
import { jsonOption, outOption, seedOption } from '../shared_options.js';

const valOption = (preset = 10) =>
  new Option('--val <percent>', 'share held back for validation').argParser(number(0)).default(preset);
const channelsOption = (preset: 'L' | 'RGB') =>
  new Option('--channels <kind>', 'L is grey, RGB three channels').choices(['L', 'RGB']).default(preset);
const folderOption = () => outOption('the folder of the data set', 'dir').makeOptionMandatory();

export const declare: Declare = (dataset, io, act) => {
  describeArguments(dataset.command('show <dir>'), 'the folder of the data set')
    .description('shapes, counts and class shares; with --png a contact sheet with contours')
    .option('--png <file>', 'draw a contact sheet')
    .addOption(new Option('--max <n>', 'pictures on the sheet').argParser(integer(1)))
    .addOption(new Option('--columns <n>', 'pictures side by side').argParser(integer(1)))
    .addOption(jsonOption())
    .action(act(async (dir: string, options: ShowOptions) => showDataset(io, dir, options)));
  const create = dataset.command('create').description('make a data set');
  declareSunnybrook(create, io, act);
  declareImages(create, io, act);
  declarePhantom(create, io, act);
};

function declareSunnybrook(create: Command, io: Io, act: Act): void {
  create
    .command('sunnybrook')
    .description('from the Sunnybrook Cardiac Data: DICOM pictures and contours of the left ventricle')
    .requiredOption('--images <dir>', "the folder of the cases' folders")
    .requiredOption('--contours <dir>', 'any folder above the contours')
    .addOption(folderOption())
    .addOption(channelsOption('L'))
    .addOption(valOption())
    .addOption(new Option('--split <by>', 'what is held back').choices(['image', 'patient']).default('image'))
    .addOption(seedOption())
    .action(act(async (options: SunnybrookOptions) => createSunnybrook(io, options)));
}

function declareImages(create: Command, io: Io, act: Act): void {
  create
    .command('images')
    .description('from pictures and label pictures of the same names (PNG, JPEG)')
    .requiredOption('--images <dir>', 'pictures')
    .requiredOption('--labels <dir>', 'label pictures: indexed or grey, their values the classes, 255 ignored')
    .addOption(folderOption())
    .option('--val-images <dir>', 'pictures for validation, instead of a share of the others')
    .option('--val-labels <dir>', 'their label pictures')
    .option('--classes <names>', 'names of the classes from 0 on, separated by commas', list)
    .addOption(channelsOption('RGB'))
    .addOption(valOption())
    .addOption(seedOption())
    .action(act(async (options: ImagesOptions) => createImages(io, options)));
}

function declarePhantom(create: Command, io: Io, act: Act): void {
  create
    .command('phantom')
    .description('from nothing: short-axis cardiac MR made by formula, as DICOM and contour files')
    .addOption(folderOption())
    .addOption(new Option('--count <n>', 'pictures, about ten a patient').argParser(integer(1)).default(120))
    .addOption(new Option('--size <pixels>', 'side of a picture').argParser(integer(1)).default(256))
    .addOption(channelsOption('L'))
    .addOption(valOption(20))
    .addOption(seedOption())
    .action(act(async (options: PhantomOptions) => createPhantom(io, options)));
}

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

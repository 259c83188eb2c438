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
  parseAugment,
  readManifest,
  recipeOf,
  type SplitName,
  type SunnybrookOptions,
  type Verified,
  verifyDataset,
} from '../../data/index.js';
import { fail } from '../../diagnostics/index.js';
import { writeAtomically } from '../../files/index.js';
import { seedsOf } from '../../train/index.js';
import { augmentOption, augmentText } from '../augment.js';
import { type Act, type Declare, describeArguments } from '../declare.js';
import { exitCodes, Interrupted, printDiagnostics } from '../errors.js';
import { formatCount, formatPercent, formatTable } from '../format.js';
import { type Io, say, tell } from '../io.js';
import { integer, labelMap, list, number } from '../options.js';
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
    .addOption(
      augmentOption('on the sheet, training pictures and beside each what this makes of it: a file, fields, a recipe'),
    )
    .addOption(seedOption('of --augment'))
    .addOption(jsonOption())
    .option('--verify', 'read every entry and hold it against its checksum; exit code 1 where one differs')
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
    .option('--val-patients <names>', 'hold back these patients instead, separated by commas', list)
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
    .addOption(
      new Option('--map-label <value=class>', 'the class of a value of the label pictures: 255=1 for 0/255 masks')
        .argParser(labelMap)
        .default([], 'values are classes'),
    )
    .addOption(channelsOption('RGB'))
    .addOption(valOption())
    .addOption(seedOption())
    .action(
      act(async ({ mapLabel, ...options }: ImagesOptions & { mapLabel: ImagesOptions['mapLabels'] }) =>
        createImages(io, { ...options, mapLabels: mapLabel }),
      ),
    );
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
  await creating(io, options.out, watch => create({ ...options, ...watch }));
}

export async function createImages(io: Io, options: ImagesOptions): Promise<void> {
  const { createImages: create } = await import('../../data/sets/images.js');
  await creating(io, options.out, watch => create({ ...options, ...watch }));
}

export async function createPhantom(io: Io, options: PhantomOptions): Promise<void> {
  const { createPhantom: create } = await import('../../data/sets/phantom.js');
  await creating(io, options.out, watch => create({ ...options, ...watch }));
}

export interface ShowOptions {
  readonly png?: string;
  readonly columns?: number;
  readonly max?: number;
  readonly json?: boolean;
  /** What becomes of training pictures: a file, fields, or a recipe's name. */
  readonly augment?: string;
  /** Of that. */
  readonly seed?: number;
  /** Read every entry and hold it against its checksum. */
  readonly verify?: boolean;
}

/** Prints what is in a data set; with `png`, draws its contact sheet. @returns 1 where `verify` finds damage */
export async function showDataset(io: Io, path: string, options: ShowOptions): Promise<number> {
  await showContent(io, path, options);
  return options.verify ? verify(io, path) : exitCodes.ok;
}

async function verify(io: Io, path: string): Promise<number> {
  let bar: Bar | undefined;
  let found: Verified;
  try {
    found = await verifyDataset(path, (done, total) => {
      bar ??= startBar(io, total, 'entries');
      bar.update(done, '');
    });
  } finally {
    bar?.stop();
  }
  const { entries, unchecked, problems } = found;
  printDiagnostics(io, problems.slice(0, SHOWN));
  if (problems.length > SHOWN) tell(io, `… ${problems.length - SHOWN} more.`);
  const can =
    unchecked === 0 ? '' : `; ${unchecked} have no checksum, as an older Mokapot wrote them, and were only read`;
  if (problems.length === 0) tell(io, `All ${entries} entries are as they were written${can}.`);
  return problems.length === 0 ? exitCodes.ok : exitCodes.failed;
}

async function showContent(io: Io, path: string, options: ShowOptions): Promise<void> {
  const { augment, png } = options;
  if (augment !== undefined && png === undefined) {
    throw fail('augment-without-sheet', '--augment shows pictures, and no sheet is asked for.', {
      hint: 'Name its file: --png augmented.png.',
    });
  }
  const recipe = augment === undefined ? undefined : recipeOf(parseAugment(await augmentText(augment)));
  if (options.json) say(io, JSON.stringify(await describeDataset(path), null, 2));
  else printManifest(io, path, await readManifest(path));
  if (png === undefined) return;
  const dataset = await openDataset(path);
  try {
    const { columns, max, seed = 1 } = options;
    const sheet = await contactSheet(dataset, {
      columns,
      max,
      ...(recipe && { augment: { recipe, seed: seedsOf(seed, 0).data } }),
    });
    await writeAtomically(png, [sheet]);
  } finally {
    await dataset.close();
  }
  const legend = recipe ? 'each row a training picture and what becomes of it' : 'validation entries framed in amber';
  if (!options.json) say(io, `\nContact sheet: ${png} (${legend})`);
}

interface Watch {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

async function creating(io: Io, out: string, run: (watch: Watch) => Promise<CreatedDataset>): Promise<void> {
  const signal = io.interruptible();
  let bar: Bar | undefined;
  let created: CreatedDataset;
  const onProgress = ({ done, total, name }: Progress) => {
    bar ??= startBar(io, total, 'entries');
    bar.update(done, name);
  };
  try {
    created = await run({ signal, onProgress });
  } catch (cause) {
    throw signal.aborted ? new Interrupted(`Stopped; ${out} is as it was.`) : cause;
  } finally {
    bar?.stop();
  }
  const { manifest, skipped, warnings } = created;
  printDiagnostics(io, skipped.slice(0, SHOWN));
  printDiagnostics(io, warnings);
  if (skipped.length > SHOWN) tell(io, `… ${skipped.length - SHOWN} more; ${out}/manifest.json lists them.`);
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

/** `mokapot evaluate`: how well a network's segmentations of a data set agree with its labels, as figures and as a page. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { blandAltmanPlot } from '../../charts/bland_altman.js';
import { evaluationPage, pairsOf, patientPicture, type ShownSlice } from '../../charts/evaluation_report.js';
import { type Dataset, type Entry, openDataset, SPLITS, type SplitName } from '../../data/index.js';
import { error, fail } from '../../diagnostics/index.js';
import { FolderUpdate, fileError, makeFolderSync, systemReason } from '../../files/index.js';
import { toPng } from '../../picture/node/png.js';
import type { UserCodeOptions } from '../../runtime/node/python_modules.js';
import type { SchemaOptions } from '../../runtime/node/schemas.js';
import { type EvaluatedSlice, type Evaluation, Evaluator, grouped } from '../../tools/evaluate.js';
import { evaluationJson, evaluationTables, summaryLines } from '../../tools/evaluation_tables.js';
import { type LabelPicture, largestComponents, summary } from '../../tools/measures.js';
import { fedOf, Segmenter } from '../../tools/segment.js';
import { regionAround, sliceContours, slicePicture } from '../../tools/slice_pictures.js';
import type { Declare } from '../declare.js';
import { Interrupted, printDiagnostics, printEngineNotes } from '../errors.js';
import { warnOfFreshWeights } from '../fresh.js';
import { type Io, say, tellingOf } from '../io.js';
import { startBar } from '../progress.js';
import {
  backendOption,
  datasetOption,
  jsonOption,
  outOption,
  pythonOptions,
  type SegmentOptions,
  schemaOptions,
  seedOption,
  segmentOptions,
  splitOption,
  weightsOption,
} from '../shared_options.js';
import { readPlacedFile } from '../text_file.js';

export interface EvaluateOptions extends UserCodeOptions, SchemaOptions, SegmentOptions {
  readonly net: string;
  readonly weights?: readonly string[];
  readonly dataset: string;
  readonly split: SplitName | 'all';
  readonly output?: string;
  readonly backend?: string;
  readonly seed?: number;
  readonly out: string;
  readonly json?: boolean;
}

export const declare: Declare = (command, io, act) => {
  command
    .requiredOption('--net <file>', 'the network; its stage "deploy" is used; - is stdin')
    .addOption(weightsOption())
    .addOption(datasetOption('whose labels are the truth').makeOptionMandatory())
    .addOption(splitOption([...SPLITS, 'all']))
    .option('--output <blob>', 'the blob of the scores (found by its shape otherwise)')
    .addOption(outOption('where the report goes: report.html, tables, pictures', 'dir').default('evaluation'))
    .addOption(seedOption("of the fillers' numbers where no weights are given"))
    .addOption(backendOption());
  schemaOptions(pythonOptions(segmentOptions(command)))
    .addOption(jsonOption('the figures as JSON'))
    .action(act(async (options: EvaluateOptions) => evaluate(io, options)));
};

/** What is kept of a slice for its picture. */
interface Drawn {
  readonly slice: EvaluatedSlice;
  readonly split: SplitName;
  readonly position: number;
  /** The prediction, a byte a pixel, compressed: contours take a hundred times as much. */
  readonly mask: Uint8Array;
}

/** How the slices were put through the network. */
type Fed = Pick<Segmenter, 'crop'>;

/** All of the report is made in a folder apart and put in place when it is whole. */
export async function evaluate(io: Io, options: EvaluateOptions): Promise<void> {
  const signal = io.interruptible({ withoutOutput: true });
  const dataset = await openDataset(options.dataset);
  let update: FolderUpdate | undefined;
  try {
    checkDataset(dataset, options);
    update = folderFor(options.out);
    const { evaluation, drawn, fed } = await measure(io, dataset, options, signal);
    printDiagnostics(io, evaluation.notes);
    const names = await report(dataset, evaluation, drawn, update.folder, options, fed, signal);
    if (signal.aborted) throw new Interrupted('Stopped.');
    // Of an older report, what this one has not: plots of quantities or classes that are not measured.
    const remove = plotsIn(options.out).filter(name => !names.includes(name));
    update.commit({ place: names, remove });
    print(io, evaluation, options, fed);
  } catch (cause) {
    update?.drop();
    throw systemReason(cause) === undefined ? cause : fileError('file-unwritable', 'write', options.out, cause);
  } finally {
    await dataset.close();
  }
}

function splitsOf({ split }: EvaluateOptions): readonly SplitName[] {
  return split === 'all' ? SPLITS : [split];
}

/** @throws MokapotError `split-empty`, `no-classes` */
function checkDataset({ manifest, path }: Dataset, options: EvaluateOptions): void {
  if (splitsOf(options).every(name => manifest.splits[name].entries.length === 0)) {
    throw fail('split-empty', `The data set's split "${options.split}" has no entries.`, {
      hint: 'Another one may have some: --split train, val or all.',
    });
  }
  if (manifest.classes.length > 1) return;
  throw fail('no-classes', `The data set ${path} has no class but the background: there is nothing to measure.`, {
    hint: 'Its label pictures are 0 everywhere: check what it was made of.',
  });
}

/** What each report has, besides plots. */
const REPORT_NAMES = [
  ...['report.html', 'evaluation.json', 'slices.csv', 'patients.csv', 'volumes.csv'],
  'pictures',
] as const;

/** The plots of a report in a folder. */
function plotsIn(folder: string): string[] {
  return readdirSync(folder).filter(name => /^bland_altman(_ejection_fraction)?(_class\d+)?\.svg$/.test(name));
}

/** Whether a folder holds what an earlier evaluation wrote. */
function isReport(folder: string): boolean {
  try {
    const found = JSON.parse(readFileSync(join(folder, 'evaluation.json'), 'utf8')) as Partial<Evaluation> | null;
    return Array.isArray(found?.patients) && Array.isArray(found.slices) && found.units?.distance !== undefined;
  } catch {
    return false;
  }
}

/** Refuses folders in which a report would replace what no evaluation wrote. @throws MokapotError `folder-used`, `file-unwritable` */
function folderFor(out: string): FolderUpdate {
  try {
    const update = FolderUpdate.in(out);
    const [other] = update.others();
    const [used] = isReport(out) ? [] : [...REPORT_NAMES, ...plotsIn(out)].filter(name => existsSync(join(out, name)));
    if (other === undefined && used === undefined) return update;
    update.drop();
    if (other === undefined) {
      throw fail('folder-used', `${join(out, used!)} is not of an evaluation, and would be replaced.`, {
        hint: 'Give another folder for the report (-o).',
      });
    }
    throw fail('folder-used', `Another process writes to ${out} at this time (${other}).`, {
      hint: 'Wait for it, or give another folder (-o).',
    });
  } catch (cause) {
    throw systemReason(cause) === undefined ? cause : fileError('file-unwritable', 'write', out, cause);
  }
}

/** Puts all entries through the network. */
async function measure(io: Io, dataset: Dataset, options: EvaluateOptions, signal: AbortSignal) {
  const network = await readPlacedFile(options.net);
  const splits = splitsOf(options);
  const { classes, splits: parts } = dataset.manifest;
  const evaluator = new Evaluator(dataset.manifest, splits);
  const drawn: Drawn[] = [];
  const total = splits.reduce((n, name) => n + parts[name].entries.length, 0);
  const bar = options.json ? undefined : startBar(io, total, 'slices');
  let segmenter: Segmenter | undefined;
  try {
    for (const name of splits) {
      const split = await dataset.split(name);
      for (let position = 0; position < split.size; position++) {
        if (signal.aborted) throw new Interrupted('Stopped.');
        const entry = await split.entry(position);
        const truth = labelOf(entry);
        if (!segmenter) {
          segmenter = await Segmenter.load(network.name, entry, {
            ...options,
            netText: network.text,
            onPythonOutput: tellingOf(io),
          });
          warnOfFreshWeights(io, segmenter.net);
        }
        const mask = await segmenter.segment(entry);
        if (drawn.length === 0) checkClasses(io, mask.classes, classes);
        const kept = options.largestComponent ? { ...mask, data: largestComponents(mask) } : mask;
        const slice = evaluator.add(name, parts[name].entries[position]!, kept, truth);
        drawn.push({ slice, split: name, position, mask: deflateRawSync(kept.data, { level: 1 }) });
        bar?.update(drawn.length, entry.name);
      }
    }
    return { evaluation: evaluator.result(), drawn, fed: { crop: segmenter?.crop } };
  } finally {
    bar?.stop();
    printDiagnostics(io, segmenter?.notes ?? []);
    printEngineNotes(io, segmenter?.net.engine);
    segmenter?.dispose();
  }
}

/** @throws MokapotError `label-size` */
function labelOf({ name, label, labelShape, shape }: Entry): LabelPicture {
  const [, height, width] = shape;
  if (labelShape.length === 3 && labelShape[1] === height && labelShape[2] === width) {
    return { data: label, height, width };
  }
  throw fail('label-size', `The label of ${name} is ${labelShape.join('×')}, its picture ${height}×${width}.`, {
    hint: 'Each pixel of a picture needs a class: create the data set again.',
  });
}

/** @throws MokapotError `class-count` where the network knows fewer */
function checkClasses(io: Io, count: number, names: readonly string[]): void {
  const message = `The network tells ${count} classes apart, and the data set has ${names.length} (${names.slice(0, 6).join(', ')}${names.length > 6 ? ', …' : ''}).`;
  if (count < names.length) {
    throw fail('class-count', message, {
      hint: 'Give the network that was made for this data set, or its num_output.',
    });
  }
  if (count === names.length) return;
  const hint = `Where it finds a class from ${names.length} on, that counts as none of the data set's.`;
  printDiagnostics(io, [error('class-count', message, { severity: 'warning', hint })]);
}

/** More pictures than this, and only the worst, the middle and the best slice of each patient are drawn. */
const MOST_PICTURES = 600;
/** More patients than this, and only the worst have pictures. */
const MOST_PATIENTS = 200;

/** Writes all files. @returns their names in the folder */
async function report(
  dataset: Dataset,
  evaluation: Evaluation,
  drawn: readonly Drawn[],
  folder: string,
  options: EvaluateOptions,
  fed: Fed,
  signal: AbortSignal,
): Promise<string[]> {
  const names: string[] = [];
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    if (!names.includes(name)) names.push(name);
  };
  const slices = await picturesOf(dataset, evaluation, drawn);
  const title = `${basename(options.net)} on ${dataset.manifest.name}`;
  write(
    'report.html',
    evaluationPage(evaluation, { title, facts: factsOf(dataset, evaluation, options, fed), slices }),
  );
  write('evaluation.json', evaluationJson({ ...factsJson(dataset, options, fed), ...evaluation }));
  for (const [name, text] of evaluationTables(evaluation)) write(name, text);
  for (const one of evaluation.classes) {
    const stem = evaluation.classes.length > 1 ? `_class${one.class}` : '';
    const { volumes, ejectionFractions } = one;
    const plot = (name: string, what: 'volume' | 'ejection', quantity: string, unit: string) => {
      const agreement = what === 'volume' ? volumes : ejectionFractions;
      if (!agreement) return;
      const words = { title: `${quantity}, ${one.name}`, quantity, unit };
      write(`${name}${stem}.svg`, blandAltmanPlot(pairsOf(one, evaluation.patients, what), agreement, words));
    };
    plot('bland_altman', 'volume', 'Volume', evaluation.units.volume);
    plot('bland_altman_ejection_fraction', 'ejection', 'Ejection fraction', '%');
  }
  makeFolderSync(join(folder, 'pictures'));
  names.push('pictures');
  const used = new Set<string>();
  for (const [patient, own] of slices) {
    if (signal.aborted) throw new Interrupted('Stopped.');
    const stem = patient.replace(/[^\w.-]+/g, '_');
    let name = stem;
    for (let n = 2; used.has(name); n++) name = `${stem}-${n}`;
    used.add(name);
    writeFileSync(join(folder, 'pictures', `${name}.png`), await toPng(patientPicture(patient, own), 1.5));
  }
  return names;
}

/** Slices by patient, the worst first in both. */
async function picturesOf(
  dataset: Dataset,
  evaluation: Evaluation,
  drawn: readonly Drawn[],
): Promise<Map<string, readonly ShownSlice[]>> {
  const found = new Map<string, readonly ShownSlice[]>();
  const order = ({ slice }: Drawn) => (Number.isNaN(diceOf(slice)) ? 2 : diceOf(slice));
  const numbers = evaluation.classes.map(c => c.class);
  const byPatient = grouped(drawn, d => d.slice.patient);
  for (const { patient } of evaluation.patients.slice(0, MOST_PATIENTS)) {
    const own = [...(byPatient.get(patient) ?? [])].sort((a, b) => order(a) - order(b));
    const few = drawn.length > MOST_PICTURES && own.length > 3;
    const chosen = few ? [own[0]!, own[own.length >> 1]!, own.at(-1)!] : own;
    const seen = await Promise.all(
      chosen.map(async ({ slice, split, position, mask }) => {
        const entry = await (await dataset.split(split)).entry(position);
        const truth = labelOf(entry);
        const contours = sliceContours({ ...truth, data: inflateRawSync(mask) }, truth, numbers);
        return { name: slice.name, dice: diceOf(slice), entry, contours };
      }),
    );
    const isOneSize = seen.every(({ entry }) => entry.shape.join() === seen[0]!.entry.shape.join());
    const all = isOneSize ? seen.flatMap(s => s.contours) : undefined;
    const shown = seen.map(({ name, dice, entry, contours }): ShownSlice => {
      const region = regionAround(all ?? contours, entry.shape[1], entry.shape[2]);
      return { name, dice, picture: slicePicture(entry, contours, region) };
    });
    found.set(patient, shown);
  }
  return found;
}

/** In the mean of the classes. */
function diceOf({ classes }: EvaluatedSlice): number {
  return summary(classes.map(c => c.dice)).mean;
}

function factsOf(
  dataset: Dataset,
  { slices, patients }: Evaluation,
  options: EvaluateOptions,
  fed: Fed,
): [string, string][] {
  const { tta = 'none', tile } = options;
  return [
    ['Network', options.net],
    ['Weights', options.weights?.join(', ') ?? 'none'],
    ['Data set', `${dataset.path} (${options.split})`],
    ['Patients', String(patients.length)],
    ['Slices', String(slices.length)],
    ...(tta === 'none' ? [] : [['Averaged over', tta] as [string, string]]),
    ...(options.largestComponent ? [['Kept', 'the largest part of each class'] as [string, string]] : []),
    ['Fed', fedOf(fed)],
    ...(tile ? [['Tiles', tile.join('×')] as [string, string]] : []),
  ];
}

function factsJson(
  dataset: Dataset,
  options: EvaluateOptions,
  { crop = 'whole' }: { readonly crop?: Fed['crop'] | 'whole' },
) {
  const { net, weights = [], split, tta = 'none', largestComponent = false, tile } = options;
  return { net, weights, dataset: dataset.path, split, tta, largestComponent, crop, tile };
}

function print(io: Io, evaluation: Evaluation, options: EvaluateOptions, fed: Fed): void {
  const { units, classes, patients, slices } = evaluation;
  const file = join(options.out, 'report.html');
  if (options.json) {
    say(io, JSON.stringify({ report: file, units, slices: slices.length, patients: patients.length, classes }));
    return;
  }
  say(io, `Fed: ${fedOf(fed)}`);
  for (const one of classes) {
    say(io, `${one.name}:`);
    for (const line of summaryLines(one, evaluation)) say(io, `  ${line}`);
  }
  const worst = patients.slice(0, 3).map(p => `${p.patient} (${p.classes.map(c => c.dice.toFixed(3)).join(', ')})`);
  if (patients.length > 1) say(io, `Lowest Dice of a volume: ${worst.join(', ')}`);
  say(io, `-> ${file}`);
}

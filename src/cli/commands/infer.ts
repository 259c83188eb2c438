/**
 * `mokapot infer`: pictures through a trained network: mask, overlay, and the Dice where a label is known; or the numbers of
 * any blob, as features.
 */

import { basename, extname, join } from 'node:path';
import {
  type Color,
  contourMask,
  type Dataset,
  decodeLabel,
  encodeMask,
  loadPicture,
  openDataset,
  overlayPng,
  readContour,
  type SplitName,
} from '../../data/index.js';
import { fail, nearest, visible } from '../../diagnostics/index.js';
import { makeFolderSync, readFileAs, writeAtomically } from '../../files/index.js';
import { describeFile } from '../../net/index.js';
import type { UserCodeOptions } from '../../runtime/node/python_modules.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import { largestComponents } from '../../tools/measures.js';
import { type ClassMask, fedOf, type InputPicture, maskDice, Segmenter } from '../../tools/segment.js';
import { saveNpz } from '../../weights/node/files.js';
import { type Declare, describeArguments } from '../declare.js';
import { Interrupted, printDiagnostics, printEngineNotes } from '../errors.js';
import { formatNumber, formatPercent, formatShape } from '../format.js';
import { warnOfFreshWeights } from '../fresh.js';
import { type Io, say, tellingOf } from '../io.js';
import {
  backendOption,
  datasetOption,
  jsonOption,
  outOption,
  pythonOptions,
  type SegmentOptions,
  schemaOptions,
  segmentOptions,
  splitOption,
  weightsOption,
} from '../shared_options.js';
import { readPlacedFile, type TextFile } from '../text_file.js';

export interface InferOptions extends UserCodeOptions, SchemaOptions, SegmentOptions {
  readonly net: string;
  readonly weights?: readonly string[];
  readonly dataset?: string;
  readonly split: SplitName;
  readonly label?: string;
  readonly output?: string;
  readonly features?: boolean;
  readonly backend?: string;
  readonly out: string;
  readonly json?: boolean;
}

export const declare: Declare = (command, io, act) => {
  describeArguments(command, 'PNG, JPEG or DICOM files; with --dataset names of its entries (none: all)')
    .requiredOption('--net <file>', 'the network; its stage "deploy" is used; - is stdin')
    .addOption(weightsOption())
    .addOption(datasetOption('take entries of this data set'))
    .addOption(splitOption())
    .option('--label <file>', 'label picture or contour file of the one picture')
    .option(
      '--output <blob>',
      'the blob of the scores (found by its shape otherwise); the numbers of any other go to an .npz',
    )
    .option('--features', 'the numbers to an .npz, even where they are scores of pixels')
    .addOption(outOption('where the pictures go', 'dir').default('predictions'))
    .addOption(backendOption());
  schemaOptions(pythonOptions(segmentOptions(command)))
    .addOption(jsonOption('one object a line'))
    .action(act(async (names: string[], options: InferOptions) => infer(io, names, options)));
};

interface Subject extends InputPicture {
  readonly label?: ArrayLike<number>;
}

/** Without a data set, `names` are files; with one, its entries (none: all of the split). */
export async function infer(io: Io, names: readonly string[], options: InferOptions): Promise<void> {
  const signal = io.interruptible();
  const network = await readPlacedFile(options.net);
  const dataset = options.dataset === undefined ? undefined : await openDataset(options.dataset);
  let segmenter: Segmenter | undefined;
  const scores: number[] = [];
  const features = new Map<string, Feature>();
  const used = new Set<string>();
  try {
    makeFolderSync(options.out);
    for await (const subject of dataset ? entriesOf(dataset, names, options) : filesOf(names, network, options)) {
      if (signal.aborted) throw new Interrupted('Stopped.');
      if (!segmenter) {
        const given = { ...options, netText: network.text, onPythonOutput: tellingOf(io) };
        segmenter = await Segmenter.load(network.name, subject, given);
        warnOfFreshWeights(io, segmenter.net);
        if (segmenter.crop && !options.json) say(io, `Fed: ${fedOf(segmenter)}`);
      }
      const stem = uniqueStem(subject.name, used);
      if (options.features || !segmenter.segments(subject)) {
        const blob = await segmenter.read(subject);
        features.set(stem, { name: subject.name, shape: blob.shape, data: blob.data.slice() });
      } else {
        const files = {
          mask: join(options.out, `${stem}_mask.png`),
          overlay: join(options.out, `${stem}_overlay.png`),
        };
        const mask = await segmenter.segment(subject);
        const kept = options.largestComponent ? { ...mask, data: largestComponents(mask) } : mask;
        scores.push(...(await report(io, subject, kept, dataset?.manifest.palette, options, files)));
      }
    }
  } finally {
    printDiagnostics(io, segmenter?.notes ?? []);
    printEngineNotes(io, segmenter?.net.engine);
    segmenter?.dispose();
    await dataset?.close();
    // Of the pictures before one that fails, too.
    if (features.size > 0) await saveFeatures(io, features, options);
  }
  if (scores.length > 1 && !options.json) {
    say(io, `Dice ${formatNumber(scores.reduce((a, b) => a + b, 0) / scores.length)} in the mean of ${scores.length}`);
  }
}

/** A file name for a subject that no other subject of this run has: `x`, `x-2`, `x-3` … */
function uniqueStem(name: string, used: Set<string>): string {
  const stem = name.replace(/[^\w.-]+/g, '_');
  let unique = stem;
  for (let n = 2; used.has(unique); n++) unique = `${stem}-${n}`;
  used.add(unique);
  return unique;
}

/** Writes mask and overlay, prints a line. @returns the Dice where a label is known. */
async function report(
  io: Io,
  subject: Subject,
  mask: ClassMask,
  palette: readonly Color[] | undefined,
  options: InferOptions,
  files: { readonly mask: string; readonly overlay: string },
): Promise<number[]> {
  await writeAtomically(files.mask, [encodeMask(mask, palette)]);
  await writeAtomically(files.overlay, [overlayPng(subject, { mask: mask.data, truth: subject.label, palette })]);
  const shares = Array.from(
    { length: mask.classes },
    (_, c) => mask.data.filter(v => v === c).length / mask.data.length,
  );
  const score = subject.label && meanDice(mask, subject.label);
  if (options.json) say(io, JSON.stringify({ name: subject.name, ...files, shares, dice: score }));
  else {
    const found = shares.flatMap((s, c) => (c > 0 && s > 0 ? [`class ${c} ${formatPercent(s)}`] : [])).join(', ');
    const known = score === undefined ? '' : `Dice ${formatNumber(score)}, `;
    say(io, `${subject.name}: ${known}${found || 'background only'} -> ${files.mask}, ${files.overlay}`);
  }
  return score === undefined ? [] : [score];
}

/** A blob's numbers for one picture. */
interface Feature {
  /** The picture's. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Writes `<blob>.npz` and `<blob>.txt`: one array of a row a picture, and the pictures' names in its order. Where pictures
 * of several sizes give several shapes, an array a picture, by its name.
 */
async function saveFeatures(io: Io, features: ReadonlyMap<string, Feature>, { out, output, json }: InferOptions) {
  const name = output ?? 'scores';
  const stem = join(out, uniqueStem(name, new Set()));
  const [first] = [...features.values()];
  const size = first!.data.length;
  const isOneShape = [...features.values()].every(f => f.shape.join() === first!.shape.join());
  const rows = new Float32Array(isOneShape ? size * features.size : 0);
  if (isOneShape) for (const [i, { data }] of [...features.values()].entries()) rows.set(data, i * size);
  const shape = [features.size, ...(first!.shape[0] === 1 ? first!.shape.slice(1) : first!.shape)];
  await saveNpz(`${stem}.npz`, isOneShape ? new Map([[name, { shape, data: rows }]]) : features);
  await writeAtomically(`${stem}.txt`, [Buffer.from([...features.values()].map(f => `${visible(f.name)}\n`).join(''))]);
  const shapes = isOneShape ? [shape] : [...features.values()].map(f => f.shape);
  if (json) say(io, JSON.stringify({ blob: name, features: `${stem}.npz`, names: `${stem}.txt`, shapes }));
  else {
    const what = isOneShape ? formatShape(shape) : `${features.size} arrays`;
    say(io, `${name}: ${what} of ${features.size} pictures -> ${stem}.npz, their names -> ${stem}.txt`);
  }
}

/** Over the classes but background; of two classes, that of the second. */
function meanDice(mask: ClassMask, label: ArrayLike<number>): number {
  const classes = Array.from({ length: mask.classes - 1 }, (_, i) => i + 1);
  const there = classes.filter(c => mask.data.includes(c) || Array.prototype.includes.call(label, c));
  if (there.length === 0) return 1;
  return there.reduce((sum, c) => sum + maskDice(mask.data, label, c), 0) / there.length;
}

async function* entriesOf(dataset: Dataset, names: readonly string[], options: InferOptions): AsyncGenerator<Subject> {
  const split = await dataset.split(options.split);
  const known = split.manifest.entries.map(e => e.name);
  if (known.length === 0)
    throw fail('split-empty', `The data set's split "${options.split}" has no entries.`, {
      hint: 'The other one may have some: --split train or --split val.',
    });
  const positions = names.length === 0 ? known.keys() : names.map(name => positionOf(name, split.indexOf(name), known));
  for (const position of positions) yield split.entry(position);
}

function positionOf(name: string, position: number | undefined, known: readonly string[]): number {
  if (position !== undefined) return position;
  const near = nearest(name, known);
  throw fail('unknown-entry', `The data set has no entry "${name}".`, {
    hint: near
      ? `Did you mean ${near}?`
      : `Its entries are named like ${known[0] ?? '(it has none)'}; --split val or train.`,
  });
}

async function* filesOf(names: readonly string[], network: TextFile, options: InferOptions): AsyncGenerator<Subject> {
  if (names.length === 0) {
    throw fail('no-pictures', 'No picture is given.', { hint: 'Name PNG, JPEG or DICOM files, or --dataset DIR.' });
  }
  if (options.label !== undefined && names.length > 1) {
    throw fail('one-label', `--label goes with one picture, and there are ${names.length}.`);
  }
  const channels = channelsOf(network, options);
  for (const path of names) {
    const picture = await loadPicture(path, channels);
    const [, height, width] = picture.shape;
    const label = options.label === undefined ? undefined : await readLabel(options.label, width, height);
    yield { ...picture, name: basename(path, extname(path)), label };
  }
}

/** How many channels the network's own input has; undefined where it leaves that to the data set. */
function channelsOf({ text, name }: TextFile, options: InferOptions): 1 | 3 | undefined {
  const state = { phase: 'TEST', stages: ['deploy'] } as const;
  const described = describeFile({ text, name, schema: schemaFrom(options, name), state });
  const channels = described.assumed ? undefined : described.blobs.get('data')?.shape[1];
  return channels === 1 || channels === 3 ? channels : undefined;
}

/** A label picture, or a contour file. */
async function readLabel(path: string, width: number, height: number): Promise<Uint8Array> {
  if (extname(path).toLowerCase() === '.txt') return contourMask(await readContour(path), width, height);
  const label = await decodeLabel(await readFileAs('file-unreadable', path), path);
  if (label.width === width && label.height === height) return label.data;
  throw fail('label-size', `The label ${path} is ${label.width}x${label.height}, its picture ${width}x${height}.`);
}

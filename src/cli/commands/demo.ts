/** `mokapot demo`: from nothing to a trained network, its Dice on patients it has not seen, and pictures. */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { createPhantom, encodeMask, openDataset, overlayPng } from '../../data/index.js';
import { makeFolderSync, writeAtomically } from '../../files/index.js';
import { maskDice, Segmenter } from '../../tools/segment.js';
import { RUN_FILES, train } from '../../train/node/index.js';
import type { Declare } from '../declare.js';
import { exitCodes, Interrupted } from '../errors.js';
import { formatDuration } from '../format.js';
import { colors, type Io, say } from '../io.js';
import { integer } from '../options.js';
import { startBar } from '../progress.js';
import { backendOption, outOption, seedOption } from '../shared_options.js';
import { tile } from '../sheet.js';
import { showTraining } from '../training.js';

export interface DemoOptions {
  readonly out: string;
  readonly count: number;
  readonly iterations: number;
  readonly seed: number;
  readonly backend?: string;
}

export const declare: Declare = (command, io, act) =>
  command
    .addOption(outOption('where everything goes', 'dir').default('runs/demo'))
    .addOption(new Option('--count <n>', 'pictures').argParser(integer(20)).default(200))
    .addOption(new Option('--iterations <n>', 'of training').argParser(integer(1)).default(150))
    .addOption(seedOption().default(1))
    .addOption(backendOption())
    .action(act(async (options: DemoOptions) => demo(io, options)));

/** Adam, as plain SGD takes several times as long to leave the answer "background everywhere" and with some seeds never does. */
const RECIPE = {
  type: 'Adam',
  lr: 0.002,
  policy: 'poly',
  power: 0.9,
  snapshotInterval: 0,
  testInitialization: false,
} as const;

/** @returns 0; 1 where the training diverged */
export async function demo(io: Io, options: DemoOptions): Promise<number> {
  const signal = io.interruptible();
  const began = performance.now();
  const c = colors(io);
  const data = join(options.out, 'data');
  const run = join(options.out, 'run');
  say(io, c.bold(`1. ${options.count} pictures of cardiac MR by formula -> ${data}`));
  const { manifest } = await makePhantom(io, options, data);
  const { train: training, val } = manifest.splits;
  say(
    io,
    `   ${training.patients?.length} patients to learn from, ${val.patients?.length} held back (${val.count} pictures)`,
  );

  say(io, c.bold(`\n2. Training ${NETWORK_NAME} -> ${run}`));
  const events = train({
    ...RECIPE,
    net: networkPath(),
    dataset: data,
    epochs: 1,
    maxIter: options.iterations,
    seed: options.seed,
    backend: options.backend,
    runDir: run,
    signal,
  });
  const end = await showTraining(io, events);
  if (end.reason === 'aborted') throw new Interrupted('Stopped.');
  if (end.reason === 'diverged' || !end.snapshot) return exitCodes.failed;

  say(io, c.bold('\n3. The held-back patients'));
  const { mean, sheet } = await judge(io, { ...options, data, weights: end.snapshot.weights, signal });
  say(
    io,
    `\nDice ${c.bold(mean.toFixed(4))} on held-back patients, after ${formatDuration((performance.now() - began) / 1000)} in all`,
  );
  say(io, `  predictions  ${sheet}`);
  say(io, `  curves       ${join(run, RUN_FILES.curves)}`);
  say(io, `  weights      ${end.snapshot.weights}`);
  return exitCodes.ok;
}

const NETWORK_NAME = 'networks/fcn_small.prototxt';

/** Whether this runs from src/cli/commands or from dist/src/cli/commands. */
function networkPath(): string {
  const up = import.meta.url.endsWith('.ts') ? '../../../' : '../../../../';
  return fileURLToPath(new URL(`${up}${NETWORK_NAME}`, import.meta.url));
}

async function makePhantom(io: Io, { count, seed }: DemoOptions, out: string) {
  const bar = startBar(io, 2 * count, 'steps');
  try {
    return await createPhantom({ count, seed, out, onProgress: ({ done, name }) => bar.update(done, name) });
  } finally {
    bar.stop();
  }
}

interface Judged extends DemoOptions {
  readonly data: string;
  readonly weights: string;
  readonly signal: AbortSignal;
}

/** Masks and overlays of all held-back pictures, their Dice a patient and in the mean. */
async function judge(io: Io, { data, weights, backend, out, signal }: Judged) {
  const dataset = await openDataset(data);
  let segmenter: Segmenter | undefined;
  const overlays: Uint8Array[] = [];
  const scores = new Map<string, number[]>();
  try {
    const split = await dataset.split('val');
    for (let i = 0; i < split.size && !signal.aborted; i++) {
      const entry = await split.entry(i);
      segmenter ??= await Segmenter.load(networkPath(), entry, { weights, backend });
      const mask = await segmenter.segment(entry);
      const patient = split.manifest.entries[i]!.patient ?? '';
      scores.set(patient, [...(scores.get(patient) ?? []), maskDice(mask.data, entry.label)]);
      overlays.push(overlayPng(entry, { mask: mask.data, truth: entry.label, zoom: 1 }));
      const stem = join(out, 'predictions', entry.name.replace(/[^\w.-]+/g, '_'));
      await writeFiles(stem, encodeMask(mask), overlayPng(entry, { mask: mask.data, truth: entry.label }));
    }
  } finally {
    segmenter?.dispose();
    await dataset.close();
  }
  if (signal.aborted) throw new Interrupted('Stopped.');
  for (const [patient, list] of scores)
    say(io, `   ${patient}: Dice ${meanOf(list).toFixed(4)} over ${list.length} pictures`);
  const sheet = join(out, 'predictions.png');
  await writeAtomically(sheet, [await tile(overlays, 5)]);
  return { mean: meanOf([...scores.values()].flat()), sheet };
}

async function writeFiles(stem: string, mask: Uint8Array, overlay: Uint8Array): Promise<void> {
  makeFolderSync(dirname(stem));
  await writeAtomically(`${stem}_mask.png`, [mask]);
  await writeAtomically(`${stem}_overlay.png`, [overlay]);
}

function meanOf(list: readonly number[]): number {
  return list.reduce((a, b) => a + b, 0) / list.length;
}

/**
 * The whole loop beside the bare step: npx jiti bench/loop.ts [NETWORK [EPOCHS]] [--augment RECIPE], by default the U-Net with
 * BatchNorm for 4 epochs; with --augment (`cardiac`, or fields) the same loop on augmented pictures too, and what that costs a
 * step: blocks of steps with and without it in turns, in one process, so that what else the machine does hits both. `train` on a data set, with its log, curves, validation after each epoch and shuffled batches; the same network's
 * steps on one batch that stays; and the twin in PyTorch with a DataLoader that shuffles and a validation (MOKAPOT_BENCH_PYTHON).
 * Each in a process of its own, in turns, three rounds; medians and spread.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AUGMENT_PRESETS } from '../src/data/index.js';
import { createPhantom, openDataset, Solver, train } from '../src/index.js';
import { isDataLayer, isInputLayer } from '../src/net/index.js';
import { create, parseNet, printText } from '../src/schema/index.js';
import { networks } from './networks.js';

const COUNT = 96;
const ROUNDS = 3;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const args = process.argv.slice(2);
const augmentAt = args.indexOf('--augment');
const [, augment] = augmentAt < 0 ? [] : args.splice(augmentAt, 2);
const [name = 'unet_bn', epochs = '4', what, folder = ''] = args;
const network = networks[name];
if (!network) throw new Error(`There is no network ${name}; there are ${Object.keys(networks).join(', ')}.`);
const { inputs, solver: type = 'SGD', text } = network;
const [batch, , size] = inputs['data']! as [number, number, number];

/** The network with the data set in use in place of its inputs, for training and validation. */
function onData(augmentParam = ''): string {
  const layer = (top: string) =>
    `layer { name: "${top}" type: "Data" top: "${top}" data_param { batch_size: ${batch} backend: LMDB }
      ${top === 'data' ? augmentParam : ''} }`;
  const own = parseNet(text).message;
  const rest = own.layer.filter(l => !isInputLayer(l) && !isDataLayer(l));
  const data = parseNet(['data', 'label'].map(layer).join('\n')).message.layer;
  return printText(create('caffe.NetParameter', { name: own.name, layer: [...data, ...rest] }));
}

if (what === 'train' || what === 'augmented') {
  const stamps: number[] = [];
  let [began, validation] = [0, 0];
  const recipe = augment && (AUGMENT_PRESETS[augment] ?? augment);
  const changed = what === 'augmented' && recipe !== undefined && { augment: recipe };
  const options = { type, lr: 1e-6, seed: 1, runDir: join(folder, `run-${process.pid}`), ...changed };
  const given = { net: 'net.prototxt', netText: onData(), dataset: join(folder, 'set'), epochs: Number(epochs) };
  for await (const event of train({ ...given, ...options })) {
    const now = performance.now();
    if (event.type === 'start') began = now;
    if (event.type === 'iteration') stamps.push(now);
    if (event.type === 'test') validation += event.seconds;
    if (event.type === 'end') {
      const trained = stamps.length * batch;
      console.log(JSON.stringify({ steps: gaps(stamps), perSecond: (1000 * trained) / (now - began), validation }));
    }
  }
} else if (what === 'bare') {
  const set = await openDataset(join(folder, 'set'));
  const split = await set.split('train');
  const entries = await Promise.all(Array.from({ length: batch }, (_, i) => split.entry(i)));
  const feeds = {
    data: Float32Array.from(entries.flatMap(e => [...e.data])),
    label: Float32Array.from(entries.flatMap(e => [...e.label])),
  };
  const solver = await Solver.fromText(
    `type: "${type}" base_lr: 1e-6 lr_policy: "fixed" momentum: 0.9 weight_decay: 5e-4 max_iter: 1000
     snapshot_after_train: false random_seed: 1 net_param { ${text} }`,
    { stages: ['train'], inputShapes: inputs },
  );
  const stamps: number[] = [];
  for (let i = 0; i < 24; i++) {
    await solver.iterate(feeds);
    stamps.push(performance.now());
  }
  console.log(JSON.stringify({ steps: gaps(stamps) }));
} else if (what === 'paired') await paired();
else await compare();
process.exit(0);

/** Steps with and without augmentation, block by block. Compiled code, as a run's threads have it: npm run build first. */
async function paired(): Promise<void> {
  const [BLOCKS, STEPS] = [24, 12];
  const built: typeof import('../src/index.js') = await import(here('../dist/src/index.js'));
  const feeding: typeof import('../src/feeds/node/data_feeds.js') = await import(
    here('../dist/src/feeds/node/data_feeds.js')
  );
  const { selectLayers }: typeof import('../src/net/index.js') = await import(here('../dist/src/net/index.js'));
  const set = await built.openDataset(join(folder, 'set'));
  const split = await set.split('train');
  const recipe = AUGMENT_PRESETS[augment!] ?? augment!;
  const texts = [onData(), onData(`augment_param { ${recipe} }`)];
  const feeds = await Promise.all(
    texts.map(net =>
      feeding.openFeed(selectLayers(built.parseNet(net).message, { phase: 'TRAIN' }), {
        split,
        seed: 1,
        shuffle: true,
      }),
    ),
  );
  const solver = await built.Solver.fromText(
    `type: "${type}" base_lr: 1e-6 lr_policy: "fixed" momentum: 0.9 weight_decay: 5e-4 max_iter: 100000
     snapshot_after_train: false random_seed: 1 net_param { ${text} }`,
    { stages: ['train'], inputShapes: inputs },
  );
  const ratios: number[] = [];
  const seconds: [number[], number[]] = [[], []];
  for (let block = -1; block < BLOCKS; block++) {
    const took = [0, 0];
    for (const which of block % 2 === 0 ? [0, 1] : [1, 0]) {
      // What the other block has left is taken first.
      for (let i = 0; i < 4; i++) await solver.iterate((await feeds[which]!.next()).feeds);
      const began = performance.now();
      for (let i = 0; i < STEPS; i++) await solver.iterate((await feeds[which]!.next()).feeds);
      took[which] = (performance.now() - began) / 1000 / STEPS;
    }
    if (block < 0) continue;
    ratios.push(took[1]! / took[0]!);
    for (const which of [0, 1] as const) seconds[which].push(took[which]!);
  }
  for (const feed of feeds) await feed!.close();
  console.log(JSON.stringify({ ratios, plain: seconds[0], augmented: seconds[1] }));
}

/** Seconds from one to the next, without the first two. */
function gaps(stamps: readonly number[]): number[] {
  return stamps.slice(3).map((t, i) => (t - stamps[i + 2]!) / 1000);
}

interface Measured {
  readonly steps: readonly number[];
  readonly perSecond?: number;
}

async function compare(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'mokapot-loop-'));
  try {
    await createPhantom({ count: COUNT, size, out: join(dir, 'set') });
    await forPython(dir);
    const python = process.env['MOKAPOT_BENCH_PYTHON'] ?? here('.venv/bin/python');
    const jiti = here('../node_modules/.bin/jiti');
    const described = run(jiti, [here('measure.ts'), name, 'host', 'describe']);
    const found: Record<string, Measured[]> = {};
    for (let round = 0; round < ROUNDS; round++) {
      for (const part of ['bare', 'train', ...(augment === undefined ? [] : ['augmented'])]) {
        const recipe = augment === undefined ? [] : ['--augment', augment];
        add(part, run(jiti, [fileURLToPath(import.meta.url), name, epochs, part, dir, ...recipe]));
      }
      if (existsSync(python)) add('PyTorch', run(python, [here('pytorch.py'), 'loop', dir, epochs], described));
    }
    function add(part: string, line: string): void {
      (found[part] ??= []).push(JSON.parse(line) as Measured);
    }
    print(found);
    if (augment !== undefined)
      printPaired(run(jiti, [fileURLToPath(import.meta.url), name, epochs, 'paired', dir, '--augment', augment]));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function printPaired(line: string): void {
  const found = JSON.parse(line) as Record<'ratios' | 'plain' | 'augmented', number[]>;
  const at = (values: readonly number[], share: number) =>
    [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;
  const cost = (share: number) => `${(100 * (at(found.ratios, share) - 1)).toFixed(1)} %`;
  const steps = [found.plain, found.augmented].map(values => (1000 * at(values, 0.5)).toFixed(1));
  console.log(
    `\nIn turns, ${found.ratios.length} blocks: a step takes ${steps[0]} ms, ${steps[1]} ms with --augment ${augment}: ${cost(0.5)} more (quartiles ${cost(0.25)} to ${cost(0.75)}).`,
  );
}

function run(command: string, args: readonly string[], input?: string): string {
  const done = spawnSync(command, [...args], { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (done.status !== 0) throw new Error(`${args.join(' ')}: ${done.stderr.trim().split('\n').at(-1)}`);
  return done.stdout.trim().split('\n').at(-1)!;
}

/** The data set as raw numbers, which numpy reads as they are. */
async function forPython(dir: string): Promise<void> {
  const set = await openDataset(join(dir, 'set'));
  for (const part of ['train', 'val'] as const) {
    const split = await set.split(part);
    const entries = await Promise.all(Array.from({ length: split.size }, (_, i) => split.entry(i)));
    for (const field of ['data', 'label'] as const) {
      const numbers = Float32Array.from(entries.flatMap(e => [...e[field]]));
      writeFileSync(join(dir, `${part}_${field}.f32`), numbers);
    }
  }
  await set.close();
}

function print(found: Readonly<Record<string, readonly Measured[]>>): void {
  const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
  const median = (values: readonly number[]) => sorted(values)[values.length >> 1]!;
  const spread = (values: readonly number[]) =>
    `${sorted(values)[0]!.toFixed(3)} to ${sorted(values).at(-1)!.toFixed(3)}`;
  const bare = median(found['bare']!.map(m => median(m.steps)));
  console.log(
    `${network!.title}, ${inputs['data']!.join('×')}, ${COUNT} pictures, ${epochs} epochs, ${type}; ${ROUNDS} rounds\n`,
  );
  console.log(
    '| what | seconds an iteration (median, spread of rounds) | against the bare step | pictures a second, validation and all |',
  );
  console.log('| --- | --- | --- | --- |');
  for (const [part, all] of Object.entries(found)) {
    const medians = all.map(m => median(m.steps));
    const perSecond = all.flatMap(m => m.perSecond ?? []);
    const shown = perSecond.length > 0 ? median(perSecond).toFixed(1) : '–';
    const titles: Record<string, string> = {
      bare: 'bare step',
      train: '`train`',
      augmented: `\`train --augment ${augment}\``,
    };
    const title = titles[part] ?? `${part}, loop with a DataLoader`;
    console.log(
      `| ${title} | ${median(medians).toFixed(3)} (${spread(medians)}) | ${(median(medians) / bare).toFixed(2)} | ${shown} |`,
    );
  }
}

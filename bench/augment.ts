/**
 * Augmentation in pictures a second, on one thread: npm run build && npx jiti bench/augment.ts [ROUNDS]. Each change by itself
 * and whole recipes, on pictures of 256×256 with their label pictures (32 bits a value, as a feed has them), beside torchvision's
 * transforms v2 and albumentations on the same pictures, on one thread too (MOKAPOT_BENCH_PYTHON; bench/augment.py). By the
 * processor's time, so that others on the machine do not count; in turns; medians of the rounds, and their spread. The compiled code is measured (dist), as it is what a run's threads run.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Entry } from '../src/data/index.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const compiled: typeof import('../src/data/index.js') = await import(here('../dist/src/data/index.js'));
const { augment, createPhantom, openDataset, parseAugment, recipeOf } = compiled;

const ROUNDS = Number(process.argv[2] ?? 3);
/** Pictures measured in a round of one recipe, gone through again and again for this long. */
const [COUNT, SECONDS] = [32, 0.5];

const WHOLE = `flip_horizontal: 0.5 flip_vertical: 0.5 rotation: 180 scale: 0.25 scale_axes: 0.1 shift: 0.12
elastic: 0.03 gamma: 0.4 noise: 0.1`;

/** What is measured, by the names that bench/augment.py has too. */
const RECIPES: Readonly<Record<string, string>> = {
  'flip left and right': 'flip_horizontal: 1',
  rotation: 'rotation: 180',
  'affine (rotation, scale, shift, shear)': 'rotation: 180 scale: 0.25 scale_axes: 0.1 shift: 0.12 shear: 10',
  elastic: 'elastic: 0.03',
  blur: 'blur: 2',
  'bias field': 'bias_field: 0.3',
  'contrast and brightness': 'contrast: 0.3 brightness: 0.3',
  gamma: 'gamma: 0.4',
  noise: 'noise: 0.1',
  'random crop of 144': 'crop_size: 144 random_crop: true',
  'the whole recipe': WHOLE,
  'the whole recipe, cut to 144': `${WHOLE} crop_size: 144`,
};

type Rates = Record<string, Record<string, number>>;

function measure(entries: readonly Entry[]): Record<string, number> {
  const rates: Record<string, number> = {};
  for (const [name, text] of Object.entries(RECIPES)) {
    const recipe = recipeOf(parseAugment(text));
    const pass = (epoch: number) => {
      for (const [i, entry] of entries.entries())
        augment({ entry, key: { seed: 1, epoch, entry: i, turn: 0 } }, recipe);
    };
    for (let epoch = 0; epoch < 3; epoch++) pass(epoch);
    let done = 0;
    const began = process.cpuUsage();
    const spent = () => process.cpuUsage(began).user + process.cpuUsage(began).system;
    while (spent() < 1e6 * SECONDS) pass(3 + done++);
    rates[name] = (1e6 * done * entries.length) / spent();
  }
  return rates;
}

const dir = mkdtempSync(join(tmpdir(), 'mokapot-augment-'));
try {
  await createPhantom({ count: COUNT, size: 256, val: 0, out: join(dir, 'set') });
  const set = await openDataset(join(dir, 'set'));
  const split = await set.split('train');
  const entries = await Promise.all(Array.from({ length: COUNT }, (_, i) => split.entry(i)));
  await set.close();
  for (const field of ['data', 'label'] as const) {
    writeFileSync(join(dir, `${field}.f32`), Float32Array.from(entries.flatMap(e => [...e[field]])));
  }
  const python = process.env['MOKAPOT_BENCH_PYTHON'] ?? here('.venv/bin/python');
  const rounds: Rates[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const rates: Rates = { Mokapot: measure(entries) };
    if (existsSync(python)) Object.assign(rates, fromPython(python));
    rounds.push(rates);
  }
  print(rounds);
} finally {
  rmSync(dir, { recursive: true });
}

function fromPython(python: string): Rates {
  const done = spawnSync(python, [here('augment.py'), dir, String(COUNT), String(SECONDS)], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr.trim().split('\n').at(-1));
  return JSON.parse(done.stdout.trim().split('\n').at(-1)!) as Rates;
}

function print(rounds: readonly Rates[]): void {
  const libraries = Object.keys(rounds[0]!);
  console.log(
    `Pictures of 256×256 with labels a second of processor time, one thread, ${ROUNDS} rounds: median (spread)\n`,
  );
  console.log(`| change | ${libraries.join(' | ')} |\n|---|${libraries.map(() => '---|').join('')}`);
  for (const name of Object.keys(RECIPES)) {
    const cells = libraries.map(library => {
      const rates = rounds.flatMap(r => r[library]![name] ?? []).sort((a, b) => a - b);
      if (rates.length === 0) return '–';
      const show = (rate: number) => String(Math.round(rate));
      return `${show(rates[rates.length >> 1]!)} (${show(rates[0]!)} to ${show(rates.at(-1)!)})`;
    });
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}

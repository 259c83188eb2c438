/** Runs the built command as a process of its own, which can be killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPhantom } from '../../src/data/index.js';
import { isTemporary, LOCK_FILE } from '../../src/files/index.js';
import { Random } from '../../src/random/index.js';

export const BIN = new URL('../../bin/mokapot', import.meta.url).pathname;
export const isBuilt = existsSync(new URL('../../dist/src/cli/main.js', import.meta.url));

export const SEED = Number(process.env['FAULTS_SEED'] ?? Date.now() % 1_000_000);
export const KILLS = Number(process.env['FAULTS_KILLS'] ?? 100);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  /** Milliseconds that it ran. */
  readonly time: number;
}

export function start(argv: readonly string[], cwd: string): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [BIN, ...argv], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const began = performance.now();
  const texts = { out: '', err: '' };
  child.stdout!.on('data', (chunk: Buffer) => {
    texts.out += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    texts.err += chunk.toString();
  });
  const ended = new Promise<Ended>(resolve =>
    child.on('close', (code, signal) => resolve({ code, signal, ...texts, time: performance.now() - began })),
  );
  return { child, ended };
}

export function run(argv: readonly string[], cwd: string): Promise<Ended> {
  return start(argv, cwd).ended;
}

/** Kills a command after so many milliseconds; tells whether it was still running. */
export async function killed(argv: readonly string[], cwd: string, after: number): Promise<boolean> {
  const { child, ended } = start(argv, cwd);
  const timer = setTimeout(() => child.kill('SIGKILL'), after);
  const { signal } = await ended;
  clearTimeout(timer);
  return signal === 'SIGKILL';
}

/** Moments of kills: mostly after the start of a process, in which nothing is written. */
export class Moments {
  private readonly random: Random;

  constructor(
    seed: number,
    private readonly time: number,
  ) {
    this.random = new Random(seed);
  }

  next(): number {
    return this.time * (0.25 + 0.8 * this.random.next());
  }
}

/** Names of temporary files and locks that lie in a folder, or below. */
export function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(path => {
    const name = path.split(/[\\/]/).at(-1)!;
    return isTemporary(name) || name === LOCK_FILE;
  });
}

const dataLayer = (top: string) => `
layer { name: "${top}" type: "Data" top: "${top}" include { phase: TRAIN } data_param { batch_size: 2 } }
layer { name: "${top}" type: "Data" top: "${top}" include { phase: TEST } data_param { batch_size: 2 } }`;
const NET = `name: "tiny"${dataLayer('data')}${dataLayer('label')}
layer { name: "scale" type: "Power" bottom: "data" top: "x" power_param { scale: 0.0078125 shift: -1 } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "score" type: "Convolution" bottom: "conv" top: "score" convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" loss_param { ignore_label: 255 } }
`;
const DEPLOY = `name: "deploy"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 32 dim: 32 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layer { name: "score" type: "Convolution" bottom: "conv" top: "score" convolution_param { num_output: 2 kernel_size: 1 } }
`;

/** A network, solvers with few and with many snapshots, and a data set, in a folder. */
export async function project(folder: string): Promise<void> {
  const solver = (more: string) =>
    `net: "net.prototxt" base_lr: 0.01 lr_policy: "poly" power: 1 momentum: 0.9 random_seed: 3 display: 5 ${more}`;
  const files = {
    'net.prototxt': NET,
    'deploy.prototxt': DEPLOY,
    'solver.prototxt': solver('max_iter: 120 snapshot: 25 test_iter: 2 test_interval: 20'),
    'often.prototxt': solver('max_iter: 60 snapshot: 1'),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  await createPhantom({ count: 14, size: 32, channels: 'L', val: 30, out: join(folder, 'data'), seed: 3 });
}

export const TRAIN = ['--dataset', 'data', '--backend', 'host'];

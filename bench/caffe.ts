/**
 * Caffe itself beside ours, where its `caffe` tool is at hand (MOKAPOT_BENCH_CAFFE): the same network, phase and shapes, written as
 * a prototxt that Caffe's tool can run alone. Forward is `caffe time`'s average without the data layer; a step, update and
 * all, is the time between the lines that `caffe train` prints at each iteration, drawing the data included (less than one
 * part in a hundred). Python layers and Accuracy are left out.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileNet, isDataLayer } from '../src/net/index.js';
import { create, parseNet, printText } from '../src/schema/index.js';
import type { BenchNetwork } from './networks.js';

export interface Measured {
  readonly engine: string;
  /** Seconds until it can start. */
  readonly ready: number;
  /** Seconds of every run. */
  readonly times: readonly number[];
  /** The processors' seconds of every run, where they are known. */
  readonly cpu?: readonly number[];
  /** The most that the process held. */
  readonly bytes: number;
  /** What the graph computes and moves, by its shapes; of our own engines. */
  readonly work?: { readonly operations: number; readonly bytes: number };
}

const WARM_UP = 2;
const LEFT_OUT = new Set(['Input', 'Python', 'Accuracy', 'Silence', 'Split']);

/** The network as Caffe's tool takes it: inputs drawn by itself. */
function prototxt({ text, inputs }: BenchNetwork, training: boolean): string {
  const { message } = parseNet(text);
  const state = training ? (['TRAIN', 'train'] as const) : (['TEST', 'val'] as const);
  const { layers } = compileNet(message, { phase: state[0], stages: [state[1]], inputShapes: inputs });
  const dummies = Object.entries(inputs).map(([blob, dims]) => {
    const isPicture = blob === 'data';
    const filler = isPicture ? { type: 'uniform', min: 0, max: 255 } : { type: 'constant', value: 1 };
    const dummy_data_param = { shape: [{ dim: dims }], data_filler: [filler] };
    return create('caffe.LayerParameter', { name: blob, type: 'DummyData', top: [blob], dummy_data_param });
  });
  const own = layers.flatMap(({ source, type }) =>
    !source || isDataLayer(source) || LEFT_OUT.has(type.type) ? [] : [{ ...source, include: [], exclude: [] }],
  );
  return printText(create('caffe.NetParameter', { name: 'bench', layer: [...dummies, ...own] }));
}

interface Ran {
  readonly log: string;
  readonly bytes: number;
  readonly started: number;
}

/** Runs Caffe's tool. The variables by which this machine may slow OpenBLAS down are left out, so that it picks its best kernels. */
function run(binary: string, args: readonly string[], cwd: string, limitMs: number): Promise<Ran> {
  const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...env } = process.env;
  const started = Date.now();
  const child = spawn(binary, args, { cwd, env: { ...env, GLOG_logtostderr: '1' }, timeout: limitMs });
  let log = '';
  let kilobytes = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      kilobytes = Math.max(kilobytes, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended, or this is no Linux.
    }
  }, 20);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      clearInterval(watch);
      const last = log.trim().split('\n').at(-1);
      if (code === 0) resolve({ log, bytes: 1024 * kilobytes, started });
      else reject(new Error(`caffe ${args[0]} ended with ${code}: ${last}`));
    });
  });
}

/** Seconds since midnight of a line that glog wrote: `I1128 01:14:03.386741` or `I20261128 …`. */
function clock(line: string): number {
  const [, h, m, s] = /^[IWEF]\d+ (\d+):(\d+):([\d.]+)/.exec(line)!;
  return Number(h) * 3600 + Number(m) * 60 + Number(s);
}

function linesOf(log: string, pattern: RegExp): string[] {
  return log.split('\n').filter(line => pattern.test(line));
}

/** @throws Error where Caffe does not take the network */
export async function measureCaffe(
  binary: string,
  network: BenchNetwork,
  kind: 'forward' | 'step',
  limitMs: number,
): Promise<Measured> {
  const dir = mkdtempSync(join(tmpdir(), 'mokapot-bench-'));
  try {
    const net = join(dir, 'net.prototxt');
    writeFileSync(net, prototxt(network, kind === 'step'));
    return kind === 'step' ? await step(binary, dir, network, limitMs) : await forward(binary, dir, network, limitMs);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function forward(binary: string, dir: string, { runs }: BenchNetwork, limitMs: number): Promise<Measured> {
  const args = ['time', '-model', 'net.prototxt', '-phase', 'TEST', '-iterations', String(runs)];
  const { log, bytes } = await run(binary, args, dir, limitMs);
  const average = Number(/Average Forward pass: ([\d.]+) ms/.exec(log)![1]) / 1000;
  const data = linesOf(log, /\b(data|label)\s+forward:/).map(line => Number(/forward: ([\d.]+) ms/.exec(line)![1]));
  const drawing = data.reduce((a, b) => a + b, 0) / 1000;
  return { engine: 'BVLC Caffe', ready: Number.NaN, times: [average - drawing], bytes };
}

async function step(
  binary: string,
  dir: string,
  { runs, solver: kind = 'SGD' }: BenchNetwork,
  limitMs: number,
): Promise<Measured> {
  const count = WARM_UP + runs + 1;
  const solver = `type: "${kind}" net: "net.prototxt" base_lr: 1e-6 lr_policy: "fixed" momentum: 0.9 weight_decay: 5e-4 max_iter: ${count}
display: 1 snapshot_after_train: false random_seed: 1 solver_mode: CPU`;
  writeFileSync(join(dir, 'solver.prototxt'), solver);
  const { log, bytes, started } = await run(binary, ['train', '-solver', 'solver.prototxt'], dir, limitMs);
  const at = linesOf(log, /\] Iteration \d+.*, loss = /).map(clock);
  const times = at.slice(1).map((t, i) => t - at[i]!);
  const midnight = new Date(started).setHours(0, 0, 0, 0);
  const solving = clock(linesOf(log, /Solving /)[0]!);
  return {
    engine: 'BVLC Caffe',
    ready: solving - (started - midnight) / 1000,
    times: times.slice(WARM_UP, WARM_UP + runs),
    bytes,
  };
}

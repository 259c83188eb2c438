/** Runs by the solver's own fields: as flags and in the solver file the same run, resumed the same bytes. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPhantom } from '../../src/data/index.js';
import { parseSolver } from '../../src/schema/index.js';
import type { TrainEvent } from '../../src/train/events.js';
import { readLog, type TrainOptions, train } from '../../src/train/node/index.js';
import { loadSolverstate } from '../../src/weights/node/files.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

const dataLayer = (top: string) => `
  layer { name: "${top}" type: "Data" top: "${top}" include { stage: "train" } data_param { batch_size: 2 } }
  layer { name: "${top}" type: "Data" top: "${top}" include { stage: "val" } data_param { batch_size: 3 } }`;
const NET = `name: "tiny"${dataLayer('data')}${dataLayer('label')}
layer { name: "scale" type: "Power" bottom: "data" top: "x" power_param { scale: 0.0078125 shift: -1 } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" }
layer { name: "drop" type: "Dropout" bottom: "norm" top: "norm" }
layer { name: "score" type: "Convolution" bottom: "norm" top: "score" convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" loss_param { ignore_label: 255 } exclude { stage: "deploy" } }
layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy" include { stage: "val" } accuracy_param { ignore_label: 255 } }
`;
/** 8 entries to train on: an epoch of 4 iterations. */
const base: TrainOptions = {
  net: at('net.prototxt'),
  dataset: at('data'),
  epochs: 3,
  type: 'AdamW',
  policy: 'cosine',
  lr: 0.01,
  minLr: 1e-4,
  warmup: 3,
  warmupStart: 0.25,
  ema: 0.9,
  seed: 5,
  backend: 'host',
};

beforeAll(async () => {
  await createPhantom({ count: 16, size: 64, channels: 'L', val: 40, out: at('data'), seed: 3 });
  writeFileSync(at('net.prototxt'), NET);
});

async function run(options: TrainOptions, onEvent: (event: TrainEvent) => void = () => {}): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train(options)) {
    events.push(event);
    onEvent(event);
  }
  return events;
}

/** A run that ends after an iteration, as Ctrl-C does. */
async function broken(options: TrainOptions, type: TrainEvent['type'], iter: number): Promise<void> {
  const abort = new AbortController();
  const events = await run({ ...options, signal: abort.signal }, event => {
    if (event.type === type && event.iter === iter) abort.abort();
  });
  expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'aborted' });
}

/** What a log holds of the run itself, without what differs from one run to the next. */
function logged(runDir: string): unknown[] {
  return readLog(join(runDir, 'log.jsonl'))
    .filter(e => ['iteration', 'display', 'test', 'epoch'].includes(e.type))
    .map(e => ({ ...e, seconds: 0, secondsLeft: 0, imagesPerSecond: 0, waited: 0 }));
}

const bytes = (runDir: string, name: string) => readFileSync(join(runDir, name)).toString('base64');
const state = (dir: string, iter: number) => ({
  ...loadSolverstate(join(dir, `snapshot_iter_${iter}.solverstate`)),
  learned_net: '',
});

function sameRun(one: string, other: string): void {
  expect(logged(one)).toEqual(logged(other));
  expect(bytes(one, 'snapshot_iter_12.caffemodel')).toBe(bytes(other, 'snapshot_iter_12.caffemodel'));
  expect(state(one, 12)).toEqual(state(other, 12));
}

describe('warm-up, cosine and an average', () => {
  it.each([
    ['iteration', 1],
    ['iteration', 5],
    ['test', 4],
  ] as const)('after a stop at %s %i: files and log as of the unbroken run', async (type, iter) => {
    const [whole, part] = [at(`whole-${type}-${iter}`), at(`part-${type}-${iter}`)];
    await run({ ...base, runDir: whole });
    await broken({ ...base, runDir: part }, type, iter);
    await run({ resume: part });
    sameRun(part, whole);
  });

  it('rates are those of the two formulas', async () => {
    const events = await run({ ...base, runDir: at('rates') });
    const rates = events.flatMap(e => (e.type === 'iteration' ? [e.rate] : []));
    const cosine = (i: number) => 1e-4 + ((0.01 - 1e-4) * (1 + Math.cos((Math.PI * i) / 12))) / 2;
    rates.forEach((rate, i) => {
      expect(rate).toBeCloseTo(cosine(i) * Math.min(1, 0.25 + (0.75 * i) / 3), 8);
    });
    expect(rates).toHaveLength(12);
  });

  it('stand in the run’s solver file, which trains the same', async () => {
    const dir = at('by-flags');
    await run({ ...base, runDir: dir });
    const text = readFileSync(join(dir, 'solver.prototxt'), 'utf8');
    expect(parseSolver(text).message.mokapot_param).toMatchObject({ warmup_iter: 3, warmup_start: 0.25 });
    const again = at('by-file');
    await run({ solver: join(dir, 'solver.prototxt'), dataset: at('data'), backend: 'host', runDir: again });
    const ends = (d: string) => readLog(join(d, 'log.jsonl')).flatMap(e => (e.type === 'iteration' ? [e.loss] : []));
    expect(ends(again)).toEqual(ends(dir));
    expect(bytes(again, 'snapshot_iter_12.caffemodel')).toBe(bytes(dir, 'snapshot_iter_12.caffemodel'));
  });

  it('flags take the place of the solver’s fields; nonsense is refused by the field', async () => {
    const solver = at('solver.prototxt');
    writeFileSync(
      solver,
      'net: "net.prototxt" base_lr: 0.01 lr_policy: "cosine" max_iter: 2 mokapot_param { warmup_iter: 1 ema_decay: 0.5 }',
    );
    const args = ['train', '--solver', solver, '--dataset', at('data'), '--backend', 'host'];
    const ran = await mokapot([...args, '--out', at('flags'), '--ema', '0.75', '--min-lr', '0.001']);
    expect(ran.code).toBe(0);
    const { mokapot_param } = parseSolver(readFileSync(at('flags', 'solver.prototxt'), 'utf8')).message;
    expect(mokapot_param).toMatchObject({ warmup_iter: 1, ema_decay: 0.75 });
    const bad = await mokapot([...args, '--out', at('bad'), '--ema', '1.5']);
    expect(bad).toMatchObject({ code: 1, err: expect.stringContaining('ema_decay is 1.5') });
    const other = await mokapot(['train', '--resume', at('flags'), '--ema', '0.5']);
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('--ema has no place beside --resume') });
  });
});

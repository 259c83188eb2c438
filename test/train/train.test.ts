/** Whole runs on a small phantom: events, epochs, resuming to the very numbers, divergence, abort, the run's folder. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPhantom, createSunnybrook } from '../../src/data/index.js';
import { MokapotError } from '../../src/diagnostics/index.js';
import type { TrainEvent } from '../../src/train/events.js';
import { readLog, type TrainOptions, train } from '../../src/train/node/index.js';
import { readCaffemodel } from '../../src/weights/index.js';
import { mokapot } from '../cli/cli.js';
import { dataLayer } from './tiny_net.js';

const folder = mkdtempSync(join(tmpdir(), 'mokapot-train-'));
afterAll(() => rmSync(folder, { recursive: true }));
const dataset = join(folder, 'phantom');
const netFile = join(folder, 'net.prototxt');
const at = (name: string) => join(folder, name);

const NET = `name: "tiny"${dataLayer('data', 4)}${dataLayer('label', 4)}
layer { name: "scale" type: "Power" bottom: "data" top: "x" power_param { scale: 0.0078125 shift: -1 } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "score" type: "Convolution" bottom: "conv" top: "score" convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" loss_param { ignore_label: 255 } exclude { stage: "deploy" } }
layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy" include { stage: "val" } accuracy_param { ignore_label: 255 } }
layer { name: "dice" type: "Python" bottom: "score" bottom: "label" top: "dice" include { stage: "val" } python_param { module: "digits_python_layers" layer: "Dice" } }
`;
const base: TrainOptions = { net: netFile, dataset, epochs: 2, lr: 0.05, seed: 5, backend: 'host' };

beforeAll(async () => {
  await createPhantom({ count: 20, size: 64, channels: 'L', val: 50, out: dataset, seed: 3 });
  writeFileSync(netFile, NET);
});

async function run(options: TrainOptions): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train(options)) events.push(event);
  return events;
}

type Of<K extends TrainEvent['type']> = Extract<TrainEvent, { type: K }>;
const of = <K extends TrainEvent['type']>(events: readonly TrainEvent[], type: K) =>
  events.filter((e): e is Of<K> => e.type === type);
const losses = (events: readonly TrainEvent[]) => of(events, 'iteration').map(e => e.loss);
const blobs = (path: string) => [...readCaffemodel(readFileSync(path)).layers];

const failure = async (options: TrainOptions) => {
  const thrown: unknown = await run(options).then(
    () => undefined,
    e => e,
  );
  expect(thrown).toBeInstanceOf(MokapotError);
  return (thrown as MokapotError).diagnostics[0]!;
};

describe('by epochs', () => {
  it('tests and snapshots each epoch, learns, and leaves a folder', async () => {
    const runDir = at('run');
    const events = await run({ ...base, epochs: 4, runDir });
    const [start] = of(events, 'start');
    const per = start!.entries! / 2;
    expect(start).toMatchObject({ net: 'tiny', seed: 5, iterationsPerEpoch: per, maxIter: 4 * per, batchSize: 2 });
    expect(of(events, 'test').map(e => e.epoch)).toEqual([0, 1, 2, 3, 4]);
    expect(of(events, 'epoch').map(e => e.epoch)).toEqual([1, 2, 3, 4]);
    expect(of(events, 'snapshot').map(e => e.iter)).toEqual([per, 2 * per, 3 * per, 4 * per]);
    const tests = of(events, 'test');
    expect(Object.keys(tests[0]!.outputs)).toEqual(['accuracy', 'dice', 'loss']);
    expect(tests[4]!.loss!).toBeLessThan(tests[0]!.loss! / 2);
    const end = events.at(-1) as Of<'end'>;
    expect(end).toMatchObject({ type: 'end', reason: 'done', iter: 4 * per });
    expect(readdirSync(runDir).sort()).toEqual(
      [
        'curves.svg',
        'log.jsonl',
        'network.prototxt',
        'overlays',
        'run.json',
        'solver.prototxt',
        ...of(events, 'snapshot').flatMap(e => ['caffemodel', 'solverstate'].map(x => `snapshot_iter_${e.iter}.${x}`)),
      ].sort(),
    );
    expect(readLog(join(runDir, 'log.jsonl'))).toEqual(JSON.parse(JSON.stringify(events)));
    expect(readFileSync(join(runDir, 'network.prototxt'), 'utf8')).toBe(NET);
    const svg = readFileSync(join(runDir, 'curves.svg'), 'utf8');
    for (const label of ['tiny', 'val dice', 'val accuracy', 'learning rate', 'epoch']) expect(svg).toContain(label);
  });

  it('gives the same run for the same seed, and the solver in its folder trains it too', async () => {
    const first = await run({ ...base, runDir: at('same') });
    expect(losses(await run({ ...base, runDir: at('same2') }))).toEqual(losses(first));
    expect(losses(await run({ ...base, seed: 6, runDir: at('other') }))).not.toEqual(losses(first));
    const again = await run({
      solver: join(at('same'), 'solver.prototxt'),
      dataset,
      backend: 'host',
      runDir: at('same3'),
    });
    expect(losses(again)).toEqual(losses(first));
  });

  it('wants epochs, data and a network', async () => {
    expect(await failure({ ...base, epochs: undefined })).toMatchObject({ code: 'no-epochs' });
    expect(await failure({ ...base, net: undefined })).toMatchObject({ code: 'no-train-net' });
    expect(await failure({ ...base, weights: 'w', snapshot: 's' })).toMatchObject({ code: 'weights-and-snapshot' });
    expect(await failure({ ...base, solver: 'x' })).toMatchObject({ code: 'two-ways-to-train' });
    expect(await failure({ ...base, net: at('none.prototxt') })).toMatchObject({ code: 'file-unreadable' });
    expect(await failure({ ...base, dataset: undefined })).toMatchObject({ code: 'no-data-layer' });
    const bare = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }';
    expect(await failure({ ...base, net: undefined, netText: bare })).toMatchObject({ code: 'no-data-layer' });
  });
});

describe.each(['host', 'wasm'])('resuming on %s', backend => {
  it('goes on to the very numbers of the unbroken run', async () => {
    const common = { ...base, backend, policy: 'poly', epochs: 2 } as const;
    const whole = await run({ ...common, runDir: at(`whole-${backend}`) });
    const half = of(whole, 'snapshot')[0]!;
    expect(half.iter * 2).toBe(of(whole, 'start')[0]!.maxIter);
    const rest = await run({ ...common, seed: undefined, runDir: at(`rest-${backend}`), snapshot: half.state });
    expect(of(rest, 'start')[0]).toMatchObject({ iter: half.iter, resumed: half.state });
    expect(losses(rest)).toEqual(losses(whole).slice(half.iter));
    const tail = (events: TrainEvent[]) =>
      of(events, 'test')
        .map(e => e.outputs)
        .slice(-2);
    expect(tail(rest)).toEqual(tail(whole));
    expect(of(rest, 'iteration').at(-1)!.smoothedLoss).toBe(of(whole, 'iteration').at(-1)!.smoothedLoss);
    const [a, b] = [whole, rest].map(events => of(events, 'snapshot').at(-1)!.weights);
    expect(blobs(b!)).toEqual(blobs(a!));
  });
});

describe('by a solver', () => {
  const solverFile = () => at('solver.prototxt');
  const solver = (text: string) => {
    writeFileSync(
      solverFile(),
      `net: "net.prototxt" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 random_seed: 1 ${text}`,
    );
    return { solver: solverFile(), dataset, backend: 'host' } satisfies TrainOptions;
  };

  it('does what Caffe does, in its order', async () => {
    const options = solver(
      `max_iter: 5 display: 2 average_loss: 2 snapshot: 2 snapshot_prefix: "${at('s/c')}" test_iter: 1 test_interval: 3`,
    );
    const events = await run({ ...options, runDir: at('caffe') });
    const order = events.map(e => `${e.type} ${e.iter}`).filter(e => !/epoch|start/.test(e));
    expect(order).toEqual([
      'test 0',
      'iteration 0',
      'display 0',
      'iteration 1',
      'snapshot 2',
      'iteration 2',
      'display 2',
      'test 3',
      'iteration 3',
      'snapshot 4',
      'iteration 4',
      'display 4',
      'snapshot 5',
      'end 5',
    ]);
    const l = losses(events);
    expect(of(events, 'display')[1]!.smoothedLoss).toBeCloseTo((l[1]! + l[2]!) / 2, 6);
    expect(of(events, 'snapshot')[0]!.weights).toBe(join(at('caffe'), 'c_iter_2.caffemodel'));
  });

  it('keeps test_initialization and snapshot_after_train', async () => {
    const options = solver(
      'max_iter: 2 test_iter: 1 test_interval: 2 test_initialization: false snapshot_after_train: false',
    );
    const events = await run({ ...options, runDir: at('quiet') });
    expect(events.map(e => `${e.type} ${e.iter}`)).toEqual([
      'start 0',
      'iteration 0',
      'iteration 1',
      'test 2',
      'end 2',
    ]);
  });

  it('ends where the loss diverges, and keeps the last snapshot', async () => {
    const options = solver('max_iter: 50 snapshot: 1 clip_gradients: -1');
    writeFileSync(solverFile(), readFileSync(solverFile(), 'utf8').replace('0.05', '1e30'));
    const events = await run({ ...options, runDir: at('diverged') });
    const end = events.at(-1) as Of<'end'>;
    expect(end).toMatchObject({ type: 'end', reason: 'diverged' });
    expect(end.diagnostic).toMatchObject({ code: 'diverged' });
    expect(end.diagnostic!.message).toMatch(/iteration \d+, with learning rate 1e\+?30/);
    expect(end.diagnostic!.hint).toContain('base_lr');
    expect(existsSync(end.snapshot!.weights)).toBe(true);
    const bad = of(events, 'iteration').at(-1)!;
    expect(Number.isFinite(bad.loss)).toBe(false);
    expect(end.snapshot!.state).toContain(`_iter_${bad.iter}.solverstate`);
  });

  it('warns before it starts, and the log does not repeat the text', async () => {
    writeFileSync(at('zero.prototxt'), NET.replaceAll(/weight_filler \{[^}]*\}/g, ''));
    const events = await run({ ...base, net: at('zero.prototxt'), epochs: 1, runDir: at('zero') });
    expect(of(events, 'warning').map(e => e.diagnostic.code)).toContain('zero-weights');
    const line = readFileSync(join(at('zero'), 'log.jsonl'), 'utf8')
      .split('\n')
      .find(l => l.includes('zero-weights'))!;
    expect(line).not.toContain('SoftmaxWithLoss');
    expect(JSON.parse(line).diagnostic.location.source).toEqual({ name: at('zero.prototxt') });
  });

  it('ends with a snapshot when it is told to', async () => {
    const abort = new AbortController();
    const events: TrainEvent[] = [];
    for await (const event of train({ ...solver('max_iter: 1000'), runDir: at('aborted'), signal: abort.signal })) {
      events.push(event);
      if (event.type === 'iteration' && event.iter === 2) abort.abort();
    }
    const end = events.at(-1) as Of<'end'>;
    expect(end).toMatchObject({ reason: 'aborted', iter: 3 });
    expect(existsSync(end.snapshot!.state)).toBe(true);
    expect(end.snapshot!.state).toBe(join(at('aborted'), 'snapshot_iter_3.solverstate'));
  });
});

describe('data sets that do not fit', () => {
  it('refuses scores for fewer classes than the labels have', async () => {
    writeFileSync(
      at('one.prototxt'),
      NET.replace('num_output: 2', 'num_output: 1').replace(/layer { name: "dice".*\n/, ''),
    );
    const refused = await failure({ ...base, net: at('one.prototxt') });
    expect(refused.code).toBe('too-few-scores');
    expect(refused.message).toContain('scores for 1 class ("score"), and the data set phantom has 2');
  });

  it('trains without validation where nothing is held back, and a test there says why it cannot be', async () => {
    const none = at('nothing_held_back');
    const [images, contours] = ['challenge_training', 'Sunnybrook Cardiac MR Database ContoursPart3'];
    await createSunnybrook({ images: join(dataset, images), contours: join(dataset, contours), val: 0, out: none });
    expect(of(await run({ ...base, dataset: none, epochs: 1 }), 'test')).toEqual([]);
    const tested = await mokapot(['test', '--net', netFile, '--dataset', none, '--backend', 'host']);
    expect(tested.code).toBe(1);
    expect(tested.err).toContain('error[split-empty]');
  });
});

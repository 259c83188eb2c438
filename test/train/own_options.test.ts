/** Runs by the solver's own fields: as flags and in the solver file the same run, resumed the same bytes. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPhantom, type Manifest, openDataset } from '../../src/data/index.js';
import { parseSolver } from '../../src/schema/index.js';
import type { TrainEvent } from '../../src/train/events.js';
import { readLog, type TrainOptions, train } from '../../src/train/node/index.js';
import { loadSolverstate } from '../../src/weights/node/files.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';
import { ACCURACY, tinyNet } from './tiny_net.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

const NET =
  tinyNet(
    'layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" }\nlayer { name: "drop" type: "Dropout" bottom: "norm" top: "norm" }',
    'norm',
  ) + ACCURACY;
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

describe('early stopping and the best snapshot', () => {
  /** A rate of nearly 0: once BatchNorm has statistics, no test is better by 0.01. */
  const still: TrainOptions = { ...base, lr: 1e-9, minLr: 0, epochs: 6, earlyStopping: 'loss,2,0.01' };

  it('ends the run where tests get no better, with a snapshot, and says so', async () => {
    const dir = at('still');
    const events = await run({ ...still, runDir: dir });
    // Tests at iterations 0, 4, 8 and 12: two of them after the best.
    const end = events.at(-1)!;
    expect(end).toMatchObject({ type: 'end', reason: 'stopped', iter: 12, diagnostic: { code: 'early-stopping' } });
    expect((end as { diagnostic: { message: string } }).diagnostic.message).toMatch(
      /no less in 2 tests.*at iteration 4/,
    );
    expect(state(dir, 12).iter).toBe(12);
    const again = await run({ resume: dir });
    expect(again.filter(e => e.type === 'iteration')).toEqual([]);
    expect(again.at(-1)).toMatchObject({ type: 'end', reason: 'stopped', iter: 12 });
  });

  it('counts on after a stop, by snapshots before and after a test', async () => {
    for (const [type, iter] of [
      ['snapshot', 8],
      ['test', 8],
      ['iteration', 10],
    ] as const) {
      const dir = at(`still-${type}-${iter}`);
      await broken({ ...still, runDir: dir }, type, iter);
      expect((await run({ resume: dir })).at(-1)).toMatchObject({ reason: 'stopped', iter: 12 });
    }
  });

  it('min_delta and the direction tell what is better; the run goes on while tests are', async () => {
    const better = await run({
      ...base,
      ema: 0.5,
      lr: 0.02,
      epochs: 3,
      earlyStopping: 'loss:min,1',
      runDir: at('better'),
    });
    const losses = better.flatMap(e => (e.type === 'test' ? [e.loss!] : []));
    expect(losses.every((loss, i) => i === 0 || loss < losses[i - 1]!)).toBe(true);
    expect(better.at(-1)).toMatchObject({ reason: 'done' });
    const worse = await run({
      ...base,
      ema: 0.5,
      lr: 0.02,
      epochs: 3,
      earlyStopping: 'loss:max,1',
      runDir: at('worse'),
    });
    expect(worse.at(-1)).toMatchObject({ reason: 'stopped', iter: 4 });
  });

  it('keep_best of the solver file: a snapshot at the best test, where none is due', async () => {
    const dir = at('best-source');
    await run({ ...base, epochs: 1, runDir: dir });
    const solver = at('best.prototxt');
    const text = readFileSync(join(dir, 'solver.prototxt'), 'utf8');
    const net = at('best-source', 'network.prototxt');
    writeFileSync(
      solver,
      `${text.replace(/^(snapshot|test_interval|max_iter|net|lr_policy): .*$/gm, '')}
       net: "${net}" lr_policy: "fixed" snapshot: 0 test_interval: 3 max_iter: 8`.replace(
        'mokapot_param {',
        'mokapot_param { keep_best: "loss:max"',
      ),
    );
    const kept = at('kept');
    const events = await run({ solver, dataset: at('data'), backend: 'host', runDir: kept });
    const tests = events.flatMap(e => (e.type === 'test' && e.iter > 0 ? [[e.iter, e.loss!] as const] : []));
    expect(tests.map(([iter]) => iter)).toEqual([3, 6]);
    const written = events.flatMap(e => (e.type === 'snapshot' ? [e.iter] : []));
    // The test at the start has no snapshot, and so is not the best of any.
    expect(written).toEqual([3, ...(tests[1]![1] > tests[0]![1] ? [6] : []), 8]);
  });

  it('a new run from an ended one’s snapshot goes on; another output begins anew, also in the same folder', async () => {
    const dir = at('ended');
    await run({ ...still, runDir: dir });
    const snapshot = join(dir, 'snapshot_iter_12.solverstate');
    const anew = await run({ ...still, snapshot, runDir: at('anew') });
    expect(anew.at(-1)).toMatchObject({ reason: 'stopped', iter: 20 });
    const other = { ...still, earlyStopping: 'accuracy,9' };
    expect((await run({ ...other, snapshot, runDir: dir })).at(-1)).toMatchObject({ reason: 'done', iter: 24 });
  });

  it('a best accuracy is not held against a loss', async () => {
    const dir = at('best-of-another');
    const kept = { ...base, keepBest: 'accuracy:max' };
    await broken({ ...kept, runDir: dir }, 'iteration', 5);
    const bestOf = (iter: number) =>
      (state(dir, iter).resume as { progress: { best?: { by: string; iter: number } } }).progress.best;
    expect(bestOf(6)?.by).toBe('accuracy:max');
    await run({ resume: dir, keepBest: 'loss:min' });
    expect(bestOf(12)).toMatchObject({ by: 'loss:min', iter: 8 });
  });

  it('a test that is broken off in its second net counts once', async () => {
    const dir = at('two-nets');
    const head = `layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "constant" value: 1 } } }
      layer { name: "y" type: "DummyData" top: "y" dummy_data_param { shape { dim: 2 dim: 1 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 1 } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "y" top: "loss" }`;
    const solverText = `net_param { ${head} } test_state { stage: "a" } test_state { stage: "b" } test_iter: 1 test_iter: 1 test_interval: 2
      base_lr: 0.1 lr_policy: "fixed" max_iter: 4 mokapot_param { early_stopping { output: "loss:min" patience: 9 } }`;
    const abort = new AbortController();
    const options = { solverText, backend: 'host', runDir: dir, signal: abort.signal } as const;
    await run(options, event => {
      if (event.type === 'test' && event.iter === 2 && event.net === 0) abort.abort();
    });
    const progress = (state(dir, 2).resume as { progress: { isTested: boolean; stopping: { tests: number } } })
      .progress;
    // Of the test at the start alone.
    expect(progress).toMatchObject({ isTested: false, stopping: { tests: 0, best: { iter: 0 } } });
  });

  it('an output that no test has is refused before the run begins', async () => {
    const args = ['train', '--net', at('net.prototxt'), '--dataset', at('data'), '--epochs', '1', '--backend', 'host'];
    const wrong = await mokapot([...args, '--out', at('wrong'), '--early-stopping', 'recall,3']);
    expect(wrong).toMatchObject({
      code: 1,
      err: expect.stringContaining('"recall" names no output of a test to stop by'),
    });
    const text = await mokapot([...args, '--out', at('wrong'), '--early-stopping', 'loss,zero']);
    expect(text).toMatchObject({ code: 1, err: expect.stringContaining('does not say when to stop') });
    expect(existsSync(at('wrong'))).toBe(false);
  });
});

describe('class weights and oversampling', () => {
  const more: TrainOptions = { ...base, classWeights: 'auto', oversample: ['1=1.5'], epochs: 2 };

  it('are told, stand in the solver file, and a resumed run goes on with the very same entries', async () => {
    const [whole, part] = [at('more-whole'), at('more-part')];
    const [start] = await run({ ...more, runDir: whole });
    expect(start).toMatchObject({ type: 'start', classWeights: [expect.any(Number), expect.any(Number)] });
    const { entries, iterationsPerEpoch, classWeights } = start as Extract<TrainEvent, { type: 'start' }>;
    const manifest = JSON.parse(readFileSync(at('data', 'manifest.json'), 'utf8')) as Manifest;
    const [all, one] = [
      manifest.splits.train.classPixels.reduce((a, b) => a + b, 0),
      manifest.splits.train.classPixels[1]!,
    ];
    expect(classWeights![1]).toBeCloseTo((0.5 * all) / one, 3);
    const split = await (await openDataset(at('data'))).split('train');
    let withOne = 0;
    for (let i = 0; i < split.size; i++) if ((await split.entry(i)).label.includes(1)) withOne++;
    expect(entries).toBe(split.size + Math.round(withOne / 2));
    expect(iterationsPerEpoch).toBe(Math.ceil(entries! / 2));
    const stop = iterationsPerEpoch! + 1;
    await broken({ ...more, runDir: part }, 'iteration', stop);
    await run({ resume: part });
    expect(logged(part)).toEqual(logged(whole));
    const name = `snapshot_iter_${2 * iterationsPerEpoch!}.caffemodel`;
    expect(bytes(part, name)).toBe(bytes(whole, name));
    const text = readFileSync(join(whole, 'solver.prototxt'), 'utf8');
    expect(parseSolver(text).message.mokapot_param).toMatchObject({
      class_weights: 'auto',
      oversample: [{ class: '1', factor: 1.5 }],
    });
  });

  it('classes that are not there are refused by name', async () => {
    const args = ['train', '--net', at('net.prototxt'), '--dataset', at('data'), '--epochs', '1', '--backend', 'host'];
    const ran = await mokapot([...args, '--out', at('none'), '--oversample', 'atrium=3']);
    expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/has no class "atrium"[\s\S]*There are: 0 \(/) });
    const bad = await mokapot([...args, '--out', at('none'), '--oversample', '1']);
    expect(bad).toMatchObject({ code: 1, err: expect.stringContaining('does not say what to read more often') });
    const three = await mokapot([...args, '--out', at('none'), '--class-weights', '1,2,3']);
    expect(three).toMatchObject({ code: 1, err: expect.stringContaining('class_weighting') });
    const much = await mokapot([...args, '--out', at('none'), '--oversample', '1=1e10']);
    expect(much).toMatchObject({ code: 1, err: expect.stringContaining('from 1 to 1000') });
  });
});

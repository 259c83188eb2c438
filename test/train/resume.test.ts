/** Run folders: each of one run; what was broken off goes on to the very files of the unbroken run. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPhantom } from '../../src/data/index.js';
import { MokapotError } from '../../src/diagnostics/index.js';
import { FolderLock, LOCK_FILE, thisOwner } from '../../src/files/index.js';
import type { TrainEvent } from '../../src/train/events.js';
import { newRunDir, readLog, type TrainOptions, train } from '../../src/train/node/index.js';
import { loadSolverstate } from '../../src/weights/node/files.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';
import { ACCURACY, DROP, tinyNet } from './tiny_net.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

const NET = tinyNet(DROP) + ACCURACY;
/** 8 entries to train on: an epoch of 4 iterations. */
const base: TrainOptions = {
  net: at('net.prototxt'),
  dataset: at('data'),
  epochs: 3,
  lr: 0.05,
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

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const thrown: unknown = await promise.then(
    () => undefined,
    cause => cause,
  );
  expect(thrown).toBeInstanceOf(MokapotError);
  return (thrown as MokapotError).diagnostics[0]!.code;
}

/** A run that ends after an iteration, as Ctrl-C does. */
async function broken(options: TrainOptions, type: TrainEvent['type'], iter: number): Promise<void> {
  const abort = new AbortController();
  const events = await run({ ...options, signal: abort.signal }, event => {
    if (event.type === type && event.iter === iter) abort.abort();
  });
  expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'aborted' });
}

/** What a log holds of the run itself, without times, paths and the marks of its beginnings and ends. */
function logged(runDir: string): unknown[] {
  return readLog(join(runDir, 'log.jsonl'))
    .filter(e => ['iteration', 'display', 'test', 'epoch'].includes(e.type))
    .map(e => ({ ...e, seconds: 0, secondsLeft: 0, imagesPerSecond: 0, waited: 0 }));
}

const bytes = (runDir: string, name: string) => readFileSync(join(runDir, name)).toString('base64');

describe('--resume', () => {
  it.each([
    ['iteration', 5],
    ['test', 4],
    ['snapshot', 8],
  ] as const)('after a stop at %s %i: files and log as of the unbroken run', async (type, iter) => {
    const [whole, part] = [at(`whole-${type}-${iter}`), at(`part-${type}-${iter}`)];
    await run({ ...base, runDir: whole });
    await broken({ ...base, runDir: part }, type, iter);
    const rest = await run({ resume: part });
    expect(rest[0]).toMatchObject({ type: 'start', resumed: expect.stringContaining('solverstate') });
    expect(logged(part)).toEqual(logged(whole));
    expect(bytes(part, 'snapshot_iter_12.caffemodel')).toBe(bytes(whole, 'snapshot_iter_12.caffemodel'));
    const state = (dir: string) => ({ ...loadSolverstate(join(dir, 'snapshot_iter_12.solverstate')), learned_net: '' });
    expect(state(part)).toEqual(state(whole));
    expect(existsSync(join(part, LOCK_FILE))).toBe(false);
  });

  it('of a run that had no snapshot yet begins it anew, and of one that is done does nothing', async () => {
    const dir = at('early');
    await run({ ...base, runDir: dir });
    const first = bytes(dir, 'snapshot_iter_12.solverstate');
    for (const name of readdirSync(dir).filter(n => n.includes('_iter_'))) rmSync(join(dir, name));
    await run({ resume: dir });
    expect(bytes(dir, 'snapshot_iter_12.solverstate')).toBe(first);
    const again = await run({ resume: dir });
    expect(again.filter(e => e.type === 'iteration')).toEqual([]);
    expect(again.at(-1)).toMatchObject({ type: 'end', reason: 'done', iter: 12 });
  });

  it('passes over a damaged snapshot, and clears weights that have no state and what dead processes left', async () => {
    const dir = at('damaged');
    await run({ ...base, runDir: dir });
    const last = bytes(dir, 'snapshot_iter_12.solverstate');
    writeFileSync(join(dir, 'snapshot_iter_12.caffemodel'), 'x');
    writeFileSync(join(dir, 'snapshot_iter_11.caffemodel'), 'x');
    const { pid } = spawnSync('true');
    const [machine = ''] = thisOwner().split('-');
    const leftover = `x.mokapot-${machine}-${pid}-1-00000000.tmp`;
    writeFileSync(join(dir, leftover), '');
    const events = await run({ resume: dir });
    expect(events[0]).toMatchObject({ type: 'start', iter: 8 });
    expect(bytes(dir, 'snapshot_iter_12.solverstate')).toBe(last);
    expect(readdirSync(dir)).not.toContain('snapshot_iter_11.caffemodel');
    expect(readdirSync(dir)).not.toContain(leftover);
  });

  it('refuses what is no run, a net that has changed, other options beside it', async () => {
    mkdirSync(at('none'));
    expect(await codeOf(run({ resume: at('none') }))).toBe('no-run');
    expect(await codeOf(run({ resume: at('nowhere') }))).toBe('no-run');
    expect(existsSync(at('nowhere'))).toBe(false);
    const net = at('changing.prototxt');
    writeFileSync(net, NET);
    await run({ ...base, net, epochs: 1, runDir: at('changed') });
    writeFileSync(net, NET.replace('num_output: 2', 'num_output: 3'));
    expect(await codeOf(run({ resume: at('changed') }))).toMatch(/run-changed|history-shape/);
    const ran = await mokapot(['train', '--resume', at('changed'), '--lr', '1']);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('--lr has no place beside --resume') });
  });
});

describe("a run's folder", () => {
  it('belongs to one run: a used one is refused with the two ways on, one in use too', async () => {
    const dir = at('one');
    await run({ ...base, epochs: 1, runDir: dir });
    const before = readFileSync(join(dir, 'log.jsonl'), 'utf8');
    const ran = await mokapot([
      'train',
      '--net',
      at('net.prototxt'),
      '--dataset',
      at('data'),
      '--epochs',
      '1',
      '--out',
      dir,
    ]);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/holds a run already[\s\S]*--resume[\s\S]*--out DIR/);
    const lock = FolderLock.take(dir)!;
    expect(await codeOf(run({ resume: dir }))).toBe('run-folder-busy');
    expect(FolderLock.take(dir)).toBeUndefined();
    lock.release();
    expect(readFileSync(join(dir, 'log.jsonl'), 'utf8')).toBe(before);
  });

  it('is free when the owner of its lock is dead, or its number is another process by now', async () => {
    const dir = at('dead');
    mkdirSync(dir);
    const [machine, pid] = thisOwner().split('-');
    const { pid: gone } = spawnSync('true');
    for (const owner of [`${machine}-${gone}-1`, `${machine}-${pid}-1`]) {
      writeFileSync(join(dir, LOCK_FILE), owner);
      const lock = FolderLock.take(dir);
      expect(lock).toBeDefined();
      expect(readFileSync(join(dir, LOCK_FILE), 'utf8')).toBe(thisOwner());
      lock!.release();
      expect(readdirSync(dir)).toEqual([]);
    }
  });

  it('is not left where a run never began; default names are unique', async () => {
    expect(await codeOf(run({ ...base, net: at('no.prototxt'), runDir: at('never') }))).toBe('file-unreadable');
    expect(existsSync(at('never'))).toBe(false);
    const made = [1, 2, 3].map(() => newRunDir(at('runs', 'tiny')));
    expect(made).toEqual([at('runs', 'tiny'), at('runs', 'tiny-2'), at('runs', 'tiny-3')]);
  });

  it('keeps the newest snapshots and the best by an output', async () => {
    const dir = at('keep');
    const events = await run({ ...base, epochs: 6, runDir: dir, keepSnapshots: 2, keepBest: 'loss' });
    const losses = events.flatMap(e => (e.type === 'test' && e.iter > 0 ? [[e.iter, e.loss!] as const] : []));
    const best = losses.reduce((a, b) => (b[1] < a[1] ? b : a))[0];
    const kept = readdirSync(dir).filter(n => n.endsWith('.solverstate'));
    expect(new Set(kept)).toEqual(new Set([best, 20, 24].map(n => `snapshot_iter_${n}.solverstate`)));
    expect(readdirSync(dir).filter(n => n.endsWith('.caffemodel'))).toHaveLength(kept.length);
    expect(await codeOf(run({ ...base, runDir: at('k2'), keepBest: 'recall' }))).toBe('keep-best');
    expect(await codeOf(run({ ...base, runDir: at('k3'), keepSnapshots: 0 }))).toBe('bad-count');
  });
});

it('refuses weights of another run beside a state', async () => {
  const [a, b] = [at('mine'), at('theirs')];
  await run({ ...base, epochs: 1, runDir: a });
  await run({ ...base, epochs: 1, seed: 9, runDir: b });
  copyFileSync(join(b, 'snapshot_iter_4.caffemodel'), join(a, 'snapshot_iter_4.caffemodel'));
  const snapshot = join(a, 'snapshot_iter_4.solverstate');
  expect(await codeOf(run({ ...base, epochs: 2, snapshot, runDir: at('mixed') }))).toBe('foreign-weights');
});

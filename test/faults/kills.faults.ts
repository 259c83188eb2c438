/** Kills at random moments: nothing is lost, no file is half written, and what goes on comes to the unbroken run's files. */

import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyDataset } from '../../src/data/index.js';
import { readLog } from '../../src/train/node/index.js';
import { loadSolverstate, loadWeights } from '../../src/weights/node/files.js';
import { temporaryFolder } from '../data/temporary.js';
import { isBuilt, KILLS, killed, leftovers, Moments, project, run, SEED, TRAIN } from './command.js';

const folder = temporaryFolder();
const share = (part: number) => Math.max(1, Math.round(KILLS * part));
let done = 0;

beforeAll(() => project(folder));
beforeAll(() => console.log(`Kills: ${KILLS}, FAULTS_SEED=${SEED}`));
afterAll(() => console.log(`${done} kills met a running process.`));

/** Every file of weights or of a state in a folder can be read whole. */
function expectWhole(runDir: string): void {
  for (const name of readdirSync(runDir)) {
    const path = join(runDir, name);
    if (/\.caffemodel$/.test(name)) expect(loadWeights(path).layers.size, path).toBeGreaterThan(0);
    if (/\.solverstate$/.test(name)) {
      expect(loadSolverstate(path).iter, path).toBeGreaterThan(0);
      expect(existsSync(path.replace('solverstate', 'caffemodel')), path).toBe(true);
    }
    if (name === 'log.jsonl') {
      const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
      expect(readLog(path)).toHaveLength(lines.length);
    }
  }
}

/** What a log holds of the run itself, without times. */
function logged(runDir: string): unknown[] {
  return readLog(join(runDir, 'log.jsonl'))
    .filter(e => ['iteration', 'display', 'test', 'epoch'].includes(e.type))
    .map(e => ({ ...e, seconds: 0, secondsLeft: 0, imagesPerSecond: 0, waited: 0 }));
}

/** Trains, kills, goes on, kills, …, until `count` kills met it; each run that came to its end is compared. */
async function trainingKills(solver: string, last: number, count: number, seed: number): Promise<void> {
  const fresh = ['train', '--solver', solver, '--out', 'run', ...TRAIN];
  const at = (dir: string) => join(folder, dir);
  const whole = await run(fresh, folder);
  expect(whole.err).toBe('');
  rmSync(at('whole'), { recursive: true, force: true });
  cpSync(at('run'), at('whole'), { recursive: true });
  rmSync(at('run'), { recursive: true });
  const moments = new Moments(seed, whole.time);
  let [kills, rounds] = [0, 0];
  const canResume = () => existsSync(join(at('run'), 'run.json'));
  const finish = async () => {
    const ended = await run(canResume() ? ['train', '--resume', 'run'] : fresh, folder);
    expect([ended.code, ended.err]).toEqual([0, '']);
    for (const kind of ['caffemodel', 'solverstate']) {
      const [a, b] = ['run', 'whole'].map(dir => readFileSync(join(at(dir), `snapshot_iter_${last}.${kind}`)));
      expect(a!.equals(b!), `${kind} after ${kills} kills`).toBe(true);
    }
    expect(logged(at('run'))).toEqual(logged(at('whole')));
    expect(leftovers(at('run'))).toEqual([]);
    expect(readdirSync(at('run')).sort()).toEqual(readdirSync(at('whole')).sort());
    rmSync(at('run'), { recursive: true });
  };
  while (kills < count) {
    const met = await killed(canResume() ? ['train', '--resume', 'run'] : fresh, folder, moments.next());
    if (met) [kills, done] = [kills + 1, done + 1];
    if (existsSync(at('run'))) expectWhole(at('run'));
    if (++rounds % 4 === 0 || (!met && existsSync(at('run')))) await finish();
  }
  await finish();
}

/** Kills a command that makes one file: the file is as it was or as it is to be, and the next run leaves nothing else. */
async function fileKills(argv: readonly string[], out: string, count: number, seed: number): Promise<void> {
  const dir = join(folder, out.split('/')[0]!);
  mkdirSync(dir, { recursive: true });
  const path = join(folder, out);
  const first = await run(argv, folder);
  expect([first.code, first.err]).toEqual([0, '']);
  const wanted = readFileSync(path);
  const moments = new Moments(seed, first.time);
  const older = Buffer.from('what was there before');
  for (let kills = 0; kills < count; ) {
    writeFileSync(path, older);
    if (await killed(argv, folder, moments.next())) [kills, done] = [kills + 1, done + 1];
    const now = readFileSync(path);
    expect(now.equals(older) || now.equals(wanted), `after ${kills} kills`).toBe(true);
  }
  expect((await run(argv, folder)).code).toBe(0);
  expect(readFileSync(path).equals(wanted)).toBe(true);
  expect(leftovers(dir)).toEqual([]);
}

describe.skipIf(!isBuilt)('kills of', () => {
  it('train', () => trainingKills('solver.prototxt', 120, share(0.4), SEED));

  it('snapshots, one at each iteration', () => trainingKills('often.prototxt', 60, share(0.2), SEED + 1));

  it('dataset create, over an older set', async () => {
    const set = join(folder, 'set');
    const argv = (seed: number) => [
      'dataset',
      'create',
      'phantom',
      '--count',
      '40',
      '--size',
      '64',
      '--seed',
      `${seed}`,
      '--out',
      'set',
    ];
    const first = await run(argv(1), folder);
    expect([first.code, first.err]).toEqual([0, '']);
    const moments = new Moments(SEED + 2, first.time);
    for (let kills = 0; kills < share(0.16); ) {
      if (await killed(argv(2 + (kills % 2)), folder, moments.next())) [kills, done] = [kills + 1, done + 1];
      // A kill between the decision and its end is made good by the next reader or writer.
      expect((await verifyDataset(set)).problems, `after ${kills} kills`).toEqual([]);
    }
    expect((await run(argv(4), folder)).code).toBe(0);
    expect(leftovers(set)).toEqual([]);
  });

  it('convert', async () => {
    await weights();
    const argv = [
      'convert',
      '--net',
      'deploy.prototxt',
      '--weights',
      'w.caffemodel',
      '--to',
      'onnx',
      '--out',
      'onnx/m.onnx',
    ];
    await fileKills(argv, 'onnx/m.onnx', share(0.12), SEED + 3);
  });

  it('transplant', async () => {
    await weights();
    const argv = [
      'transplant',
      '--weights',
      'w.caffemodel',
      '--to',
      'deploy.prototxt',
      '--out',
      'grafted/m.caffemodel',
    ];
    await fileKills(argv, 'grafted/m.caffemodel', share(0.12), SEED + 4);
  });
});

/** Weights of a short training. */
async function weights(): Promise<void> {
  const path = join(folder, 'w.caffemodel');
  if (existsSync(path)) return;
  const ran = await run(['train', '--solver', 'often.prototxt', '--max-iter', '2', '--out', 'short', ...TRAIN], folder);
  expect([ran.code, ran.err]).toEqual([0, '']);
  copyFileSync(join(folder, 'short', 'snapshot_iter_2.caffemodel'), path);
}

/** Snapshots where the solver's snapshot_prefix says, beside those in the run's folder. */

import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TrainEvent } from '../../src/train/index.js';
import { type TrainOptions, train } from '../../src/train/node/index.js';
import { project } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();
let runs = 0;

/** The case's network and pictures in a folder of their own, with the solver's fields changed. */
function solverIn(change: (text: string) => string): { dir: string; solver: string } {
  const dir = join(folder, `prefix-${++runs}`);
  cpSync(project('test/cases/snapshot-prefix-ignored/models/x'), dir, { recursive: true });
  for (const name of ['net.prototxt', 'solver.prototxt', 'list.txt']) {
    const text = readFileSync(join(dir, name), 'utf8').replaceAll('models/x/', name === 'list.txt' ? `${dir}/` : '');
    writeFileSync(join(dir, name), name === 'solver.prototxt' ? change(text) : text);
  }
  mkdirSync(join(dir, 'snap'));
  return { dir, solver: join(dir, 'solver.prototxt') };
}

async function events(options: TrainOptions): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of train({ backend: 'host', seed: 1, ...options })) all.push(event);
  return all;
}

const snapshots = (dir: string) => readdirSync(dir).filter(name => name.includes('_iter_'));

describe('snapshot_prefix', () => {
  it('is where the files stand too, and a run can start from them after its folder is gone', async () => {
    const { dir, solver } = solverIn(text => text);
    const told = await events({ solver, runDir: join(dir, 'run') });
    const snapshot = told.find(e => e.type === 'snapshot')!;
    expect(snapshot).toMatchObject({ placed: { weights: join(dir, 'snap', '_iter_2.caffemodel') } });
    const [own, placed] = [snapshot, snapshot.placed!].map(f => readFileSync(f.weights));
    expect(own!.equals(placed!)).toBe(true);
    rmSync(join(dir, 'run'), { recursive: true });
    const rest = await events({ solver, snapshot: snapshot.placed!.state, maxIter: 4, runDir: join(dir, 'next') });
    expect(rest.at(-1)).toMatchObject({ type: 'end', reason: 'done', iter: 4 });
  });

  it('has the newest run’s files, and every run keeps its own', async () => {
    const { dir, solver } = solverIn(text => text);
    await events({ solver, runDir: join(dir, 'one') });
    await events({ solver, runDir: join(dir, 'two'), seed: 2 });
    const read = (path: string) => readFileSync(join(dir, path)).toString('base64');
    expect(read('one/snap_iter_2.caffemodel')).not.toBe(read('two/snap_iter_2.caffemodel'));
    expect(read('snap/_iter_2.caffemodel')).toBe(read('two/snap_iter_2.caffemodel'));
  });

  it('are copies: who writes there in place, as Caffe does, changes no run', async () => {
    const { dir, solver } = solverIn(text => text);
    await events({ solver, runDir: join(dir, 'run') });
    const own = readFileSync(join(dir, 'run', 'snap_iter_2.caffemodel'));
    writeFileSync(join(dir, 'snap', '_iter_2.caffemodel'), 'garbage');
    expect(readFileSync(join(dir, 'run', 'snap_iter_2.caffemodel')).equals(own)).toBe(true);
  });

  it('in another run’s folder changes nothing there, and is told', async () => {
    const { dir, solver } = solverIn(text =>
      text.replace('snapshot_prefix: "snap/"', `snapshot_prefix: "${join(folder, `prefix-${runs}`)}/one/s"`),
    );
    await events({ solver, runDir: join(dir, 'one') });
    const own = readFileSync(join(dir, 'one', 's_iter_2.caffemodel'));
    const told = await events({ solver, runDir: join(dir, 'two'), seed: 2, keepSnapshots: 1, maxIter: 4 });
    expect(readFileSync(join(dir, 'one', 's_iter_2.caffemodel')).equals(own)).toBe(true);
    const warnings = told.filter(e => e.type === 'warning').map(e => e.diagnostic.message);
    expect(warnings).toEqual([expect.stringMatching(/lies in the folder of another run/)]);
  });

  it('keeps another run’s snapshots of the same names where this one’s old ones are removed', async () => {
    const { dir, solver } = solverIn(text =>
      text.replace('snapshot: 2', 'snapshot: 1').replace('max_iter: 2', 'max_iter: 3'),
    );
    await events({ solver, runDir: join(dir, 'one'), keepSnapshots: 1 });
    await events({ solver, runDir: join(dir, 'two'), seed: 2 });
    const theirs = readFileSync(join(dir, 'snap', '_iter_3.caffemodel'));
    await events({ resume: join(dir, 'one'), maxIter: 5 });
    expect(snapshots(join(dir, 'snap'))).toEqual(
      expect.arrayContaining(['_iter_1.caffemodel', '_iter_2.caffemodel', '_iter_5.caffemodel']),
    );
    expect(theirs.equals(readFileSync(join(dir, 'two', 'snap_iter_3.caffemodel')))).toBe(true);
  });

  it('follows --keep-snapshots and --resume', async () => {
    const { dir, solver } = solverIn(text =>
      text.replace('snapshot: 2', 'snapshot: 1').replace('max_iter: 2', 'max_iter: 5'),
    );
    const run = join(dir, 'run');
    await events({ solver, runDir: run, keepSnapshots: 2 });
    expect(snapshots(join(dir, 'snap')).sort()).toEqual([
      ...['_iter_4.caffemodel', '_iter_4.solverstate', '_iter_5.caffemodel', '_iter_5.solverstate'],
    ]);
    for (const name of snapshots(join(dir, 'snap'))) rmSync(join(dir, 'snap', name));
    await events({ resume: run, maxIter: 6 });
    expect(snapshots(join(dir, 'snap'))).toEqual(expect.arrayContaining(['_iter_5.caffemodel', '_iter_6.caffemodel']));
  });

  it.skipIf(process.getuid?.() === 0)('that may not be written is a warning, and the run goes on', async () => {
    const { dir, solver } = solverIn(text => text);
    chmodSync(join(dir, 'snap'), 0o500);
    await expectWarned(solver, dir);
  });

  it('that lies behind a file is a warning, and the run goes on', async () => {
    const { dir, solver } = solverIn(text => text.replace('snap/', 'list.txt/'));
    await expectWarned(solver, dir);
  });

  it('in the run’s own folder changes nothing', async () => {
    const { dir, solver } = solverIn(text => text.replace('snap/', `${join(folder, `prefix-${runs}`)}/run/here`));
    const told = await events({ solver, runDir: join(dir, 'run') });
    expect(told.find(e => e.type === 'snapshot')).not.toHaveProperty('placed');
    expect(snapshots(join(dir, 'run'))).toEqual(['here_iter_2.caffemodel', 'here_iter_2.solverstate']);
  });
});

async function expectWarned(solver: string, dir: string): Promise<void> {
  const told = await events({ solver, runDir: join(dir, 'run') });
  const warnings = told.filter(e => e.type === 'warning').map(e => e.diagnostic);
  expect(warnings).toMatchObject([
    { severity: 'warning', hint: expect.stringContaining('The snapshot itself is whole') },
  ]);
  expect(told.at(-1)).toMatchObject({ type: 'end', reason: 'done' });
}

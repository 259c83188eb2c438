/** Full disks, readers that go, terminals that go, two runs at once: what was learnt is kept, and nobody is misled. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLog } from '../../src/train/node/index.js';
import { loadSolverstate, loadWeights } from '../../src/weights/node/files.js';
import { temporaryFolder } from '../data/temporary.js';
import { BIN, isBuilt, leftovers, project, run, start, TRAIN } from './command.js';

const folder = temporaryFolder();
const SOLVER = ['train', '--solver', 'solver.prototxt', ...TRAIN];

beforeAll(() => project(folder));

const shell = (script: string) => spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
const command = (argv: readonly string[]) => [process.execPath, BIN, ...argv].map(arg => `'${arg}'`).join(' ');

/** The snapshots of a run, each of which can be read. */
function snapshots(runDir: string): number[] {
  const states = readdirSync(runDir).filter(name => name.endsWith('.solverstate'));
  return states.map(name => {
    loadWeights(join(runDir, name.replace('solverstate', 'caffemodel')));
    return loadSolverstate(join(runDir, name)).iter;
  });
}

describe.skipIf(!isBuilt)('a full disk', () => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status === 0;
  afterAll(() => void (mounted && spawnSync('umount', [disk])));

  it.skipIf(!mounted)('ends training with a sentence, and what was written before it is whole', async () => {
    const often = ['train', '--solver', 'often.prototxt', ...TRAIN, '--out', 'disk/run'];
    const ran = await run(often, folder);
    expect(ran.code).toBe(1);
    expect(ran.err + ran.out).toMatch(/the disk is full/);
    expect(ran.err).not.toMatch(/bug/);
    expect(snapshots(join(disk, 'run')).length).toBeGreaterThan(0);
    expect(leftovers(disk)).toEqual([]);
  });

  it('or a limit on the size of files: a data set that cannot be written leaves nothing', () => {
    const argv = ['dataset', 'create', 'phantom', '--count', '40', '--size', '64', '--out', 'limited'];
    const ran = shell(`ulimit -f 8; ${command(argv)}`);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/larger than the system allows|the disk is full/);
    expect(existsSync(join(folder, 'limited')) ? readdirSync(join(folder, 'limited')) : []).toEqual([]);
  });
});

describe.skipIf(!isBuilt)('who listens goes', () => {
  it('a broken pipe: training goes on to its log, and to its end', () => {
    const ran = shell(`${command([...SOLVER, '--out', 'piped'])} | head -n 1; exit \${PIPESTATUS[0]}`);
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    const events = readLog(join(folder, 'piped', 'log.jsonl'));
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'done', iter: 120 });
    expect(snapshots(join(folder, 'piped'))).toContain(120);
  });

  it.each(['SIGHUP', 'SIGTERM', 'SIGINT'] as const)(
    '%s: training ends in order with a snapshot, and goes on',
    async signal => {
      const dir = `by-${signal}`;
      const { child, ended } = start([...SOLVER, '--json', '--out', dir], folder);
      child.stdout!.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"type":"iteration"')) child.kill(signal);
      });
      expect((await ended).code).toBe(130);
      const at = join(folder, dir);
      expect(readLog(join(at, 'log.jsonl')).at(-1)).toMatchObject({ type: 'end', reason: 'aborted' });
      expect(snapshots(at).length).toBeGreaterThan(0);
      expect((await run(['train', '--resume', dir], folder)).code).toBe(0);
      expect(snapshots(at)).toContain(120);
      expect(leftovers(at)).toEqual([]);
    },
  );
});

describe.skipIf(!isBuilt)('runs at once', () => {
  it('in one folder: one has it, the others are refused', async () => {
    const all = await Promise.all([1, 2, 3].map(() => run([...SOLVER, '--out', 'shared'], folder)));
    expect(all.map(({ code }) => code).sort()).toEqual([0, 1, 1]);
    for (const { err } of all.filter(({ code }) => code === 1)) expect(err).toMatch(/run-folder-(busy|used)/);
    expect(snapshots(join(folder, 'shared'))).toContain(120);
  });

  it('without a name for it: each has a folder of its own', async () => {
    const argv = [...SOLVER, '--max-iter', '3'];
    const all = await Promise.all([1, 2, 3].map(() => run(argv, folder)));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    const made = readdirSync(join(folder, 'runs'));
    expect(made).toHaveLength(3);
    for (const name of made) {
      expect(snapshots(join(folder, 'runs', name))).toEqual([3]);
      expect(readFileSync(join(folder, 'runs', name, 'log.jsonl'), 'utf8')).toContain('"reason":"done"');
    }
  });
});

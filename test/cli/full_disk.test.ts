/** A full disk: output that was cut fails, a run whose log cannot be written goes on with a snapshot, and no kill loses a data set. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileOut } from '../../src/cli/io.js';
import { createPhantom, openDataset, verifyDataset } from '../../src/data/index.js';
import { train } from '../../src/train/node/index.js';
import { temporaryFolder } from '../data/temporary.js';
import { project } from './cli.js';

const folder = temporaryFolder();
const BIN = project('bin/mokapot');
const isBuilt = existsSync(project('dist/src/cli/main.js'));

describe('standard output', () => {
  it('that cannot be written is told once, and what follows dropped', () => {
    const causes: unknown[] = [];
    const out = fileOut(openSync('/dev/full', 'w'), cause => causes.push(cause));
    expect([out.write('one'), out.write('two')]).toEqual([false, false]);
    expect(causes).toMatchObject([{ code: 'ENOSPC' }]);
  });

  it
    .skipIf(!isBuilt)
    .each([['summary', 'networks/fcn_small.prototxt'], ['check', 'networks/fcn_small.prototxt'], ['--help']])(
    'of %s on a full disk: 1, with a sentence',
    (...args) => {
      const argv = args.map(a => (a.includes('/') ? project(a) : a));
      const { status, stderr } = spawnSync(process.execPath, [BIN, ...argv], {
        stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
      });
      expect(status).toBe(1);
      expect(stderr.toString()).toMatch(/^error\[stdout-cut\]: Cannot write standard output: the disk is full\.$/m);
      expect(stderr.toString()).not.toMatch(/bug/);
    },
  );
});

describe('a log that cannot be written', () => {
  it('is told when it happens, and a snapshot is taken', async () => {
    const data = join(folder, 'data');
    await createPhantom({ count: 8, size: 32, out: data });
    const run = join(folder, 'run');
    mkdirSync(run);
    symlinkSync('/dev/full', join(run, 'log.jsonl'));
    const events: string[] = [];
    const diagnostics: string[] = [];
    const work = async () => {
      for await (const event of train({
        net: project('networks/fcn_small.prototxt'),
        dataset: data,
        epochs: 1,
        runDir: run,
        backend: 'host',
      })) {
        events.push(event.type);
        if (event.type === 'warning') diagnostics.push(event.diagnostic.message);
      }
    };
    // Told again at the end, for the log is not whole.
    await expect(work()).rejects.toThrow(/Cannot write .*log\.jsonl: the disk is full/);
    expect(diagnostics.filter(d => /log\.jsonl: the disk is full/.test(d))).toHaveLength(1);
    expect(events.at(-1)).toBe('end');
    expect(readdirSync(run).some(name => name.endsWith('.caffemodel'))).toBe(true);
  }, 60_000);
});

describe.skipIf(!isBuilt)('dataset create', () => {
  it('loses nothing when it is killed, and cleans up at its next run', async () => {
    const set = join(folder, 'killed');
    await createPhantom({ count: 8, size: 32, seed: 1, out: set });
    const argv = ['dataset', 'create', 'phantom', '--count', '60', '--size', '96', '--seed', '2', '--out', set];
    for (const delay of [600, 900, 1200, 1600]) {
      const child = spawn(process.execPath, [BIN, ...argv], { stdio: 'ignore' });
      const ended = new Promise(resolve => child.on('exit', resolve));
      await new Promise(resolve => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await ended;
      const dataset = await openDataset(set);
      const { train: t, val } = dataset.manifest.splits;
      await dataset.close();
      expect([8, 60]).toContain(t.count + val.count);
      expect((await verifyDataset(set)).problems).toEqual([]);
    }
    await createPhantom({ count: 8, size: 32, seed: 3, out: set });
    expect(readdirSync(set).filter(name => name.includes('.tmp'))).toEqual([]);
  }, 120_000);
});

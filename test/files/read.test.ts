/** Reading: regular files only, folders without circles; lines of a log; owners. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isDead, LineLog, readRegular, readRegularSync, thisOwner, walkFolder } from '../../src/files/index.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();

describe('a regular file is wanted', () => {
  it.skipIf(process.platform === 'win32')('where a FIFO, a device or a folder is', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const [path, what] of [
      [pipe, 'a FIFO (named pipe)'],
      ['/dev/zero', 'a device'],
      [folder, 'a folder'],
    ] as const) {
      await expect(readRegular(path)).rejects.toThrow(`it is ${what}, and a regular file is wanted`);
      expect(() => readRegularSync(path)).toThrow(`it is ${what}`);
    }
  });

  it('is read', async () => {
    writeFileSync(join(folder, 'x'), 'text');
    symlinkSync('x', join(folder, 'link'));
    expect((await readRegular(join(folder, 'link'))).toString()).toBe('text');
    await expect(readRegular(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a folder is walked', () => {
  it('through links, but not in circles', async () => {
    const root = join(folder, 'tree');
    mkdirSync(join(root, 'sub', 'deep'), { recursive: true });
    for (const name of ['b.png', 'a.png', 'sub/c.png', 'sub/deep/d.png']) writeFileSync(join(root, name), '');
    symlinkSync('.', join(root, 'loop1'));
    symlinkSync('.', join(root, 'loop2'));
    symlinkSync('../..', join(root, 'sub', 'deep', 'up'));
    symlinkSync('sub/deep', join(root, 'twin'));
    symlinkSync('nothing', join(root, 'dangling'));
    const { files, loops } = await walkFolder(root);
    expect(files).toEqual(['a.png', 'b.png', 'sub/c.png', 'sub/deep/d.png', 'twin/d.png']);
    expect(loops).toEqual(['loop1', 'loop2', 'sub/deep/up', 'twin/up']);
  });

  it('is refused where links make it endless in another way', async () => {
    const root = join(folder, 'wide');
    const names = Array.from({ length: 18 }, (_, i) => `d${i}`);
    for (const name of names) mkdirSync(join(root, name), { recursive: true });
    for (const [i, name] of names.entries()) {
      if (i === 0) continue;
      symlinkSync(`../${names[i - 1]}`, join(root, name, 'x'));
      symlinkSync(`../${names[i - 1]}`, join(root, name, 'y'));
    }
    await expect(walkFolder(root)).rejects.toThrow(/more than 10000 folders/);
  }, 60_000);
});

describe('a log', () => {
  it('has whole lines, and those that could not be written when they can', () => {
    const path = join(folder, 'log');
    const log = new LineLog(path);
    log.add('one');
    log.add('two');
    log.close();
    const more = new LineLog(path);
    more.add('three');
    more.close();
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n');
    const full = new LineLog('/dev/full');
    expect(() => full.add('x')).toThrow(/ENOSPC/);
    expect(() => full.flush()).toThrow(/ENOSPC/);
    full.close();
  });
});

describe('an owner', () => {
  it('lives as long as its process', () => {
    const own = thisOwner();
    expect(isDead(own)).toBe(false);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const [machine, , start] = own.split('-');
    expect(isDead(`${machine}-${dead}-${start}`)).toBe(true);
    // Nobody can tell on another machine, nor from a text that names no owner.
    expect([isDead(`000000-${dead}-${start}`), isDead('someone')]).toEqual([false, false]);
    // The number of a dead process may be another's now: its start tells.
    if (process.platform === 'linux') expect(isDead(`${machine}-${process.pid}-1`)).toBe(true);
  });
});

it('says in words what the system refuses', async () => {
  const { fileError } = await import('../../src/files/index.js');
  const told = (cause: unknown) => fileError('x', 'read', 'a.png', cause).message;
  let cause: unknown;
  try {
    openSync(join(folder, 'none'), 'r');
  } catch (thrown) {
    cause = thrown;
  }
  expect(told(cause)).toMatch(/^Cannot read a\.png: there is no such file or folder\./);
  expect(told(Object.assign(new Error('x'), { code: 'EMFILE' }))).toMatch(/too many files are open .*ulimit -n/);
  expect(told(Object.assign(new Error('it is odd'), { code: 'constructor' }))).toMatch(
    /^Cannot read a\.png: it is odd\./,
  );
});

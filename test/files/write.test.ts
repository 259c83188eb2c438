/** Writing files: whole or not at all, through links, devices and FIFOs, with the mode and owner that were there. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { thisOwner, writeAtomically, writeAtomicallySync, writeTextSync } from '../../src/files/index.js';
import { temporaryFolder } from '../data/temporary.js';
import { failure } from '../failure.js';

const folder = temporaryFolder();
const bytes = (text: string) => [Buffer.from(text)];
const text = (path: string) => readFileSync(path, 'utf8');

/** A new folder in the test's own. */
function fresh(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

describe.each([
  ['writeAtomically', writeAtomically],
  ['writeAtomicallySync', async (...args: Parameters<typeof writeAtomicallySync>) => writeAtomicallySync(...args)],
])('%s', (title, write) => {
  const dir = fresh(title);

  it('leaves the file and nothing else', async () => {
    const path = join(fresh(`${title}/plain`), 'x.txt');
    await write(path, bytes('one'));
    await write(path, [new Uint8Array(100_000).fill(65), ...bytes('small'), ...bytes('parts')]);
    expect(text(path)).toBe(`${'A'.repeat(100_000)}smallparts`);
    expect(readdirSync(join(dir, 'plain'))).toEqual(['x.txt']);
  });

  it('changes what a link names, and the link stays, also one that names nothing yet', async () => {
    const path = fresh(`${title}/links`);
    mkdirSync(join(path, 'sub'));
    writeFileSync(join(path, 'sub', 'real'), 'old');
    symlinkSync('sub/real', join(path, 'link'));
    symlinkSync('link', join(path, 'link_to_link'));
    symlinkSync('sub/new', join(path, 'dangling'));
    await write(join(path, 'link_to_link'), bytes('new'));
    await write(join(path, 'dangling'), bytes('made'));
    expect([readlinkSync(join(path, 'link')), readlinkSync(join(path, 'link_to_link'))]).toEqual(['sub/real', 'link']);
    expect([text(join(path, 'sub', 'real')), text(join(path, 'sub', 'new'))]).toEqual(['new', 'made']);
    symlinkSync('b', join(path, 'a'));
    symlinkSync('a', join(path, 'b'));
    expect((await failure(write(join(path, 'a'), bytes('x')))).message).toMatch(/its links lead in a circle/);
  });

  it('keeps the mode, and the owner where it may', async () => {
    const path = join(fresh(`${title}/mode`), 'x');
    writeFileSync(path, 'old');
    chmodSync(path, 0o640);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(path, 1234, 1235);
    await write(path, bytes('new'));
    const { mode, uid, gid } = statSync(path);
    expect(mode & 0o7777).toBe(0o640);
    if (isRoot) expect([uid, gid]).toEqual([1234, 1235]);
    expect(text(path)).toBe('new');
  });

  it('writes to a device and leaves it one', async () => {
    await write('/dev/null', bytes('nothing'));
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
    const { code, message } = await failure(write('/dev/full', bytes('much')));
    expect([code, message]).toEqual(['file-unwritable', 'Cannot write /dev/full: the disk is full.']);
    expect(lstatSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it.skipIf(process.platform === 'win32')('writes to a FIFO', async () => {
    const path = join(fresh(`${title}/fifo`), 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = spawn('cat', [path]);
    const read: Buffer[] = [];
    reader.stdout.on('data', chunk => read.push(chunk as Buffer));
    const ended = new Promise(resolve => reader.on('close', resolve));
    const much = new Uint8Array(300_000).fill(66);
    // The synchronous one would block the reader's events; its reader is another process all the same.
    await write(path, [much]);
    await ended;
    expect(Buffer.concat(read).length).toBe(much.length);
    expect(lstatSync(path).isFIFO()).toBe(true);
  });

  it('leaves the file as it was where the parts break off or the place takes nothing', async () => {
    const path = join(fresh(`${title}/broken`), 'x');
    writeFileSync(path, 'old');
    const breaking = function* () {
      yield Buffer.from('half');
      throw new Error('no more');
    };
    await expect(write(path, breaking())).rejects.toThrow(/no more/);
    expect((await failure(write(join(dir, 'broken'), bytes('x')))).message).toMatch(/it is a folder/);
    expect((await failure(write(join(dir, 'none', 'x'), bytes('x')))).message).toMatch(/no such file or folder/);
    expect([text(path), readdirSync(join(dir, 'broken'))]).toEqual(['old', ['x']]);
  });

  it('takes names that are as long as names may be', async () => {
    const path = join(fresh(`${title}/long`), 'ü'.repeat(127));
    await write(path, bytes('x'));
    expect(text(path)).toBe('x');
  });

  it('removes what dead processes left, and not what living ones are writing', async () => {
    const path = fresh(`${title}/left`);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const [machine] = thisOwner().split('-');
    writeFileSync(join(path, `x.mokapot-${machine}-${dead}-1-0badcafe.tmp`), '');
    writeFileSync(join(path, `y.mokapot-${machine}-${process.pid}-1-0badcafe.tmp`), '');
    const living = `z.mokapot-${thisOwner()}-0badcafe.tmp`;
    const elsewhere = `z.mokapot-000000-${dead}-1-0badcafe.tmp`;
    for (const name of [living, elsewhere, 'mine.tmp']) writeFileSync(join(path, name), '');
    await write(join(path, 'x'), bytes('x'));
    expect(readdirSync(path).sort()).toEqual([living, elsewhere, 'mine.tmp', 'x'].sort());
  });
});

const BUILT = new URL('../../dist/src/files/index.js', import.meta.url);

it.skipIf(!existsSync(BUILT))(
  'writes to a file of its own process, where output was led to, in turn with what is printed',
  () => {
    const path = join(folder, 'out.txt');
    writeFileSync(path, 'before\n');
    const script = `
    import { writeTextSync } from ${JSON.stringify(BUILT.href)};
    console.log('first'); writeTextSync('/dev/stdout', 'second\\n'); console.log('third');`;
    execFileSync('sh', ['-c', `"$0" --input-type=module -e "$1" >> "$2"`, process.execPath, script, path]);
    expect(text(path)).toBe('before\nfirst\nsecond\nthird\n');
  },
);

it.skipIf(process.getuid?.() === 0)('refuses a file that may not be written, though its folder might', () => {
  const path = join(folder, 'read_only');
  writeFileSync(path, 'old');
  chmodSync(path, 0o444);
  expect(() => writeTextSync(path, 'new')).toThrow(/permission is denied/);
  expect(text(path)).toBe('old');
});

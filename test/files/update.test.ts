/** Several files of a folder put in place together, and what is left of that when processes are killed. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FolderUpdate, finishUpdates, thisOwner } from '../../src/files/index.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();
let count = 0;
let out: string;

beforeEach(() => {
  out = join(folder, String(++count));
});

const read = (name: string) => readFileSync(join(out, name), 'utf8');

/** A data set of old: a folder and a file, and another's file beside them. */
function old(): void {
  mkdirSync(join(out, 'db'), { recursive: true });
  writeFileSync(join(out, 'db', 'data'), 'old');
  writeFileSync(join(out, 'db', 'old_only'), '');
  writeFileSync(join(out, 'index'), 'old');
  writeFileSync(join(out, 'notes'), 'mine');
}

function make(into: string): void {
  mkdirSync(join(into, 'db'));
  writeFileSync(join(into, 'db', 'data'), 'new');
  writeFileSync(join(into, 'index'), 'new');
}

function deadOwner(): string {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  return `${thisOwner().split('-')[0]}-${pid}-1`;
}

describe('an update', () => {
  it('puts all in place at once, and leaves other files alone', () => {
    old();
    const update = FolderUpdate.in(out);
    make(update.folder);
    expect([read('db/data'), read('index')]).toEqual(['old', 'old']);
    update.commit({ place: ['db', 'index'] });
    expect([read('db/data'), read('index'), read('notes')]).toEqual(['new', 'new', 'mine']);
    expect(readdirSync(out).sort()).toEqual(['db', 'index', 'notes']);
    expect(readdirSync(join(out, 'db'))).toEqual(['data']);
  });

  it('removes what belongs to the old and has no successor', () => {
    old();
    const update = FolderUpdate.in(out);
    writeFileSync(join(update.folder, 'index'), 'new');
    update.commit({ place: ['index'], remove: ['db', 'never_there'] });
    expect(readdirSync(out).sort()).toEqual(['index', 'notes']);
  });

  it('changes what a link names', () => {
    old();
    writeFileSync(join(folder, `real${count}`), 'old');
    symlinkSync(`../real${count}`, join(out, 'link'));
    const update = FolderUpdate.in(out);
    writeFileSync(join(update.folder, 'link'), 'new');
    update.commit({ place: ['link'] });
    expect(readFileSync(join(folder, `real${count}`), 'utf8')).toBe('new');
  });

  it('that is dropped leaves nothing, no folder that was made for it either', () => {
    old();
    FolderUpdate.in(out).drop();
    expect(readdirSync(out).sort()).toEqual(['db', 'index', 'notes']);
    const made = join(folder, `made${count}`);
    FolderUpdate.in(made).drop();
    expect(existsSync(made)).toBe(false);
  });

  it('knows of others that go on at the same time', () => {
    const [one, two] = [FolderUpdate.in(out), FolderUpdate.in(out)];
    expect([one.others().length, two.others().length]).toEqual([1, 1]);
    one.drop();
    expect(two.others()).toEqual([]);
    two.drop();
  });
});

describe('after a kill', () => {
  it('what was not decided is removed', () => {
    old();
    const left = join(out, `.new.mokapot-${deadOwner()}-00000000.tmp`);
    mkdirSync(left);
    make(left);
    finishUpdates(out);
    expect([read('db/data'), read('index')]).toEqual(['old', 'old']);
    expect(readdirSync(out).sort()).toEqual(['db', 'index', 'notes']);
  });

  it.each([
    ['nothing yet', [] as string[]],
    ['the old one set aside', ['aside']],
    ['the first in place', ['aside', 'placed']],
  ])('what was decided is carried out: %s', (_, done) => {
    old();
    const left = join(out, `.new.mokapot-${deadOwner()}-00000000.tmp`);
    mkdirSync(left);
    make(left);
    writeFileSync(join(left, '.commit.json'), JSON.stringify({ place: ['db', 'index'], remove: [] }));
    if (done.includes('aside')) {
      mkdirSync(join(left, '.replaced'));
      spawnSync('mv', [join(out, 'db'), join(left, '.replaced', 'db')]);
    }
    if (done.includes('placed')) spawnSync('mv', [join(left, 'db'), join(out, 'db')]);
    finishUpdates(out);
    expect([read('db/data'), read('index'), read('notes')]).toEqual(['new', 'new', 'mine']);
    expect(readdirSync(out).sort()).toEqual(['db', 'index', 'notes']);
  });
});

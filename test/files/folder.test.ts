/** Folders with those above them, also where Node.js's own way never returns. */

import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolderSync } from '../../src/files/index.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();

it('are made as deep as they are named, and are new once', () => {
  const deep = join(folder, 'a', 'b', 'c');
  expect([makeFolderSync(deep), makeFolderSync(deep), makeFolderSync(folder)]).toEqual([true, false, false]);
  expect(statSync(deep).isDirectory()).toBe(true);
});

it('are not made behind or instead of a file', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => makeFolderSync(file)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  expect(() => makeFolderSync(join(file, 'in'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
});

it.skipIf(!existsSync('/proc/self'))('are refused where the system has none, and do not hang', () => {
  expect(() => makeFolderSync('/proc/mokapot')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  expect(() => makeFolderSync('/proc/mokapot/deep/er')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});

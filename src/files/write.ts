/**
 * Writes files whole or not at all: to a temporary file beside, to the disk, then under the name. Links stay and what
 * they name changes; mode and owner stay; what is no regular file is written to.
 */

import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MokapotError } from '../diagnostics/index.js';
import { fileError } from './reasons.js';
import { type FileTarget, type Target, targetOf } from './target.js';
import { sweepOnce, temporaryBeside } from './temporary.js';

export interface WriteOptions {
  /** Of the diagnostic where it cannot be written; `file-unwritable`. */
  readonly code?: string;
}

/** @throws MokapotError with `code`, and what `parts` throws; a file of that name is then as it was */
export async function writeAtomically(
  path: string,
  parts: Iterable<Uint8Array>,
  { code = 'file-unwritable' }: WriteOptions = {},
): Promise<void> {
  try {
    const target = targetOf(path);
    if (target.kind === 'file') await replace(target, parts);
    else await writeThrough(target, parts);
  } catch (cause) {
    throw cause instanceof MokapotError ? cause : fileError(code, 'write', path, cause);
  }
}

/** The same without waiting for anyone, for what ends at once. */
export function writeAtomicallySync(
  path: string,
  parts: Iterable<Uint8Array>,
  { code = 'file-unwritable' }: WriteOptions = {},
): void {
  try {
    const target = targetOf(path);
    if (target.kind === 'file') replaceSync(target, parts);
    else writeThroughSync(target, parts);
  } catch (cause) {
    throw cause instanceof MokapotError ? cause : fileError(code, 'write', path, cause);
  }
}

/** A new file in a folder that is made apart (see FolderUpdate), which goes to the disk as a whole. @throws errors of the system */
export function writeNewSync(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx');
  try {
    writeWholeSync(file, bytes);
  } finally {
    closeSync(file);
  }
}

/** A text in UTF-8. */
export function writeTextSync(path: string, text: string, options?: WriteOptions): void {
  writeAtomicallySync(path, [Buffer.from(text)], options);
}

/**
 * Puts a finished file under a name as the functions above do, and removes it where it lay.
 * @throws MokapotError with `code`
 */
export function moveInPlaceSync(finished: string, path: string, { code = 'file-unwritable' }: WriteOptions = {}): void {
  try {
    const target = targetOf(path);
    if (target.kind === 'file') {
      putInPlace(finished, target);
      return;
    }
    writeThroughSync(target, contentOf(finished));
    rmSync(finished);
  } catch (cause) {
    throw fileError(code, 'write', path, cause);
  }
}

async function replace(target: FileTarget, parts: Iterable<Uint8Array>): Promise<void> {
  const temporary = begin(target);
  if (temporary === undefined) {
    overwriteSync(target.path, parts);
    return;
  }
  try {
    const file = await open(temporary, 'wx', modeAtFirst(target));
    try {
      for (const part of gathered(parts)) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    putInPlace(temporary, target);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}

function replaceSync(target: FileTarget, parts: Iterable<Uint8Array>): void {
  const temporary = begin(target);
  if (temporary === undefined) {
    overwriteSync(target.path, parts);
    return;
  }
  try {
    const file = openSync(temporary, 'wx', modeAtFirst(target));
    try {
      for (const part of gathered(parts)) writeWholeSync(file, part);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    putInPlace(temporary, target);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}

/**
 * The name of the temporary file. Undefined where the folder takes no new file and the file itself may be written, so
 * that there is no other way than over what it holds.
 */
function begin({ path, found }: FileTarget): string | undefined {
  const folder = dirname(path);
  if (found) accessSync(path, constants.W_OK);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    if (found) return undefined;
    throw cause;
  }
  sweepOnce(folder);
  return temporaryBeside(path);
}

/** What replaces a file that others may not read may not be read by them while it is written either. */
function modeAtFirst({ found }: FileTarget): number {
  return found ? 0o600 : 0o666;
}

function putInPlace(finished: string, { path, found }: FileTarget): void {
  if ((found && !tookOver(finished, found)) || !renamed(finished, path)) {
    overwriteSync(path, contentOf(finished));
    rmSync(finished);
  }
  syncPath(dirname(path));
}

/** Gives a file the owner and mode of another; false where that may not be. */
function tookOver(path: string, { uid, gid, mode }: Stats): boolean {
  try {
    chownSync(path, uid, gid);
    chmodSync(path, mode & 0o7777);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EPERM') return false;
    throw cause;
  }
}

/** False for a file that is mounted by itself or lies on another disk. */
function renamed(finished: string, path: string): boolean {
  try {
    renameSync(finished, path);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EBUSY' || code === 'EXDEV') return false;
    throw cause;
  }
}

/** Into the file as it is, from its beginning. */
function overwriteSync(path: string, parts: Iterable<Uint8Array>): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT);
  try {
    let size = 0;
    for (const part of gathered(parts)) {
      writeWholeSync(file, part);
      size += part.length;
    }
    ftruncateSync(file, size);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function* contentOf(path: string): Generator<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const bytes = new Uint8Array(1 << 20);
      const got = readSync(file, bytes);
      if (got === 0) return;
      yield bytes.subarray(0, got);
    }
  } finally {
    closeSync(file);
  }
}

type Through = Exclude<Target, FileTarget>;

/** A write that would block is tried again after so many milliseconds. */
const PAUSE = 2;
const pause = () => new Promise<void>(resolve => setTimeout(resolve, PAUSE));
const pauseSync = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);

async function writeThrough(target: Through, parts: Iterable<Uint8Array>): Promise<void> {
  let fd: number | undefined;
  while ((fd = openedStream(target)) === undefined) await pause();
  try {
    for (const part of gathered(parts)) {
      for (let at = 0; at < part.length; ) {
        const wrote = writtenNow(fd, part, at);
        if (wrote === 0) await pause();
        at += wrote;
      }
    }
  } finally {
    if (target.kind === 'stream') closeSync(fd);
  }
}

function writeThroughSync(target: Through, parts: Iterable<Uint8Array>): void {
  let fd: number | undefined;
  while ((fd = openedStream(target)) === undefined) pauseSync();
  try {
    for (const part of gathered(parts)) writeWholeSync(fd, part);
  } finally {
    if (target.kind === 'stream') closeSync(fd);
  }
}

/** Undefined while a FIFO has no reader. Never blocks, so that Ctrl-C is heard. */
function openedStream(target: Through): number | undefined {
  if (target.kind === 'descriptor') return target.fd;
  try {
    return openSync(target.path, constants.O_WRONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (target.isFifo && (cause as NodeJS.ErrnoException).code === 'ENXIO') return undefined;
    throw cause;
  }
}

/** All of a part to an open file. @throws errors of the system */
export function writeWholeSync(fd: number, part: Uint8Array): void {
  for (let at = 0; at < part.length; ) {
    const wrote = writtenNow(fd, part, at);
    if (wrote === 0) pauseSync();
    at += wrote;
  }
}

/** Bytes that were written; 0 where it would block. */
function writtenNow(fd: number, part: Uint8Array, at: number): number {
  try {
    return writeSync(fd, part, at, Math.min(part.length - at, MOST_AT_ONCE));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw cause;
  }
}

/** Node's own limit is 2^31 - 1. */
const MOST_AT_ONCE = 1 << 30;

/** Small parts are gathered into one write, large ones go as they are. */
const GATHER = 1 << 16;

function* gathered(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  let size = 0;
  for (const part of parts) {
    if (part.length < GATHER) {
      small.push(part);
      size += part.length;
    }
    if (size >= GATHER || part.length >= GATHER) {
      if (size > 0) yield Buffer.concat(small);
      small = [];
      size = 0;
    }
    if (part.length >= GATHER) yield part;
  }
  if (size > 0) yield Buffer.concat(small);
}

/** Makes a file, or the names in a folder, last through a power cut, where the system can (Windows cannot open folders). */
export function syncPath(path: string): void {
  let folder: number | undefined;
  try {
    folder = openSync(path, 'r');
    fsyncSync(folder);
  } catch {
    // It will be written in time, but for a power cut.
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}

/** Reads files whole, and regular files only: a FIFO would be waited for and a device never ends. */

import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fileError } from './reasons.js';

/** A FIFO is opened without waiting for its writer. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens a regular file for reading. @throws errors whose message is a reason, for `fileError` */
export async function openRegular(path: string): Promise<FileHandle> {
  const handle = await open(path, READ);
  try {
    checkRegular(await handle.stat());
    return handle;
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/** The same, as a descriptor. */
export function openRegularSync(path: string): number {
  const fd = openSync(path, READ);
  try {
    checkRegular(fstatSync(fd));
    return fd;
  } catch (cause) {
    closeSync(fd);
    throw cause;
  }
}

export async function readRegular(path: string): Promise<Buffer> {
  const handle = await openRegular(path);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** The same of a file that a person named. @throws MokapotError with `code` where it cannot be read */
export async function readFileAs(code: string, path: string): Promise<Buffer> {
  try {
    return await readRegular(path);
  } catch (cause) {
    throw fileError(code, 'read', path, cause);
  }
}

/**
 * Reads a file, or what comes out of a pipe (`<(…)`, `/dev/stdin`), up to a size; undefined where there is more. A device
 * that never ends has more.
 */
export async function readUpTo(path: string, most: number): Promise<Buffer | undefined> {
  const handle = await open(path, 'r');
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new Error(`it is ${kindOf(stat)}, and a file is wanted`);
    if (stat.isFile()) return stat.size > most ? undefined : await handle.readFile();
    const chunks: Buffer[] = [];
    for (let size = 0; size <= most; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(1 << 16));
      if (bytesRead === 0) return Buffer.concat(chunks);
      chunks.push(buffer.subarray(0, bytesRead));
      size += bytesRead;
    }
    return undefined;
  } finally {
    await handle.close();
  }
}

export function readRegularSync(path: string): Buffer {
  const fd = openRegularSync(path);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function checkRegular(stat: Stats): void {
  if (!stat.isFile()) throw new Error(`it is ${kindOf(stat)}, and a regular file is wanted`);
}

/** What something that is no regular file is. */
export function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a folder';
  if (stat.isFIFO()) return 'a FIFO (named pipe)';
  if (stat.isSocket()) return 'a socket';
  return stat.isFile() ? 'a regular file' : 'a device';
}

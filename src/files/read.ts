/** Reads files whole, and regular files only: a FIFO would be waited for and a device never ends. */

import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

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

/** What a path to be written leads to: links are followed, for the link is to stay and what it names to change. */

import { lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { systemError } from './reasons.js';

export interface FileTarget {
  readonly kind: 'file';
  /** Of the file itself, behind all links. */
  readonly path: string;
  /** Undefined where there is none yet. */
  readonly found: Stats | undefined;
}

export type Target =
  | FileTarget
  /** A device, a FIFO, a socket: written to, never replaced. */
  | { readonly kind: 'stream'; readonly path: string; readonly isFifo: boolean }
  /** One of this process's own open files, e.g. `/dev/stdout`. */
  | { readonly kind: 'descriptor'; readonly fd: number };

/** As many as Linux follows. */
const MOST_LINKS = 40;

/** @throws errors of the system, among them EISDIR and ELOOP */
export function targetOf(path: string): Target {
  let at = resolve(path);
  for (let links = 0; links <= MOST_LINKS; links++) {
    at = join(realpathSync(dirname(at)), basename(at));
    const fd = descriptorOf(at);
    if (fd !== undefined) return { kind: 'descriptor', fd };
    const found = lstatSync(at, { throwIfNoEntry: false });
    if (!found?.isSymbolicLink()) return classified(at, found);
    at = resolve(dirname(at), readlinkSync(at));
  }
  throw systemError('ELOOP', path);
}

function classified(path: string, found: Stats | undefined): Target {
  if (found?.isDirectory()) throw systemError('EISDIR', path);
  if (!found || found.isFile()) return { kind: 'file', path, found };
  return { kind: 'stream', path, isFifo: found.isFIFO() };
}

function descriptorOf(path: string): number | undefined {
  const match = /^(?:\/proc\/(\d+)\/fd|\/dev\/fd)\/(\d+)$/.exec(path);
  return match && (match[1] === undefined || Number(match[1]) === process.pid) ? Number(match[2]) : undefined;
}

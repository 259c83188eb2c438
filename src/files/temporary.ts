/** Names of temporary files and folders, which say whose they are, so that those of dead processes can be removed. */

import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isDead, thisOwner } from './owner.js';

const TEMPORARY = /\.mokapot-([0-9a-f]+-\d+-\d+)-[0-9a-f]{8}\.tmp$/;

/** Most file systems take names of 255 bytes; what is added to a name has at most 60. */
const LONGEST_NAME = 190;

/** A name beside `path` that nothing has. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `${shortened(basename(path))}${ending()}`);
}

/** A hidden name in `folder` that nothing has. */
export function temporaryIn(folder: string): string {
  return join(folder, `.new${ending()}`);
}

function ending(): string {
  return `.mokapot-${thisOwner()}-${randomBytes(4).toString('hex')}.tmp`;
}

function shortened(name: string): string {
  let short = name;
  while (Buffer.byteLength(short) > LONGEST_NAME) short = short.slice(0, -1);
  return short;
}

/** Whether a name is one of those above, of whatever process. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/** Names of what dead processes left in a folder. */
export function leftoversIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.filter(name => {
    const owner = TEMPORARY.exec(name)?.[1];
    return owner !== undefined && isDead(owner);
  });
}

/** Removes what dead processes left in a folder; what may not be removed stays. */
export function removeLeftovers(folder: string): void {
  for (const name of leftoversIn(folder)) {
    try {
      rmSync(join(folder, name), { recursive: true, force: true });
    } catch {
      // Another user's: it does no harm.
    }
  }
}

/** Folders that were looked through: to do so at every write would be slow where thousands of files lie. */
const swept = new Set<string>();

/** The same, once in this process's life. */
export function sweepOnce(folder: string): void {
  if (swept.has(folder)) return;
  swept.add(folder);
  removeLeftovers(folder);
}

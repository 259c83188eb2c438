/** A lock on a folder, held by a process: a file that names its owner. That of a dead owner does not hold. */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDead, thisOwner } from './owner.js';
import { temporaryBeside } from './temporary.js';

/** Name of the lock in its folder. */
export const LOCK_FILE = '.lock';

/** How often a lock of a dead owner is taken away before it is given up: each time another process was quicker. */
const TRIES = 20;

export class FolderLock {
  private constructor(private readonly path: string) {}

  /** Takes the lock; undefined where a living process (this one too) holds it. @throws errors of the system */
  static take(folder: string): FolderLock | undefined {
    const path = join(folder, LOCK_FILE);
    for (let tries = 0; tries < TRIES; tries++) {
      if (created(path)) return new FolderLock(path);
      if (!removedIfDead(path)) return undefined;
    }
    return undefined;
  }

  release(): void {
    if (ownerIn(this.path) === thisOwner()) rmSync(this.path, { force: true });
  }
}

/** Who holds a folder's lock, for messages. */
export function lockOwner(folder: string): string | undefined {
  return ownerIn(join(folder, LOCK_FILE))?.split('-')[1];
}

/** Makes the lock with its owner in it at once, so that none without an owner is ever seen; false where there is one. */
function created(path: string): boolean {
  const made = temporaryBeside(path);
  writeFileSync(made, thisOwner(), { flag: 'wx' });
  try {
    linkSync(made, path);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // A file system without links.
    return createdWithoutLink(path);
  } finally {
    rmSync(made, { force: true });
  }
}

function createdWithoutLink(path: string): boolean {
  try {
    writeFileSync(path, thisOwner(), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

/**
 * Takes a dead owner's lock away; false where its owner lives. Two processes may try it at once: what was moved aside is
 * looked at again, and a lock that another took meanwhile is put back.
 */
function removedIfDead(path: string): boolean {
  const owner = ownerIn(path);
  if (owner === undefined) return true;
  if (owner !== '' && !isDead(owner)) return false;
  const aside = temporaryBeside(path);
  try {
    renameSync(path, aside);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw cause;
  }
  if (ownerIn(aside) !== owner) {
    try {
      linkSync(aside, path);
    } catch {
      // A third process holds it by now.
    }
  }
  rmSync(aside, { force: true });
  return true;
}

function ownerIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

/**
 * Files and folders of one folder that belong together, made apart and then put in place together: whatever goes wrong
 * before, what was there stays. What a killed process had finished is put in place by the next, what it had not is removed.
 */

import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeFolderSync } from './folder.js';
import { isTemporary, leftoversIn, temporaryIn } from './temporary.js';
import { moveInPlaceSync, syncPath, writeTextSync } from './write.js';

/** In a folder of new things: it is whole, and what is to be done with it. */
const DECISION = '.commit.json';
/** In the same folder: what was replaced. */
const REPLACED = '.replaced';

interface Decision {
  /** Names of the new things, in the order in which they are put in place. */
  readonly place: readonly string[];
  /** Names that go, besides those that are replaced. */
  readonly remove: readonly string[];
}

export class FolderUpdate {
  private constructor(
    /** Where the new things are made. */
    readonly folder: string,
    readonly out: string,
    /** Whether `out` was made for this. */
    private readonly isNew: boolean,
  ) {}

  /** Makes `out` where it is missing, and cleans up after dead processes. @throws errors of the system */
  static in(out: string): FolderUpdate {
    const path = resolve(out);
    const isNew = !existsSync(path);
    makeFolderSync(path);
    finishUpdates(path);
    const folder = temporaryIn(path);
    mkdirSync(folder);
    return new FolderUpdate(folder, path, isNew);
  }

  /** Names in `out` of what other living processes make there. */
  others(): string[] {
    return readdirSync(this.out).filter(name => isTemporary(name) && join(this.out, name) !== this.folder);
  }

  /** Puts the new things in place; from here on a kill cannot undo it. @throws errors of the system */
  commit({ place, remove = [] }: { place: readonly string[]; remove?: readonly string[] }): void {
    for (const entry of readdirSync(this.folder, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory()) syncPath(join(entry.parentPath, entry.name));
    }
    syncPath(this.folder);
    const decision: Decision = { place, remove };
    writeTextSync(join(this.folder, DECISION), JSON.stringify(decision));
    carryOut(this.folder, this.out, decision);
  }

  /** Leaves nothing behind, no empty folder either. */
  drop(): void {
    rmSync(this.folder, { recursive: true, force: true });
    if (!this.isNew) return;
    try {
      rmdirSync(this.out);
    } catch {
      // It is in use.
    }
  }
}

/** Ends what dead processes began in a folder: carries out what was decided, removes the rest. @throws errors of the system */
export function finishUpdates(out: string): void {
  for (const name of leftoversIn(out)) {
    const folder = join(out, name);
    const decision = decisionIn(folder);
    if (decision) carryOut(folder, out, decision);
    else rmSync(folder, { recursive: true, force: true });
  }
}

function decisionIn(folder: string): Decision | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, DECISION), 'utf8')) as Decision;
  } catch {
    return undefined;
  }
}

/** May be begun again after a kill at any place. */
function carryOut(folder: string, out: string, { place, remove }: Decision): void {
  const replaced = join(folder, REPLACED);
  makeFolderSync(replaced);
  for (const name of remove) setAside(join(out, name), join(replaced, name));
  for (const name of place) {
    const [made, path] = [join(folder, name), join(out, name)];
    if (!existsSync(made)) continue;
    if (!lstatSync(made).isDirectory()) {
      moveInPlaceSync(made, path);
      continue;
    }
    setAside(path, join(replaced, name));
    renameSync(made, path);
  }
  syncPath(out);
  rmSync(folder, { recursive: true, force: true });
}

function setAside(path: string, aside: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  rmSync(aside, { recursive: true, force: true });
  renameSync(path, aside);
}

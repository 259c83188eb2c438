/**
 * A run's snapshots where the solver's snapshot_prefix says, as Caffe writes them. The run's own lie in its folder, which no
 * other run writes to; under the prefix stands the newest run's, as with Caffe. They are copies, which cost nothing where the
 * file system shares blocks: Caffe's own tools write in place, and through a link would change the run's.
 */

import { constants, copyFileSync, existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Diagnostic, error, MokapotError } from '../../diagnostics/index.js';
import {
  fileError,
  makeFolderSync,
  moveInPlaceSync,
  removeLeftovers,
  systemReason,
  temporaryBeside,
} from '../../files/index.js';
import { isSet } from '../../schema/index.js';
import { type SnapshotFiles, snapshotNames } from '../snapshot.js';
import { OPTIONS_FILE } from './run_options.js';
import { hashOf, resolvePrefix } from './snapshot_files.js';
import type { Solver } from './solver.js';

export class PlacedSnapshots {
  private isTold = false;

  private constructor(private readonly prefix: string) {}

  /** Undefined where the solver says nothing of its own, or the run's folder itself. @param own the run's prefix */
  static of({ param, dir }: Solver, own: string | undefined): PlacedSnapshots | undefined {
    if (own === undefined || !isSet(param, 'snapshot_prefix') || param.snapshot_prefix === '') return undefined;
    const prefix = resolvePrefix(param.snapshot_prefix, dir);
    return folderOf(prefix) === folderOf(resolve(own)) ? undefined : new PlacedSnapshots(prefix);
  }

  /**
   * The weights first: no state shall be there without its own.
   * @returns where they are; a warning, the first time that they cannot be there; else undefined
   */
  place(iter: number, own: SnapshotFiles): SnapshotFiles | Diagnostic | undefined {
    const files = this.filesOf(iter, own);
    const folder = dirname(files.weights);
    if (existsSync(join(folder, OPTIONS_FILE))) return this.warning(othersFolder(this.prefix, folder));
    let path = folder;
    try {
      makeFolderSync(path);
      removeLeftovers(path);
      for (const kind of ['weights', 'state'] as const) {
        path = files[kind];
        putInPlace(own[kind], path);
      }
      return files;
    } catch (cause) {
      if (!(cause instanceof MokapotError) && systemReason(cause) === undefined) throw cause;
      const told = cause instanceof MokapotError ? cause : fileError('snapshot-prefix', 'write', path, cause);
      const hint = `The snapshot itself is whole: ${own.weights}.`;
      return this.warning({ ...told.diagnostics[0]!, severity: 'warning', hint });
    }
  }

  private warning(diagnostic: Diagnostic): Diagnostic | undefined {
    if (this.isTold) return undefined;
    this.isTold = true;
    return diagnostic;
  }

  /** Removes what is there of a snapshot of this run's; another run's under the same name stays. */
  remove(iter: number, own: SnapshotFiles): void {
    const { weights, state } = this.filesOf(iter, own);
    if (isSame(state, own.state)) rmSync(state, { force: true });
    if (isSame(weights, own.weights)) rmSync(weights, { force: true });
  }

  private filesOf(iter: number, { weights }: SnapshotFiles): SnapshotFiles {
    return snapshotNames(this.prefix, iter, weights.endsWith('.h5'));
  }
}

function folderOf(prefix: string): string {
  return dirname(`${prefix}_`);
}

function othersFolder(prefix: string, folder: string): Diagnostic {
  const message = `snapshot_prefix "${prefix}" lies in the folder of another run, ${folder}: the snapshots are in this run's folder alone.`;
  return error('snapshot-prefix', message, { severity: 'warning', hint: 'Name another snapshot_prefix.' });
}

/** Whether two files hold the same. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map(path => statSync(path, { throwIfNoEntry: false }));
  return a?.isFile() === true && b?.isFile() === true && a.size === b.size && hashOf(one) === hashOf(other);
}

function putInPlace(from: string, to: string): void {
  const temporary = temporaryBeside(to);
  try {
    copyFileSync(from, temporary, constants.COPYFILE_FICLONE);
    moveInPlaceSync(temporary, to);
  } finally {
    rmSync(temporary, { force: true });
  }
}

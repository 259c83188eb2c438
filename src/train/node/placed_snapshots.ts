/**
 * A run's snapshots where the solver's snapshot_prefix says, as Caffe writes them. The run's own lie in its folder, which no
 * other run writes to; under the prefix stands the newest run's, as with Caffe. They are links to the same files, and copies
 * where the two are on different disks.
 */

import { copyFileSync, linkSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Diagnostic, MokapotError } from '../../diagnostics/index.js';
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
import { resolvePrefix } from './snapshot_files.js';
import type { Solver } from './solver.js';

export class PlacedSnapshots {
  private constructor(private readonly prefix: string) {}

  /** Undefined where the solver says nothing of its own, or just where the run's folder has them. @param own the run's prefix */
  static of({ param, dir }: Solver, own: string | undefined): PlacedSnapshots | undefined {
    if (own === undefined || !isSet(param, 'snapshot_prefix') || param.snapshot_prefix === '') return undefined;
    const prefix = resolvePrefix(param.snapshot_prefix, dir);
    return prefix === resolvePrefix(own, undefined) ? undefined : new PlacedSnapshots(prefix);
  }

  /** The weights first: no state shall be there without its own. @returns where they are, or a warning */
  place(iter: number, own: SnapshotFiles): SnapshotFiles | Diagnostic {
    const files = this.filesOf(iter, own);
    let path = dirname(files.weights);
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
      return { ...told.diagnostics[0]!, severity: 'warning', hint: `The snapshot itself is whole: ${own.weights}.` };
    }
  }

  remove(iter: number, own: SnapshotFiles): void {
    const { weights, state } = this.filesOf(iter, own);
    for (const path of [state, weights]) rmSync(path, { force: true });
  }

  private filesOf(iter: number, { weights }: SnapshotFiles): SnapshotFiles {
    return snapshotNames(this.prefix, iter, weights.endsWith('.h5'));
  }
}

function putInPlace(from: string, to: string): void {
  const temporary = temporaryBeside(to);
  try {
    try {
      linkSync(from, temporary);
    } catch {
      copyFileSync(from, temporary);
    }
    moveInPlaceSync(temporary, to);
  } finally {
    rmSync(temporary, { force: true });
  }
}

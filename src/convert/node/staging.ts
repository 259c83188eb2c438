/**
 * Files that belong together, written apart and then put in place: whatever goes wrong before, what was there stays, and
 * an old model is never mixed with a new one.
 */

import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail, MokapotError, nth } from '../../diagnostics/index.js';
import { FolderUpdate, fileError, kindOf, writeAtomically } from '../../files/index.js';

/** A file of a model. */
export interface WrittenFile {
  /** Where it lies. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
}

export class Staging {
  private readonly names: string[] = [];

  private constructor(
    private readonly update: FolderUpdate,
    private readonly out: string,
  ) {}

  /** @throws MokapotError `convert-out` where the folder cannot be made */
  static async in(out: string): Promise<Staging> {
    return telling(out, () => {
      const found = statSync(out, { throwIfNoEntry: false });
      if (found && !found.isDirectory()) {
        throw fail('convert-out', `${out} is ${kindOf(found)}, and a folder is wanted.`);
      }
      return new Staging(FolderUpdate.in(out), out);
    });
  }

  /** Where the files lie until they are put in place. */
  get folder(): string {
    return this.update.folder;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, parts: Iterable<Uint8Array>): Promise<void> {
    await writeAtomically(this.path(name), parts, { code: 'convert-out' });
    this.names.push(name);
  }

  /** Counts a file that was written to `path(name)` by other means. */
  add(name: string): void {
    this.names.push(name);
  }

  /**
   * Puts the files in place, `last` behind all others. Before that, files of `out` that match `stale` go: an old model's
   * index, its other shards.
   */
  async commit({ stale, last }: { stale?: RegExp; last?: string } = {}): Promise<WrittenFile[]> {
    const place = [...this.names].sort((a, b) => Number(a === last) - Number(b === last));
    return telling(this.out, () => {
      const sizes = place.map(name => statSync(this.path(name)).size);
      const remove = readdirSync(this.out).filter(name => stale?.test(name) && !place.includes(name));
      this.update.commit({ place, remove });
      return place.map((name, i) => ({ path: join(this.out, name), bytes: nth(sizes, i) }));
    });
  }

  /** Leaves nothing behind, no empty folder either. */
  async drop(): Promise<void> {
    this.update.drop();
  }
}

function telling<T>(out: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw cause instanceof MokapotError ? cause : fileError('convert-out', 'write', out, cause);
  }
}

/** Where a single file goes: `out` itself where it is named like one, else `name` in the folder `out`. */
export function placeOf(out: string, name: string, extensions: readonly string[]): { folder: string; file: string } {
  if (!extensions.some(e => out.toLowerCase().endsWith(e))) return { folder: out, file: name };
  return { folder: dirname(out), file: out.split(/[\\/]/).at(-1)! };
}

/**
 * Files that belong together, written apart and then put in place: whatever goes wrong before, what was there stays, and
 * an old model is never mixed with a new one.
 */

import { mkdir, mkdtemp, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fail, MokapotError } from '../diagnostics/index.js';
import { writeAtomically } from '../weights/node/files.js';

export interface WrittenFile {
  readonly path: string;
  readonly bytes: number;
}

export class Staging {
  private readonly names: string[] = [];

  private constructor(
    /** Where the files lie until they are put in place. */
    readonly folder: string,
    private readonly out: string,
    /** Whether `out` was made for this. */
    private readonly isNew: boolean,
  ) {}

  /** @throws MokapotError `convert-out` where the folder cannot be made */
  static async in(out: string): Promise<Staging> {
    try {
      const found = await stat(out).catch(() => undefined);
      if (found && !found.isDirectory()) throw fail('convert-out', `${out} is a file, and a folder is wanted.`);
      await mkdir(out, { recursive: true });
      return new Staging(await mkdtemp(join(resolve(out), '.converting-')), out, found === undefined);
    } catch (cause) {
      if (cause instanceof MokapotError) throw cause;
      throw fail('convert-out', `Cannot write to ${out}: ${(cause as Error).message}.`);
    }
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, parts: Iterable<Uint8Array>): Promise<void> {
    await writeAtomically(this.path(name), parts);
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
    const names = [...this.names].sort((a, b) => Number(a === last) - Number(b === last));
    if (stale) {
      const old = (await readdir(this.out))
        .filter(f => stale.test(f))
        .sort((a, b) => Number(b === last) - Number(a === last));
      for (const file of old) await rm(join(this.out, file));
    }
    const written: WrittenFile[] = [];
    for (const name of names) {
      const path = join(this.out, name);
      await rename(this.path(name), path);
      written.push({ path, bytes: (await stat(path)).size });
    }
    await this.drop();
    return written;
  }

  /** Leaves nothing behind, no empty folder either. */
  async drop(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    if (this.isNew) await rmdir(this.out).catch(() => undefined);
  }
}

/** Where a single file goes: `out` itself where it is named like one, else `name` in the folder `out`. */
export function placeOf(out: string, name: string, extensions: readonly string[]): { folder: string; file: string } {
  if (!extensions.some(e => out.toLowerCase().endsWith(e))) return { folder: out, file: name };
  return { folder: dirname(out), file: out.split(/[\\/]/).at(-1)! };
}

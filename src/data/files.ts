/** What the file system says, told as diagnostics. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fail, type Location, type MokapotError, type Source } from '../diagnostics/index.js';

const REASONS: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'it may not be read with your rights',
  EPERM: 'it may not be touched with your rights',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many files are open',
  EROFS: 'the disk is read-only',
  EEXIST: 'it exists already',
};

/** `path: reason`, from an error of node:fs. */
export function fileError(code: string, path: string, cause: unknown): MokapotError {
  const errno = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  const reason = REASONS[errno] ?? (cause instanceof Error ? cause.message : String(cause));
  const verb = code.includes('writ') ? 'written' : 'read';
  return fail(code, `${path} cannot be ${verb}: ${reason}.`, { hint: 'Check the path and its rights.' });
}

/** Where a file that a prototxt names may be: from the prototxt's folder, then, as Caffe has it, from the working directory. */
export function placesOf(path: string, folder: string | undefined): string[] {
  return [...new Set([...(folder === undefined ? [] : [resolve(folder, path)]), resolve(path)])];
}

/** The first of them that is there. @throws MokapotError with `code` */
export function findFile(path: string, folder: string | undefined, code: string, what: string): string {
  const places = placesOf(path, folder);
  const found = places.find(p => existsSync(p));
  if (found) return found;
  throw fail(code, `There is no ${what} at ${places.join(' nor at ')}.`, {
    hint: 'Relative paths are looked for beside the prototxt, then in the working directory.',
  });
}

/** The whole of a line of a text, for a diagnostic. @param line from 0 on. */
export function lineLocation(source: Source, line: number): Location {
  const lines = source.text.split('\n', line + 1);
  const text = (lines[line] ?? '').replace(/\r$/, '');
  const offset = lines.slice(0, line).reduce((sum, l) => sum + l.length + 1, 0);
  return {
    source,
    range: {
      start: { offset, line: line + 1, column: 1 },
      end: { offset: offset + text.length, line: line + 1, column: text.length + 1 },
    },
  };
}

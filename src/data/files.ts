/** Files that a prototxt names: where they may lie, and how a line of one is shown. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fail, type Location, type Source } from '../diagnostics/index.js';
import { anyFile, type FileAccess } from '../files/index.js';

/** Where a file that a prototxt names may be: from the prototxt's folder, then, as Caffe has it, from the working directory. */
export function placesOf(path: string, folder: string | undefined): string[] {
  return [...new Set([...(folder === undefined ? [] : [resolve(folder, path)]), resolve(path)])];
}

/**
 * The first of them that is there.
 * @param called what messages say instead of the paths
 * @throws MokapotError with `code`; `file-outside`
 */
export function findFile(
  path: string,
  folder: string | undefined,
  code: string,
  what: string,
  access: FileAccess = anyFile,
  called?: string,
): string {
  const places = placesOf(path, folder);
  const found = places.find(p => access.allows(p) && existsSync(p));
  if (found) return found;
  for (const place of places) access.check(place, called);
  throw fail(
    code,
    called === undefined ? `There is no ${what} at ${places.join(' nor at ')}.` : `There is no ${what} for ${called}.`,
    {
      hint: 'Relative paths are looked for beside the prototxt, then in the working directory.',
    },
  );
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

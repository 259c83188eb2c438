/**
 * Which files may be opened because a text names them, and whether messages may quote what stands in them. Commands that only
 * look at a network are run on strangers' texts (a continuous-integration job, an editor): a text must not make them open a
 * file elsewhere, nor print a line of one.
 */

import { realpathSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fail } from '../diagnostics/index.js';

export interface FileAccess {
  /** Whether the file may be opened; of one that may not, not even whether it is there is told. */
  allows(path: string): boolean;
  /** @throws MokapotError `file-outside` where it may not. @param called what the message says instead of the path */
  check(path: string, called?: string): void;
  /** Whether messages may show what stands in the files. */
  readonly quotes: boolean;
}

/** For who runs a network: whatever it names. */
export const anyFile: FileAccess = { allows: () => true, check: () => {}, quotes: true };

/** For who looks at it: without a word of what stands in the files, and of those under the folders only, or of any. */
export function lookingAccess(folders: readonly string[], readsAny: boolean): FileAccess {
  const roots = folders.map(folder => real(resolve(folder)));
  const allows = (path: string) => readsAny || roots.some(root => isUnder(root, real(resolve(path))));
  return {
    quotes: false,
    allows,
    check(path, called = path) {
      if (allows(path)) return;
      const message = `Not opened: ${called}, which lies outside of the network's folder and the working directory.`;
      throw fail('file-outside', message, { hint: 'With --read-data it is read all the same.' });
    },
  };
}

function isUnder(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && resolve(root, way) === path;
}

/** Where a path leads through links; of what is not there, where it would lie. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(real(parent), path.slice(parent.length).replace(sep, ''));
  }
}

/**
 * Which files may be opened because a text names them, and whether messages may quote what stands in them. Commands that only
 * look at a network are run on strangers' texts (a continuous-integration job, an editor): a text must not make them open a
 * file elsewhere, nor print a line of one.
 */

import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
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
  const allows = (path: string) => readsAny || roots.some(root => isUnder(root, real(path)));
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

/** Links that lead to links, at most: more are a circle. */
const LINKS = 40;

/**
 * Where a path leads, as the system follows it: a link before the `..` behind it. Of what is not there, where it would lie, a
 * link that leads nowhere included.
 */
function real(path: string, links = LINKS): string {
  try {
    return realpathSync.native(path);
  } catch {
    const name = basename(path);
    const parent = dirname(path);
    if (name === '..' || links === 0) return resolve(sep);
    if (parent === path || name === '' || name === '.') return resolve(path);
    const target = linkAt(path);
    if (target === undefined) return join(real(parent, links - 1), name);
    return real(isAbsolute(target) ? target : join(real(parent, links - 1), target), links - 1);
  }
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

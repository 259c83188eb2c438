/** Where a solver's snapshots lie: the names that it writes, and the weights that a state names. */

import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fail } from '../../diagnostics/index.js';
import type { SolverSnapshot } from '../../weights/index.js';

/** The start of snapshots' paths: from the solver's folder if its folder is there, else from the working directory. */
export function resolvePrefix(prefix: string, dir: string | undefined): string {
  if (isAbsolute(prefix) || dir === undefined) return resolve(prefix);
  const beside = resolve(dir, prefix);
  return existsSync(dirname(beside)) ? beside : resolve(prefix);
}

/** The weights that a state names: as written from the state's folder, beside the state, or from where we are. */
export function learnedNetOf({ learned_net: name }: SolverSnapshot, path: string): string | undefined {
  if (!name) return undefined;
  const beside = join(dirname(path), name.split(/[\\/]/).at(-1)!);
  const places = isAbsolute(name) ? [name, beside] : [resolve(dirname(path), name), beside, resolve(name)];
  const found = places.find(p => existsSync(p));
  if (found) return found;
  throw fail('learned-net', `${path} names the weights "${name}", and they are not there.`, {
    hint: `Put the .caffemodel beside the .solverstate. Looked for ${[...new Set(places)].join(', ')}.`,
  });
}

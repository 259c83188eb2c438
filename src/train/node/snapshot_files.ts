/** Where a solver's snapshots lie: the names that it writes, and the weights that a state names. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { fail } from '../../diagnostics/index.js';
import type { SolverSnapshot } from '../../weights/index.js';
import { withFile } from '../../weights/node/files.js';
import { foreignWeights, resumeOf } from '../snapshot.js';

/**
 * The start of snapshots' paths: from the solver's folder if its folder is there, else from the working directory. A slash
 * at its end stays: the names in that folder then begin with `_iter_`, as Caffe's do.
 */
export function resolvePrefix(prefix: string, dir: string | undefined): string {
  const at = (...parts: string[]) => `${resolve(...parts)}${/[\\/]$/.test(prefix) ? sep : ''}`;
  if (isAbsolute(prefix) || dir === undefined) return at(prefix);
  const beside = at(dir, prefix);
  return existsSync(dirname(`${beside}_`)) ? beside : at(prefix);
}

/**
 * The weights that a state names: as written from the state's folder, beside the state (under the name that is written, or
 * under the state's own), or from where we are. Of several those that the state was written with.
 *
 * @throws MokapotError `learned-net`, `foreign-weights`
 */
export function learnedNetOf(state: SolverSnapshot, path: string): string | undefined {
  const { learned_net: name } = state;
  if (!name) return undefined;
  const beside = join(dirname(path), name.split(/[\\/]/).at(-1)!);
  const twin = weightsBeside(path);
  const others = twin === path ? [beside] : [beside, twin];
  const places = isAbsolute(name) ? [name, ...others] : [resolve(dirname(path), name), ...others, resolve(name)];
  const found = [...new Set(places)].filter(p => existsSync(p));
  if (found.length === 0) {
    throw fail('learned-net', `${path} names the weights "${name}", and they are not there.`, {
      hint: `Put the .caffemodel beside the .solverstate. Looked for ${[...new Set(places)].join(', ')}.`,
    });
  }
  const hash = resumeOf(state, path)?.weights;
  const own = hash === undefined ? found[0] : found.find(p => hashOf(p) === hash);
  if (own === undefined) throw foreignWeights(path, found[0]!);
  return own;
}

/** The weights that are written with a state. */
export function weightsBeside(state: string): string {
  return state.replace(/\.solverstate(\.h5)?$/, '.caffemodel$1');
}

/** SHA-256 of a file, read piece by piece. */
export function hashOf(path: string): string {
  const hash = createHash('sha256');
  withFile(path, source => {
    for (let at = 0; at < source.size; at += PIECE) hash.update(source.peek(at, PIECE));
  });
  return hash.digest('hex');
}

const PIECE = 1 << 22;

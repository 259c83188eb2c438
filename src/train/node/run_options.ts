/** What a run was started with, kept in its folder so that it can be gone on with: `run.json`. */

import { join, resolve } from 'node:path';
import { fail } from '../../diagnostics/index.js';
import { engineNames } from '../../engines/node/index.js';
import { readRegularSync, systemReason, writeTextSync } from '../../files/index.js';
import type { Solver } from './solver.js';
import type { TrainOptions } from './train.js';

export const OPTIONS_FILE = 'run.json';

/** Of the process and not of the run, or kept apart. */
const NOT_KEPT: ReadonlySet<string> = new Set(['resume', 'runDir', 'signal', 'onPythonOutput']);

/** Options that are paths, or lists of them. */
const PATHS = ['solver', 'net', 'dataset', 'weights', 'snapshot', 'schema', 'pythonLayers'] as const;

interface Kept {
  readonly version: 1;
  /** Where relative paths start. */
  readonly cwd: string;
  /** The folder as it was named: snapshots name their weights by it. */
  readonly runDir: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Options that are no plain values: who goes on with the run has to give them again. */
  readonly given: readonly string[];
}

/** @throws MokapotError `run-folder` */
export function keepOptions(path: string, options: TrainOptions, solver: Solver): void {
  const entries = Object.entries(options).filter(([name, value]) => value !== undefined && !NOT_KEPT.has(name));
  const kept: Kept = {
    version: 1,
    cwd: process.cwd(),
    runDir: path,
    options: { ...Object.fromEntries(entries.filter(([, value]) => isPlain(value))), ...chosen(options, solver) },
    given: entries.filter(([, value]) => !isPlain(value)).map(([name]) => name),
  };
  writeTextSync(join(path, OPTIONS_FILE), `${JSON.stringify(kept, undefined, 2)}\n`, { code: 'run-folder' });
}

/** What was left to chance or to the machine. */
function chosen({ engine }: TrainOptions, solver: Solver): Partial<TrainOptions> {
  const { name } = solver.net.engine;
  return { seed: solver.seed, ...(!engine && engineNames.includes(name) && { backend: name }) };
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/**
 * The options of the run in a folder, with `more` over them.
 *
 * @throws MokapotError `no-run` where no run lies there; `run-options` where some have to be given again
 */
export function keptOptions(folder: string, more: TrainOptions): TrainOptions & { readonly runDir: string } {
  const { cwd, runDir, options, given } = readKept(folder);
  const at = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(at);
    return typeof value === 'string' && cwd !== process.cwd() ? resolve(cwd, value) : value;
  };
  const paths = PATHS.filter(name => options[name] !== undefined).map(name => [name, at(options[name])]);
  const own = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
  const missing = given.filter(name => !Object.hasOwn(own, name));
  if (missing.length > 0) {
    throw fail('run-options', `The run in ${folder} was given ${missing.join(', ')} by its program.`, {
      hint: 'Give the same again, beside `resume`.',
    });
  }
  const isSame = resolve(cwd, runDir) === resolve(folder) && cwd === process.cwd();
  return { ...options, ...Object.fromEntries(paths), ...own, runDir: isSame ? runDir : folder };
}

function readKept(folder: string): Kept {
  const path = join(folder, OPTIONS_FILE);
  let text: string;
  try {
    text = readRegularSync(path).toString('utf8');
  } catch (cause) {
    throw fail('no-run', `Cannot go on with ${folder}: ${path} cannot be read (${systemReason(cause) ?? 'damaged'}).`, {
      hint: "Name a run's folder, as `--out` made it; from a lone snapshot go on with --snapshot FILE.",
    });
  }
  try {
    const kept = JSON.parse(text) as Kept;
    if (kept.version === 1 && typeof kept.options === 'object') return kept;
  } catch {
    // As below.
  }
  throw fail('no-run', `${path} does not hold the options of a run.`, {
    hint: 'Go on with the same command as before and --snapshot FILE, in another folder.',
  });
}

/** `mokapot verify`: every golden of a folder on a backend, with its greatest errors. */

import { join } from 'node:path';
import { createEngine } from '../../engines/node/index.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import { goldenNames, readGolden } from '../../tools/golden_files.js';
import { type CaseResult, TOLERANCE, verifyCase } from '../../tools/verify.js';
import { type Declare, describeArguments } from '../declare.js';
import { exitCodes, Interrupted, printEngineNotes } from '../errors.js';
import { formatTable } from '../format.js';
import { colors, type Io, say } from '../io.js';
import { backendOption, jsonOption, schemaOptions } from '../shared_options.js';

export interface VerifyOptions extends SchemaOptions {
  readonly backend?: string;
  readonly json?: boolean;
}

export const declare: Declare = (command, io, act) =>
  schemaOptions(describeArguments(command, 'the folder of the goldens').addOption(backendOption()))
    .addOption(jsonOption())
    .action(act(async (dir: string, options: VerifyOptions) => verify(io, dir, options)));

/** @returns 1 where a case fails. */
export async function verify(io: Io, dir: string, options: VerifyOptions): Promise<number> {
  const names = await goldenNames(dir);
  const signal = io.interruptible();
  const engine = await createEngine(options.backend);
  const results: CaseResult[] = [];
  try {
    for (const name of names) {
      if (signal.aborted) throw new Interrupted('Stopped.');
      const schema = schemaFrom(options, join(dir, `${name}.prototxt`));
      results.push(await verifyCase(await readGolden(dir, name), engine, { schema }));
    }
  } finally {
    printEngineNotes(io, engine);
    engine.dispose();
  }
  const { name: backend } = engine;
  if (options.json) say(io, JSON.stringify({ backend, tolerance: TOLERANCE, cases: results.map(plain) }, null, 2));
  else print(io, backend, results);
  return results.every(r => r.passed) ? exitCodes.ok : exitCodes.failed;
}

function plain({ name, passed, outputError, gradientError, comparisons, failure }: CaseResult) {
  return { name, passed, outputError, gradientError, comparisons, ...(failure && { failure: failure.message }) };
}

function print(io: Io, backend: string, results: readonly CaseResult[]): void {
  const c = colors(io);
  const columns = [
    { title: 'case' },
    { title: 'outputs', align: 'right' },
    { title: 'gradients', align: 'right' },
    { title: 'result' },
  ] as const;
  const rows = results.map(r => [
    r.name,
    ...(r.failure ? ['', ''] : [errorText(r, false), errorText(r, true)]),
    r.passed ? 'pass' : 'FAIL',
  ]);
  say(io, formatTable(columns, rows));
  for (const { name, passed, failure, comparisons } of results) {
    if (passed) continue;
    const wrong = comparisons.filter(k => !k.passed).map(k => k.key);
    say(io, c.red(`${name}: ${failure ? failure.message : `beyond the tolerance: ${wrong.join(', ')}`}`));
  }
  for (const { name, comparisons } of results) {
    const nan = comparisons.reduce((n, k) => n + k.bothNaN, 0);
    const verb = nan === 1 ? 'position is' : 'positions are';
    if (nan > 0) say(io, c.yellow(`${name}: ${nan} ${verb} NaN in both, where nothing is compared.`));
  }
  const good = results.filter(r => r.passed).length;
  const { relative, absolute } = TOLERANCE;
  say(io);
  say(io, `${good} of ${results.length} pass on ${backend}, to ${relative} relative or ${absolute} absolute.`);
}

/** The greatest relative error of a kind, or a dash where the golden has none of it. */
function errorText({ comparisons, outputError, gradientError }: CaseResult, gradients: boolean): string {
  if (!comparisons.some(k => /_diff\//.test(k.key) === gradients)) return '–';
  return (gradients ? gradientError : outputError).toExponential(1);
}

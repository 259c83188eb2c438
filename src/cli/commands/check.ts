/** `mokapot check`: what is wrong with networks and solvers, and what will likely not do what was meant. */

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseSyntax, textToBytes } from '../../../grammar/index.js';
import { type Diagnostic, error, hasErrors, MokapotError, type TextEdit } from '../../diagnostics/index.js';
import { loadSchemas, schemaBeside } from '../../infer/schemas.js';
import type { Shape } from '../../ir/index.js';
import { parseNet, parseSolver, type SolverParameter } from '../../schema/index.js';
import { checkSolver as checkSolverFields } from '../../solver/index.js';
import { writeAtomically } from '../../weights/files.js';
import { countDiagnostics, exitCodes, printDiagnostics } from '../errors.js';
import { formatShape } from '../format.js';
import { colors, type Io, say } from '../io.js';
import {
  describeFile,
  type LookingOptions,
  sourcesOf,
  stateFrom,
  statesOf,
  withoutRepeats,
  withUserCode,
} from '../network.js';
import { readTextFile } from '../text_file.js';

export interface CheckOptions extends LookingOptions {
  readonly format: 'text' | 'json';
  readonly phase?: 'TRAIN' | 'TEST';
  readonly stage?: readonly string[];
  readonly solver?: boolean;
  readonly input?: Readonly<Record<string, Shape>>;
  readonly weights?: string;
  readonly fix?: boolean;
  readonly strict?: boolean;
}

interface Checked {
  readonly file: string;
  readonly kind: 'network' | 'solver';
  readonly diagnostics: readonly Diagnostic[];
}

/** @returns the exit code: 1 where a file has errors (with `strict`, warnings too). */
export async function check(io: Io, files: readonly string[], options: CheckOptions): Promise<number> {
  const results: Checked[] = [];
  for (const file of files) {
    if (options.fix && file !== '-') await applyFixes(io, file, options);
    results.push(await checkPath(io, file, options));
  }
  if (options.format === 'json') say(io, JSON.stringify({ files: results.map(toJson) }, null, 2));
  else for (const result of results) printResult(io, result);
  const bad = results.some(r => hasErrors(r.diagnostics) || (options.strict && worthAWarning(r.diagnostics)));
  return bad ? exitCodes.failed : exitCodes.ok;
}

/** More than this many of one file help nobody. */
const SHOWN = 20;

function worthAWarning(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(d => d.severity === 'warning');
}

function printResult(io: Io, { file, kind, diagnostics }: Checked): void {
  printDiagnostics(io, diagnostics.slice(0, SHOWN), io.stdout);
  const c = colors(io);
  if (diagnostics.length > SHOWN) say(io, c.dim(`… ${diagnostics.length - SHOWN} more; --format json shows all.`));
  const count = countDiagnostics(diagnostics) || `a ${kind} without faults`;
  const mark = hasErrors(diagnostics) ? c.red('✗') : worthAWarning(diagnostics) ? c.yellow('!') : c.green('✓');
  say(io, `${mark} ${file}: ${count}`);
}

async function checkPath(io: Io, file: string, options: CheckOptions): Promise<Checked> {
  let text: string;
  try {
    text = await readTextFile(file);
  } catch (cause) {
    if (cause instanceof MokapotError) return { file, kind: 'network', diagnostics: cause.diagnostics };
    throw cause;
  }
  const name = file === '-' ? '<stdin>' : file;
  loadSchemas(schemaBeside(file));
  const isSolver = options.solver ?? looksLikeSolver(text);
  const diagnostics = await (isSolver ? checkSolver : checkNetwork)(io, text, name, options);
  return { file: name, kind: isSolver ? 'solver' : 'network', diagnostics: withoutRepeats(diagnostics) };
}

/** Whether more of a text's top-level fields are a solver's than a network's. */
export function looksLikeSolver(text: string): boolean {
  const names = parseSyntax({ name: '', text }).document.fields.map(f => f.name);
  const count = (known: ReadonlySet<string>) => names.filter(n => known.has(n)).length;
  return count(SOLVER_FIELDS) > count(NET_FIELDS);
}

const NET_FIELDS = new Set(['layer', 'layers', 'input', 'input_dim', 'input_shape', 'force_backward', 'state']);
const SOLVER_FIELDS = new Set([
  ...['net', 'net_param', 'train_net', 'test_net', 'train_net_param', 'test_net_param', 'train_state', 'test_state'],
  ...['base_lr', 'lr_policy', 'gamma', 'power', 'momentum', 'momentum2', 'weight_decay', 'stepsize', 'stepvalue'],
  ...['max_iter', 'iter_size', 'test_iter', 'test_interval', 'display', 'snapshot', 'snapshot_prefix', 'type'],
  ...['solver_mode', 'solver_type', 'regularization_type', 'random_seed', 'clip_gradients', 'test_initialization'],
]);

async function checkNetwork(io: Io, text: string, name: string, options: CheckOptions): Promise<Diagnostic[]> {
  const { message } = parseNet(text, { name });
  const asked = options.phase !== undefined || options.stage !== undefined;
  const states = asked ? [stateFrom(options)] : statesOf(message);
  const weightsLoaded = options.weights !== undefined;
  const request = { text, name, inputShapes: options.input, weightsLoaded };
  const all = [];
  const wrong: Diagnostic[] = [];
  for (const state of states) {
    const { diagnostics, ...found } = await sourcesOf({ text, name, state });
    wrong.push(...diagnostics);
    const full = { ...request, ...found, state };
    all.push(await withUserCode(io, request, options, hostLayer => describeFile({ ...full, hostLayer })));
  }
  const assumed = all.find(d => d.assumed)?.assumed;
  const shapes = Object.entries(assumed ?? {}).map(([blob, shape]) => `${blob} ${formatShape(shape)}`);
  const note = error('assumed-shapes', `No data set is named, so entries of ${shapes.join(', ')} are assumed.`, {
    severity: 'note',
    hint: 'Give the real shapes by --input data=1,1,256,256.',
  });
  return [...all.flatMap(d => d.diagnostics), ...wrong, ...(assumed ? [note] : [])];
}

async function checkSolver(io: Io, text: string, name: string, options: CheckOptions): Promise<Diagnostic[]> {
  const { message, diagnostics } = parseSolver(text, { name });
  const out: Diagnostic[] = [...diagnostics, ...(hasErrors(diagnostics) ? [] : checkSolverFields(message))];
  for (const path of netPaths(message)) {
    const found = [path, resolve(dirname(name), path)].find(p => existsSync(p));
    if (found) out.push(...(await checkPath(io, found, { ...options, solver: false })).diagnostics);
    else out.push(error('file-unreadable', `${name} names the network ${path}, which does not exist.`));
  }
  return out;
}

function netPaths(solver: SolverParameter): string[] {
  return [...new Set([solver.net, solver.train_net, ...solver.test_net])].filter(path => path !== '');
}

/** Applies every fix that overlaps no other, from the end of the text to its beginning, and says so. */
async function applyFixes(io: Io, file: string, options: CheckOptions): Promise<void> {
  const { diagnostics } = await checkPath(io, file, options);
  const fixes = diagnostics.flatMap(d => (d.fix && d.location?.source.name === file ? [d.fix] : []));
  if (fixes.length === 0) return;
  const edits = fixes.flatMap(f => f.edits).sort((a, b) => b.range.start.offset - a.range.start.offset);
  const { text } = edits.reduce(applyEdit, { text: await readTextFile(file), from: Infinity });
  await writeAtomically(file, [textToBytes(text)]);
  if (options.format === 'text') for (const fix of fixes) say(io, `fixed ${file}: ${fix.title}`);
}

function applyEdit(state: { text: string; from: number }, edit: TextEdit): { text: string; from: number } {
  const { start, end } = edit.range;
  if (end.offset > state.from) return state;
  return {
    text: state.text.slice(0, start.offset) + edit.text + state.text.slice(end.offset),
    from: start.offset,
  };
}

function toJson({ file, kind, diagnostics }: Checked): object {
  return {
    file,
    kind,
    ok: !hasErrors(diagnostics),
    diagnostics: diagnostics.map(({ location, related, fix, ...rest }) => ({
      ...rest,
      ...(location && { file: location.source.name, range: location.range }),
      ...(related && {
        related: related.map(r => ({ message: r.message, file: r.location.source.name, range: r.location.range })),
      }),
      ...(fix && { fix }),
    })),
  };
}

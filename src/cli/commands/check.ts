/** `mokapot check`: what is wrong with networks and solvers, and what will likely not do what was meant. */

import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { Option } from 'commander';
import { placesOf } from '../../data/files.js';
import { type Diagnostic, error, hasErrors, MokapotError, visible } from '../../diagnostics/index.js';
import type { FileAccess } from '../../files/index.js';
import type { Shape } from '../../ir/index.js';
import {
  asksForState,
  describeFile,
  fedStates,
  type SelectedNet,
  type UseState as State,
  type StateOptions,
  selectLayers,
  stateFrom,
  statesOf,
  trainedBy,
  withoutRepeats,
} from '../../net/index.js';
import { schemaFrom } from '../../runtime/node/schemas.js';
import {
  looksLikeSolver,
  type NetState,
  parseNet,
  parseSolver,
  type Schema,
  type SolverParameter,
} from '../../schema/index.js';
import { checkSolver as checkSolverFields } from '../../solver/index.js';
import { testNetsOf, trainNetOf } from '../../train/node/nets.js';
import { type Declare, describeArguments } from '../declare.js';
import { countDiagnostics, exitCodes, printDiagnostics } from '../errors.js';
import { fixText, writeFixed } from '../fixing.js';
import { formatShape } from '../format.js';
import { colors, type Io, say } from '../io.js';
import { accessFor, type LookingOptions, sourcesOf, withUserCode } from '../network.js';
import { type Checked, githubReport, jsonReport, sarifReport } from '../reports.js';
import {
  datasetOption,
  inputOption,
  jsonOption,
  lookingOptions,
  schemaOptions,
  stateOptions,
  weightsOption,
} from '../shared_options.js';
import { folderOf, nameOf, readTextFile } from '../text_file.js';

export interface CheckOptions extends LookingOptions, StateOptions {
  readonly format: 'text' | 'json' | 'sarif' | 'github';
  readonly solver?: boolean;
  readonly input?: Readonly<Record<string, Shape>>;
  readonly weights?: readonly string[];
  readonly fix?: boolean;
  /** Show what the fixes would change, and change nothing. */
  readonly dryRun?: boolean;
  /** A data set whose classes the scores are held against. */
  readonly dataset?: string;
  readonly strict?: boolean;
}

export const declare: Declare = (command, io, act) => {
  describeArguments(command, 'prototxt files; - is stdin')
    .addOption(
      new Option('--format <format>', 'for people, for programs (json, sarif), for GitHub (github)')
        .choices(['text', 'json', 'sarif', 'github'])
        .default('text'),
    )
    .addOption(jsonOption('the same as --format json').implies({ format: 'json' }));
  stateOptions(command)
    .addOption(inputOption())
    .addOption(datasetOption('take shapes and classes of the data from this data set'))
    .option('--solver', 'the files are solvers (found out from their fields otherwise)')
    .addOption(weightsOption('trained weights will be loaded: say nothing about how weights start (repeatable)'))
    .option('--fix', 'apply the mends that are safe, in the files themselves, and show them')
    .option('--dry-run', 'show what --fix would change, and change nothing')
    .option('--strict', 'warnings count as errors');
  schemaOptions(lookingOptions(command)).action(
    act(async (files: string[], options: CheckOptions) => check(io, files, options)),
  );
};

/** The options with what is known of the machine, the data set, the solver that names the net. */
interface Known extends CheckOptions {
  readonly memory: number;
  readonly classes?: readonly string[];
  /** Shapes of the data set's entries, as the net takes them. */
  readonly entryShapesIn?: (net: SelectedNet) => Readonly<Record<string, Shape>>;
  /** What is odd about the data set. */
  readonly warnings?: readonly Diagnostic[];
  readonly trainedBy?: SolverParameter;
  readonly states?: readonly State[];
}

/** The same with the schema that one text goes by. */
interface KnownSchema extends Known {
  readonly schema: Schema;
}

/** @returns the exit code: 1 where a file has errors (with `strict`, warnings too). */
export async function check(io: Io, files: readonly string[], options: CheckOptions): Promise<number> {
  const known = { ...options, memory: memoryThere(), ...(await knownOf(options.dataset)) };
  const results: Checked[] = [];
  for (const file of files) {
    if (options.fix || options.dryRun) results.push(await fixFile(io, file, known));
    else results.push(await checkPath(io, file, known));
  }
  printResults(io, results, options.format);
  const bad = results.some(r => hasErrors(r.diagnostics) || (options.strict && worthAWarning(r.diagnostics)));
  return bad ? exitCodes.failed : exitCodes.ok;
}

/** Bytes that this process may have: of the machine, or of its container. */
function memoryThere(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** What a data set says of its entries: classes, shapes of the first one as training takes them, what is odd. */
async function knownOf(dataset: string | undefined): Promise<Pick<Known, 'classes' | 'entryShapesIn' | 'warnings'>> {
  if (dataset === undefined) return {};
  const { datasetWarnings, readManifest } = await import('../../data/index.js');
  const { shapesInUse } = await import('../../feeds/node/data_feeds.js');
  const manifest = await readManifest(dataset);
  const { train, val } = manifest.splits;
  const shape = (train.entries[0] ?? val.entries[0])?.shape;
  return {
    classes: manifest.classes,
    warnings: datasetWarnings(manifest),
    ...(shape && { entryShapesIn: net => shapesInUse(net, shape) }),
  };
}

function printResults(io: Io, results: readonly Checked[], format: CheckOptions['format']): void {
  if (format === 'json') say(io, jsonReport(results));
  else if (format === 'sarif') say(io, sarifReport(results));
  else if (format === 'github') io.stdout.write(visible(githubReport(results)));
  else for (const result of results) printResult(io, result);
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

async function checkPath(io: Io, file: string, options: Known): Promise<Checked> {
  try {
    return await checkText(io, file, await readTextFile(file), options);
  } catch (cause) {
    if (cause instanceof MokapotError) return { file, kind: 'network', diagnostics: cause.diagnostics };
    throw cause;
  }
}

async function checkText(io: Io, file: string, text: string, options: Known): Promise<Checked> {
  const name = nameOf(file);
  const schema = schemaFrom(options, file);
  const isSolver = options.solver ?? looksLikeSolver(text);
  const diagnostics = await (isSolver ? checkSolver : checkNetwork)(io, text, name, { ...options, schema });
  return { file: name, kind: isSolver ? 'solver' : 'network', diagnostics: withoutRepeats(diagnostics) };
}

async function checkNetwork(io: Io, text: string, name: string, options: KnownSchema): Promise<Diagnostic[]> {
  const { schema } = options;
  const { message } = parseNet(text, { name, schema });
  const asked = asksForState(options);
  const { states, without } = fedStates(message, options.states ?? (asked ? [stateFrom(options)] : statesOf(message)));
  const { trainedBy: solver, classes, memory } = options;
  const request = { text, name, schema, inputShapes: options.input, weightsLoaded: options.weights !== undefined };
  const all = [];
  const wrong: Diagnostic[] = [];
  for (const state of states) {
    const { diagnostics, ...found } = await sourcesOf({ message, name }, state, accessFor(name, options));
    wrong.push(...diagnostics);
    // Without the source the shapes behind it would be invented, and so would be the errors.
    if (hasErrors(diagnostics)) continue;
    const entryShapes = { ...options.entryShapesIn?.(selectLayers(message, state)), ...found.entryShapes };
    const shaped = Object.keys(entryShapes).length > 0 ? { entryShapes } : {};
    const full = {
      ...request,
      ...(solver && { solver: trainedBy(solver) }),
      classes,
      memory,
      ...found,
      ...shaped,
      state,
    };
    all.push(await withUserCode(io, { message, name }, options, hostLayer => describeFile({ ...full, hostLayer })));
  }
  const assumed = all.find(d => d.assumed)?.assumed;
  const told = [...all.flatMap(d => d.diagnostics), ...wrong, ...(options.warnings ?? [])];
  // A data layer that was meant for another state may be what the error is about.
  return [...told, ...assumedNote(assumed), ...(hasErrors(told) ? [] : withoutData(without))];
}

function assumedNote(assumed: Readonly<Record<string, Shape>> | undefined): Diagnostic[] {
  if (!assumed) return [];
  const shapes = Object.entries(assumed).map(([blob, shape]) => `${blob} ${formatShape(shape)}`);
  return [
    error('assumed-shapes', `No data set is named, so entries of ${shapes.join(', ')} are assumed.`, {
      severity: 'note',
      hint: 'Give the real shapes by --input data=1,1,256,256.',
    }),
  ];
}

/** States that the net has no data for: said, not looked at. */
function withoutData(states: readonly State[]): Diagnostic[] {
  return states.map(({ phase, stages }) =>
    error(
      'data-phase',
      `No data layer takes part in phase ${phase}${stages.length > 0 ? `, stage "${stages.join('", "')}"` : ''}: the net was not looked at there.`,
      {
        severity: 'note',
        hint: `Where the net is to be ${phase === 'TRAIN' ? 'trained' : 'tested'} too, add a data layer with include { phase: ${phase} }.`,
      },
    ),
  );
}

async function checkSolver(io: Io, text: string, name: string, options: KnownSchema): Promise<Diagnostic[]> {
  const { message, diagnostics } = parseSolver(text, { name, schema: options.schema });
  const out: Diagnostic[] = [...diagnostics];
  if (hasErrors(diagnostics)) return out;
  const access = accessFor(name, options);
  out.push(...checkSolverFields(message), ...(await checkNets(message, name, options.schema, access)));
  for (const { path, states } of netPaths(message)) {
    const found = placesOf(path, folderOf(name)).find(p => access.allows(p) && existsSync(p));
    if (!found) continue;
    const about = { ...options, solver: false, states, trainedBy: message };
    out.push(...(await checkNamedNet(io, found, about)));
  }
  return out;
}

/**
 * A solver may be a stranger's and name any file as its net: what holds no layers is no network, and is not quoted in
 * messages about what is wrong with it.
 */
async function checkNamedNet(io: Io, path: string, options: Known): Promise<readonly Diagnostic[]> {
  const { diagnostics } = await checkPath(io, path, options);
  const first = diagnostics.find(d => d.location?.source.name === path);
  if (options.readData || !first?.location) return diagnostics;
  const { source, range } = first.location;
  if (parseNet(source.text, { name: path, lenient: true }).message.layer.length > 0) return diagnostics;
  return [
    error(
      'no-network',
      `${path}, which the solver names as its net, holds no layers; line ${range.start.line} is no prototxt's.`,
      {
        hint: `mokapot check ${path} shows what is wrong.`,
      },
    ),
  ];
}

/** What is wrong with how the solver names its nets; what is wrong in them is told of them. */
async function checkNets(
  solver: SolverParameter,
  name: string,
  schema: Schema,
  access: FileAccess,
): Promise<Diagnostic[]> {
  for (const read of [trainNetOf, testNetsOf]) {
    try {
      await read(solver, dirname(name), { schema, access });
    } catch (thrown) {
      if (!(thrown instanceof MokapotError)) throw thrown;
      const own = thrown.diagnostics.filter(d => d.location === undefined || d.location.source.name === name);
      if (own.length > 0) return own.map(d => (d.code === 'file-outside' ? { ...d, severity: 'warning' } : d));
    }
  }
  return [];
}

/** The nets' files with the states that the solver uses them in. */
function netPaths(solver: SolverParameter): { path: string; states: State[] }[] {
  const stages = (state: NetState | null | undefined) => state?.stage ?? [];
  const train: State = { phase: 'TRAIN', stages: stages(solver.train_state) };
  const tests = solver.test_iter.map((_, i): State => ({ phase: 'TEST', stages: stages(solver.test_state[i]) }));
  const shared = tests.slice(solver.test_net.length + solver.test_net_param.length);
  return [
    { path: solver.net, states: [train, ...shared] },
    { path: solver.train_net, states: [train] },
    ...solver.test_net.map((path, i) => ({ path, states: tests.slice(i, i + 1) })),
  ].filter(({ path, states }) => path !== '' && states.length > 0);
}

/** The file after its fixes, or, in a dry run, as it would be. */
async function fixFile(io: Io, file: string, options: Known): Promise<Checked> {
  if (file === '-') return checkPath(io, file, options);
  let text: string;
  try {
    text = await readTextFile(file);
  } catch (cause) {
    if (cause instanceof MokapotError) return { file, kind: 'network', diagnostics: cause.diagnostics };
    throw cause;
  }
  const fixed = await fixText(file, text, async t => (await checkText(io, file, t, options)).diagnostics);
  const quiet = options.format !== 'text';
  await writeFixed(io, file, fixed, { dryRun: options.dryRun === true, quiet });
  return checkText(io, file, fixed.after, options);
}

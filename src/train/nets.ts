/** Which nets a solver trains and tests: named by it or inline, as Caffe's InitTrainNet and InitTestNets find them. */

import { type Diagnostic, error, hasErrors, MokapotError, own } from '../diagnostics/index.js';
import {
  isSet,
  locate,
  type NetParameter,
  type NetState,
  type ParseOptions,
  parseNet,
  type SolverParameter,
} from '../schema/index.js';
import { solverError } from '../solver/index.js';

/** A net that a solver names. */
export interface NamedNet {
  /** The net, of today's form. */
  readonly param: NetParameter;
  /** The text it was read from; undefined for a net inside the solver. */
  readonly text: string | undefined;
  /** Where its relative paths start. */
  readonly dir: string | undefined;
  /** Notes and warnings about its text. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface NamedTestNet extends NamedNet {
  readonly state: NetState | undefined;
  /** Batches of one test. */
  readonly iterations: number;
}

/** Where a solver names a net. */
export interface NetField {
  readonly solver: SolverParameter;
  readonly field: 'net' | 'train_net' | 'test_net' | 'net_param' | 'train_net_param';
  readonly index?: number;
}

/** Where nets that a solver names are found. @throws MokapotError `net-missing`, or what the net's text has */
export interface NetPlaces {
  readonly read: (name: string, place: NetField) => NamedNet | Promise<NamedNet>;
  /** Where relative paths of inline nets start. */
  readonly dir?: string | undefined;
}

const TRAIN_FIELDS = ['train_net_param', 'train_net', 'net_param', 'net'] as const;

/** @throws MokapotError `no-train-net`, `many-train-nets`, or what `read` throws */
export async function findTrainNet(solver: SolverParameter, { read, dir }: NetPlaces): Promise<NamedNet> {
  const given = TRAIN_FIELDS.filter(field => isSet(solver, field));
  const [field, second] = given;
  if (!field) {
    throw new MokapotError(
      error('no-train-net', 'The solver names no net.', {
        hint: 'Add net: "train_val.prototxt" (or net_param { … }).',
      }),
    );
  }
  if (second) {
    const message = `The solver names its net twice, by ${field} and ${second}.`;
    throw new MokapotError(solverError(solver, 'many-train-nets', second, message, 'Keep one of them.'));
  }
  const value = solver[field];
  return typeof value === 'string' ? read(value, { solver, field }) : inline(value!, dir);
}

/** @throws MokapotError `test-iter`, `test-interval`, `test-state`, or what `read` throws */
export async function findTestNets(solver: SolverParameter, { read, dir }: NetPlaces): Promise<NamedTestNet[]> {
  const { test_net_param, test_net, test_iter, test_state } = solver;
  const own = test_net_param.length + test_net.length;
  const generic = isSet(solver, 'net_param') || isSet(solver, 'net') ? Math.max(0, test_iter.length - own) : 0;
  checkTests(solver, own + generic);
  const named: NamedNet[] = test_net_param.map(param => inline(param, dir));
  for (const [i, path] of test_net.entries()) named.push(await read(path, { solver, field: 'test_net', index: i }));
  for (let i = 0; i < generic; i++) {
    named.push(solver.net_param ? inline(solver.net_param, dir) : await read(solver.net, { solver, field: 'net' }));
  }
  return named.map((net, i) => ({ ...net, state: test_state[i], iterations: test_iter[i]! }));
}

function checkTests(solver: SolverParameter, count: number): void {
  const { test_iter, test_state, test_interval } = solver;
  if (test_iter.length !== count) {
    const message = `The solver has ${count} test net${count === 1 ? '' : 's'}, and test_iter is given ${test_iter.length} times.`;
    throw new MokapotError(solverError(solver, 'test-iter', 'test_iter', message, 'Give it once per test net.'));
  }
  if (count > 0 && test_interval === 0) {
    const hint = 'Say after how many iterations to test, e.g. test_interval: 500.';
    throw new MokapotError(solverError(solver, 'test-interval', 'test_iter', 'test_interval is missing.', hint));
  }
  if (test_state.length > 0 && test_state.length !== count) {
    const message = `test_state is given ${test_state.length} times for ${count} test nets.`;
    throw new MokapotError(solverError(solver, 'test-state', 'test_state', message, 'Give it once per test net.'));
  }
}

function inline(param: NetParameter, dir: string | undefined): NamedNet {
  return { param, text: undefined, dir, diagnostics: [] };
}

/** Nets by the texts that the caller has for the names. @throws MokapotError `net-missing`, or what the text has */
export function textReader(texts: Readonly<Record<string, string>>, options: ParseOptions = {}): NetPlaces['read'] {
  return (name, { solver, field, index = 0 }) => {
    const text = own(texts, name);
    if (text !== undefined) return readNetText(text, { ...options, name });
    const location = locate(solver, field, index);
    throw new MokapotError(
      error('net-missing', `${field} names "${name}", and no text of that name was given.`, {
        hint: `Give it: { nets: { ${JSON.stringify(name)}: text } }.`,
        ...(location && { location }),
      }),
    );
  };
}

/** A net from its text. @throws MokapotError with what is wrong with it */
export function readNetText(text: string, options: ParseOptions = {}, dir?: string): NamedNet {
  const { message, diagnostics } = parseNet(text, options);
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  return { param: message, text, dir, diagnostics };
}

/** The one net's TEST phase, once per test_iter. */
export function genericTests(net: NamedNet, { test_iter, test_state }: SolverParameter): NamedTestNet[] {
  return test_iter.map((iterations, i) => ({ ...net, iterations, state: test_state[i] }));
}

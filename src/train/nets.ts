/** Which nets a solver trains and tests: from its files or inline, as Caffe's InitTrainNet and InitTestNets find them. */

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Diagnostic, error, hasErrors, MokapotError } from '../diagnostics/index.js';
import { parseOptions, readPrototxt, type SchemaOptions } from '../runtime/schemas.js';
import { isSet, locate, type NetParameter, type NetState, parseNet, type SolverParameter } from '../schema/index.js';
import { solverError } from '../solver/index.js';

/** A net that a solver names. */
export interface NamedNet {
  readonly param: NetParameter;
  /** The text it was read from; undefined for a net inside the solver. */
  readonly text: string | undefined;
  /** Where its relative paths start. */
  readonly dir: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export interface NamedTestNet extends NamedNet {
  readonly state: NetState | undefined;
  /** Batches of one test. */
  readonly iterations: number;
}

const TRAIN_FIELDS = ['train_net_param', 'train_net', 'net_param', 'net'] as const;

/** @throws MokapotError `no-train-net`, `many-train-nets`, `net-missing`, or what the net's text has */
export async function trainNetOf(
  solver: SolverParameter,
  dir: string | undefined,
  options: SchemaOptions = {},
): Promise<NamedNet> {
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
  return typeof value === 'string' ? readNet(solver, field, value, { dir, options }) : inline(value!, dir);
}

/** @throws MokapotError `test-iter`, `test-interval`, `test-state`, `net-missing`, or what a net's text has */
export async function testNetsOf(
  solver: SolverParameter,
  dir: string | undefined,
  options: SchemaOptions = {},
): Promise<NamedTestNet[]> {
  const { test_net_param, test_net, test_iter, test_state } = solver;
  const own = test_net_param.length + test_net.length;
  const generic = isSet(solver, 'net_param') || isSet(solver, 'net') ? Math.max(0, test_iter.length - own) : 0;
  checkTests(solver, own + generic);
  const named: NamedNet[] = test_net_param.map(param => inline(param, dir));
  for (const [i, path] of test_net.entries()) named.push(await readNet(solver, 'test_net', path, { dir, options }, i));
  for (let i = 0; i < generic; i++) {
    const net = solver.net_param
      ? inline(solver.net_param, dir)
      : await readNet(solver, 'net', solver.net, { dir, options });
    named.push(net);
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

async function readNet(
  solver: SolverParameter,
  field: 'net' | 'train_net' | 'test_net' | 'net_param' | 'train_net_param',
  name: string,
  { dir, options }: { readonly dir: string | undefined; readonly options: SchemaOptions },
  index = 0,
): Promise<NamedNet> {
  const places = [...new Set([...(dir === undefined ? [] : [resolve(dir, name)]), resolve(name)])];
  const path = places.find(p => existsSync(p));
  if (!path) {
    const location = locate(solver, field, index);
    throw new MokapotError(
      error('net-missing', `${field} names "${name}", and there is no such file.`, {
        hint: `Looked for ${places.join(' and ')}. Paths start at the solver's folder, then at the working directory.`,
        ...(location && { location }),
      }),
    );
  }
  return readNetFile(path, options);
}

/** @throws MokapotError `file-unreadable`, or what its text has */
export async function readNetFile(path: string, options: SchemaOptions = {}): Promise<NamedNet> {
  const { text, schema } = await readPrototxt(path, options);
  return readNetText(text, path, dirname(path), { ...options, schema });
}

export function readNetText(text: string, name = '<text>', dir?: string, options: SchemaOptions = {}): NamedNet {
  const { message, diagnostics } = parseNet(text, parseOptions(options, name));
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  return { param: message, text, dir, diagnostics };
}

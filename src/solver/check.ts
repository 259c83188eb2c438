/** What is wrong with a SolverParameter as such, before any net is looked at. */

import { type Diagnostic, error, nearest } from '../diagnostics/index.js';
import { formatFloat, isSet, locate, type SolverParameter } from '../schema/index.js';
import { checkPolicy } from './policy.js';
import { updateRules } from './rules/index.js';

type Field = keyof SolverParameter & string;

/** Errors and warnings; a solver without errors can be made. */
export function checkSolver(param: SolverParameter): Diagnostic[] {
  return [
    ...checkType(param),
    ...checkPolicy(param),
    ...checkNumbers(param),
    ...checkRegularization(param),
    ...checkDiff(param),
  ];
}

/** An error at a field of the solver. */
export function solverError(param: SolverParameter, code: string, field: Field, message: string, hint?: string) {
  const location = locate(param, field) ?? locate(param);
  return error(code, message, { ...(hint !== undefined && { hint }), ...(location && { location }) });
}

function checkType(param: SolverParameter): readonly Diagnostic[] {
  const rule = updateRules.get(param.type);
  if (rule) return rule.check?.(param) ?? [];
  const near = nearest(param.type, updateRules.keys());
  const hint = `${near ? `Did you mean "${near}"? ` : ''}There are: ${[...updateRules.keys()].join(', ')}.`;
  return [solverError(param, 'unknown-solver-type', 'type', `There is no solver type "${param.type}".`, hint)];
}

function checkRegularization(param: SolverParameter): Diagnostic[] {
  if (['L1', 'L2'].includes(param.regularization_type)) return [];
  const message = `There is no regularization_type "${param.regularization_type}".`;
  return [solverError(param, 'unknown-regularization', 'regularization_type', message, 'There are "L1" and "L2".')];
}

function checkDiff(param: SolverParameter): Diagnostic[] {
  if (!param.snapshot_diff) return [];
  const message = 'Snapshots are written without gradients (snapshot_diff).';
  const hint = 'Nothing that reads a snapshot needs them. Remove snapshot_diff to be rid of this warning.';
  return [{ ...solverError(param, 'snapshot-diff', 'snapshot_diff', message, hint), severity: 'warning' }];
}

/** Caffe passes over both in silence. */
function checkTests(param: SolverParameter): Diagnostic[] {
  if (!isSet(param, 'test_interval') || param.test_iter.length > 0 || param.test_interval === 0) return [];
  const message = 'test_interval is given, and test_iter is not: nothing is ever tested.';
  const hint = 'Say how many batches a test has, e.g. test_iter: 100, or take test_interval out.';
  return [{ ...solverError(param, 'test-iter', 'test_interval', message, hint), severity: 'warning' }];
}

function checkMomentum(param: SolverParameter): Diagnostic[] {
  if (!(param.momentum >= 1 || param.momentum < 0) || !Number.isFinite(param.momentum)) return [];
  const message = `momentum is ${formatFloat(param.momentum)}: old gradients never die away, and training explodes.`;
  const hint = 'It is at least 0 and below 1; 0.9 is usual.';
  return [{ ...solverError(param, 'solver-number', 'momentum', message, hint), severity: 'warning' }];
}

const LEAST: readonly (readonly [Field, number])[] = [
  ['iter_size', 1],
  ['average_loss', 1],
  ['max_iter', 0],
  ['display', 0],
  ['test_interval', 0],
  ['snapshot', 0],
];

function checkNumbers(param: SolverParameter): Diagnostic[] {
  const low = LEAST.filter(([field, least]) => (param[field] as number) < least);
  const finite = (['momentum', 'weight_decay', 'clip_gradients'] as const).filter(f => !Number.isFinite(param[f]));
  return [
    ...low.map(([field, least]) =>
      solverError(param, 'solver-number', field, `${field} is ${String(param[field])}.`, `It is ${least} at least.`),
    ),
    ...checkTests(param),
    ...checkMomentum(param),
    ...finite.map(f => solverError(param, 'solver-number', f, `${f} is ${param[f]}, which is no finite number.`)),
  ];
}

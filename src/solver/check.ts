/** What is wrong with a SolverParameter as such, before any net is looked at. */

import { type Diagnostic, error, nearest } from '../diagnostics/index.js';
import { formatFloat, isSet, locate, noEffect, type SolverParameter, withoutEffect } from '../schema/index.js';
import { checkOwn } from './check_own.js';
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
    ...checkUnread(param),
    ...checkOwn(param),
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

const DETECTIONS =
  "It is SSD's, for test nets that end in DetectionEvaluate: count how good detections are outside the net.";
const EPOCHS = "It is NVCaffe's: max_iter, test_interval and test_iter count iterations; mokapot train has --epochs.";

/** What forks' solvers have that parses and that nothing reads. Every solver of SSD's examples has its three. */
const UNREAD: Readonly<Partial<Record<Field, string>>> = {
  eval_type: DETECTIONS,
  ap_version: DETECTIONS,
  show_per_class_result: DETECTIONS,
  epoch_size: EPOCHS,
  test_epoch_size: EPOCHS,
  test_interval_epoch: EPOCHS,
};

function checkUnread(param: SolverParameter): Diagnostic[] {
  const known = Object.entries(UNREAD).filter(([field]) => isSet(param, field as Field));
  const whose = 'The solver';
  return [...known.map(([field, hint]) => noEffect(param, field, whose, { hint })), ...withoutEffect(param, whose)];
}

/** Caffe passes over a missing test_iter in silence, and divides by one of 0. */
function checkTests(param: SolverParameter): Diagnostic[] {
  if (param.test_iter.some(count => count < 1)) {
    const message = `test_iter is ${param.test_iter.join(', ')}: a test of no batches has no results.`;
    const hint = 'It is the number of batches that a test takes the mean of, 1 at least. To test never, take it out.';
    return [solverError(param, 'solver-number', 'test_iter', message, hint)];
  }
  if (!isSet(param, 'test_interval') || param.test_iter.length > 0 || param.test_interval === 0) return [];
  const message = 'test_interval is given, and test_iter is not: nothing is ever tested.';
  const hint = 'Say how many batches a test has, e.g. test_iter: 100, or take test_interval out.';
  return [{ ...solverError(param, 'test-iter', 'test_interval', message, hint), severity: 'warning' }];
}

function checkMomentum(param: SolverParameter): Diagnostic[] {
  const { momentum } = param;
  if ((momentum >= 0 && momentum < 1) || !Number.isFinite(momentum)) return [];
  const what = updateRules.get(param.type)?.averages
    ? `it is the decay of running means, which are means from 0 up to 1 only`
    : momentum > 1
      ? `each step takes the last one ${formatFloat(momentum)} times, so steps grow without bound`
      : momentum === 1
        ? 'a gradient counts in every later step in full, and steps do not settle'
        : 'each step takes back a part of the last one';
  const message = `momentum is ${formatFloat(momentum)}: ${what}.`;
  const hint = 'It is at least 0 and below 1; 0.9 is usual.';
  return [{ ...solverError(param, 'solver-number', 'momentum', message, hint), severity: 'warning' }];
}

/** Caffe takes any number. */
function checkRate(param: SolverParameter): Diagnostic[] {
  if (!isSet(param, 'base_lr') || !(param.base_lr <= 0) || !Number.isFinite(param.base_lr)) return [];
  const what =
    param.base_lr < 0
      ? 'weights move up the gradient, and the loss grows'
      : 'the rate is 0 in every iteration, and no weight changes';
  const message = `base_lr is ${formatFloat(param.base_lr)}: ${what}.`;
  const hint = 'Weights learn with a base_lr above 0, e.g. base_lr: 0.01.';
  return [{ ...solverError(param, 'solver-number', 'base_lr', message, hint), severity: 'warning' }];
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
    ...checkRate(param),
    ...finite.map(f => solverError(param, 'solver-number', f, `${f} is ${param[f]}, which is no finite number.`)),
  ];
}

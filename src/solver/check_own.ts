/** What is wrong with the fields of a solver that are Mokapot's own: nonsense values, and such as do not go together. */

import { type Diagnostic, error } from '../diagnostics/index.js';
import { formatFloat, isSet, locate, type MokapotSolverParameter, type SolverParameter } from '../schema/index.js';

type Field = keyof MokapotSolverParameter & string;

/** How many times an epoch an entry may be read at most. */
export const MOST_OVERSAMPLING = 1000;

/** A range of a number's, and how it is told. */
type Range = readonly [field: Field, isIn: (value: number) => boolean, told: string];

const RANGES: readonly Range[] = [
  ['warmup_iter', n => n >= 0, 'It is the number of iterations in which the rate rises: 0 or more.'],
  ['warmup_start', x => x >= 0 && x <= 1, 'It is the share of the rate that warm-up begins with: from 0 to 1.'],
  ['min_lr', x => x >= 0 && Number.isFinite(x), 'It is the rate that cosine ends with: 0 or more, and below base_lr.'],
  ['ema_decay', x => x >= 0 && x < 1, 'It is the share of the average that stays: from 0 up to 1 only, e.g. 0.999.'],
  ['ema_start', n => n >= 0, 'It is the iteration whose weights the average begins with: 0 or more.'],
];

/** Errors and warnings about `mokapot_param`. */
export function checkOwn(param: SolverParameter): Diagnostic[] {
  const { mokapot_param: own } = param;
  if (!own) return [];
  return [
    ...RANGES.filter(([field, isIn]) => !isIn(own[field] as number)).map(([field, , hint]) =>
      at(own, 'solver-number', field, `${field} is ${formatFloat(own[field] as number)}.`, hint),
    ),
    ...checkSchedule(param, own),
    ...checkAverage(param, own),
    ...checkEarlyStopping(param, own),
    ...checkOversampling(own),
    ...checkTexts(own),
  ];
}

function at(message: object, code: string, field: string, text: string, hint: string): Diagnostic {
  const location = locate(message, field) ?? locate(message);
  return error(code, text, { hint, ...(location && { location }) });
}

function warning(message: object, code: string, field: string, text: string, hint: string): Diagnostic {
  return { ...at(message, code, field, text, hint), severity: 'warning' };
}

function checkSchedule(param: SolverParameter, own: MokapotSolverParameter): Diagnostic[] {
  const found: Diagnostic[] = [];
  const { max_iter, base_lr, lr_policy } = param;
  const warns = (field: Field, text: string, hint: string) => found.push(warning(own, 'solver-own', field, text, hint));
  if (isSet(param, 'max_iter') && own.warmup_iter >= max_iter && own.warmup_iter > 0)
    warns(
      'warmup_iter',
      `warmup_iter is ${own.warmup_iter} of ${max_iter} iterations: the run ends before the rate is that of base_lr.`,
      'A tenth of max_iter, or less, is usual.',
    );
  if (isSet(own, 'warmup_start') && own.warmup_iter === 0)
    warns(
      'warmup_start',
      'warmup_start is given, and warmup_iter is not: there is no warm-up.',
      'Add warmup_iter: 100.',
    );
  if (isSet(own, 'min_lr') && lr_policy !== 'cosine')
    warns('min_lr', `lr_policy "${lr_policy}" does not read min_lr.`, 'It is the floor of lr_policy: "cosine".');
  if (own.min_lr > base_lr && lr_policy === 'cosine' && base_lr >= 0)
    warns(
      'min_lr',
      `min_lr is ${formatFloat(own.min_lr)}, above base_lr ${formatFloat(base_lr)}: the rate rises.`,
      'Cosine falls from base_lr to min_lr.',
    );
  return found;
}

function checkAverage(param: SolverParameter, own: MokapotSolverParameter): Diagnostic[] {
  const fields = (['ema_start', 'ema_ramp'] as const).filter(field => isSet(own, field));
  if (own.ema_decay === 0)
    return fields.map(field =>
      warning(
        own,
        'solver-own',
        field,
        `${field} is given, and ema_decay is not: weights are not averaged.`,
        'Add ema_decay: 0.999.',
      ),
    );
  if (!isSet(param, 'max_iter') || own.ema_start < param.max_iter) return [];
  const text = `ema_start is ${own.ema_start}, and the run ends at iteration ${param.max_iter}: nothing is averaged.`;
  return [warning(own, 'solver-own', 'ema_start', text, 'It is the iteration whose weights the average begins with.')];
}

function checkEarlyStopping(param: SolverParameter, own: MokapotSolverParameter): Diagnostic[] {
  const { early_stopping: stopping } = own;
  const found: Diagnostic[] = [];
  if (stopping && !stopping.output)
    found.push(
      at(stopping, 'early-stopping', 'output', 'early_stopping names no output.', 'Add e.g. output: "dice:max".'),
    );
  if (stopping && stopping.patience < 1)
    found.push(
      at(
        stopping,
        'solver-number',
        'patience',
        `patience is ${stopping.patience}.`,
        'It is the number of tests in a row that may bring nothing better: 1 at least.',
      ),
    );
  if (stopping && !(stopping.min_delta >= 0 && Number.isFinite(stopping.min_delta)))
    found.push(
      at(
        stopping,
        'solver-number',
        'min_delta',
        `min_delta is ${formatFloat(stopping.min_delta)}.`,
        'It is by how much a test has to be better to count: 0 or more.',
      ),
    );
  const field = stopping ? 'early_stopping' : 'keep_best';
  if ((stopping || own.keep_best) && !(param.test_interval > 0 && param.test_iter.length > 0))
    found.push(
      warning(
        own,
        'solver-own',
        field,
        `${field} goes by tests, and the solver has none.`,
        'Add test_iter and test_interval.',
      ),
    );
  return found;
}

const WEIGHTS = /^(auto|sqrt|\d[\d.e+-]*(,\s*\d[\d.e+-]*)*)$/i;
const CHOICE = /^[^:]+(:(min|max))?$/;

function checkTexts(own: MokapotSolverParameter): Diagnostic[] {
  const { class_weights: weights, keep_best: kept } = own;
  const found: Diagnostic[] = [];
  if (weights && !WEIGHTS.test(weights))
    found.push(
      at(
        own,
        'class-weights',
        'class_weights',
        `"${weights}" gives no weights of classes.`,
        'Write "auto", "sqrt", or a number for each class: "0.5,2".',
      ),
    );
  if (kept && !CHOICE.test(kept))
    found.push(
      at(own, 'keep-best', 'keep_best', `"${kept}" is no output of a test and a direction.`, 'Write e.g. "dice:max".'),
    );
  return found;
}

function checkOversampling(own: MokapotSolverParameter): Diagnostic[] {
  return own.oversample.flatMap(entry => {
    if (!entry.class)
      return [at(entry, 'oversample', 'class', 'oversample names no class.', 'Add its name or number: class: "1".')];
    if (entry.factor >= 1 && entry.factor <= MOST_OVERSAMPLING) return [];
    const text = `factor is ${formatFloat(entry.factor)}.`;
    const hint = 'It is how many times an epoch an entry with the class is read, as a mean: from 1 to 1000.';
    return [at(entry, 'solver-number', 'factor', text, hint)];
  });
}

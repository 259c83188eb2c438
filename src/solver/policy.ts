/** Learning-rate policies: the rate at an iteration (Caffe: SGDSolver::GetLearningRate), cosine annealing and warm-up. */

import { type Diagnostic, error, nearest, own } from '../diagnostics/index.js';
import { isSet, locate, type SolverParameter } from '../schema/index.js';

type Field = 'gamma' | 'power' | 'stepsize' | 'stepvalue' | 'max_iter';

interface Policy {
  /** The rate as a multiple of base_lr, above the floor. `step` is `current_step` as it stands at `iter`. */
  factor(param: SolverParameter, iter: number, step: number): number;
  /** The rate where the factor is 0. Default: 0. */
  floor?(param: SolverParameter): number;
  /** `current_step` at `iter` from its value before. */
  step?(param: SolverParameter, iter: number, before: number): number;
  /** Fields without which the policy has no meaning, and fields whose default of 0 is hardly meant. */
  readonly needs: readonly Field[];
  readonly expects: readonly Field[];
}

const policies: Readonly<Record<string, Policy>> = {
  fixed: { factor: () => 1, needs: [], expects: [] },
  step: {
    factor: ({ gamma }, _, step) => gamma ** step,
    step: ({ stepsize }, iter) => Math.floor(iter / stepsize),
    needs: ['stepsize'],
    expects: ['gamma'],
  },
  exp: { factor: ({ gamma }, iter) => gamma ** iter, needs: [], expects: ['gamma'] },
  inv: {
    factor: ({ gamma, power }, iter) => (1 + gamma * iter) ** -power,
    needs: [],
    expects: ['gamma', 'power'],
  },
  multistep: {
    factor: ({ gamma }, _, step) => gamma ** step,
    // One step an iteration at most, as in Caffe: it counts where the training stands, not where the list does.
    step: ({ stepvalue }, iter, before) =>
      before < stepvalue.length && iter >= stepvalue[before]! ? before + 1 : before,
    needs: [],
    expects: ['gamma', 'stepvalue'],
  },
  poly: {
    factor: ({ power, max_iter }, iter) => (1 - iter / max_iter) ** power,
    needs: ['max_iter'],
    expects: ['power'],
  },
  sigmoid: {
    factor: ({ gamma, stepsize }, iter) => 1 / (1 + Math.exp(-gamma * (iter - stepsize))),
    needs: ['stepsize'],
    expects: ['gamma'],
  },
  // Loshchilov and Hutter 2017, without restarts. Not Caffe's.
  cosine: {
    factor: ({ max_iter }, iter) => (1 + Math.cos((Math.PI * Math.min(iter, max_iter)) / max_iter)) / 2,
    floor: ({ mokapot_param }) => mokapot_param?.min_lr ?? 0,
    needs: ['max_iter'],
    expects: [],
  },
};

/** The policies by name: Caffe's, and cosine. */
export const policyNames: readonly string[] = Object.keys(policies);

export interface Rate {
  /** base_lr after the policy. */
  readonly rate: number;
  /** What `current_step` of the solver's state becomes. */
  readonly currentStep: number;
}

/** The learning rate of iteration `iter` (from 0 on). The solver must have passed `checkPolicy`. */
export function rateAt(param: SolverParameter, iter: number, currentStep: number): Rate {
  const policy = own(policies, param.lr_policy)!;
  const step = policy.step?.(param, iter, currentStep) ?? currentStep;
  const factor = policy.factor(param, iter, step);
  const floor = policy.floor ? policy.floor(param) * (1 - factor) : 0;
  return { rate: Math.fround((param.base_lr * factor + floor) * warmUp(param, iter)), currentStep: step };
}

/** The share of the policy's rate: from warmup_start to 1 in warmup_iter iterations (torch's LinearLR). */
function warmUp({ mokapot_param: own }: SolverParameter, iter: number): number {
  if (!own || iter >= own.warmup_iter) return 1;
  return own.warmup_start + ((1 - own.warmup_start) * iter) / own.warmup_iter;
}

/** What is wrong with the solver's learning rate: unknown policy, missing fields. */
export function checkPolicy(param: SolverParameter): Diagnostic[] {
  return [...checkBase(param), ...checkFields(param)];
}

function at(param: SolverParameter, field: keyof SolverParameter & string): Pick<Diagnostic, 'location'> {
  const location = locate(param, field) ?? locate(param);
  return location ? { location } : {};
}

function checkBase(param: SolverParameter): Diagnostic[] {
  if (!isSet(param, 'base_lr')) {
    const hint = 'Say how fast to learn, e.g. base_lr: 0.01. Without it the rate is 0 and nothing changes.';
    return [error('no-base-lr', 'The solver has no base_lr.', { hint, ...at(param, 'base_lr') })];
  }
  if (Number.isFinite(param.base_lr)) return [];
  return [error('bad-base-lr', `base_lr is ${param.base_lr}, which is no finite number.`, at(param, 'base_lr'))];
}

function checkFields(param: SolverParameter): Diagnostic[] {
  const policy = own(policies, param.lr_policy);
  if (!policy) return [unknownPolicy(param)];
  const missing = policy.needs.filter(field => !((param[field] as number) > 0));
  const errors = missing.map(field =>
    error('lr-policy-field', `lr_policy "${param.lr_policy}" needs ${field} above 0.`, {
      ...at(param, isSet(param, field) ? field : 'lr_policy'),
      hint: `Add it to the solver, e.g. ${EXAMPLES[field]}.`,
    }),
  );
  const forgotten = policy.expects.filter(field => !isSet(param, field));
  const warnings = forgotten.map(
    (field): Diagnostic => ({
      ...error('lr-policy-field', `lr_policy "${param.lr_policy}" reads ${field}, and the solver does not set it.`, {
        ...at(param, 'lr_policy'),
        hint: `${WITHOUT[field] ?? ''}Add it, e.g. ${EXAMPLES[field]}.`,
      }),
      severity: 'warning',
    }),
  );
  return [...errors, ...warnings];
}

const EXAMPLES: Readonly<Record<Field, string>> = {
  gamma: 'gamma: 0.1',
  power: 'power: 0.75',
  stepsize: 'stepsize: 1000',
  stepvalue: 'stepvalue: 1000',
  max_iter: 'max_iter: 1000',
};

const WITHOUT: Readonly<Partial<Record<Field, string>>> = {
  gamma: 'Caffe takes it as 0. ',
  power: 'Caffe takes it as 0, and the rate never changes. ',
  stepvalue: 'The rate never changes. ',
};

function unknownPolicy(param: SolverParameter): Diagnostic {
  const names = policyNames.join(', ');
  if (!isSet(param, 'lr_policy')) {
    return error('no-lr-policy', 'The solver has no lr_policy.', {
      ...at(param, 'lr_policy'),
      hint: `Add lr_policy: "fixed" for a constant rate, or one of ${names}.`,
    });
  }
  const near = nearest(param.lr_policy, policyNames);
  return error('unknown-lr-policy', `There is no lr_policy "${param.lr_policy}".`, {
    ...at(param, 'lr_policy'),
    hint: `${near ? `Did you mean "${near}"? ` : ''}There are: ${names}.`,
  });
}

/**
 * Training by epochs, as DIGITS does it (digits/model/tasks/caffe_train.py): no solver file, learning-rate policies in
 * per cent of the run, a validation and a snapshot each epoch.
 */

import { create, type SolverParameter } from '../schema/index.js';

/** A learning-rate policy with its positions in per cent of the run. */
export interface PolicyOptions {
  /** Default `step`. */
  readonly policy?: 'fixed' | 'step' | 'multistep' | 'exp' | 'inv' | 'poly' | 'sigmoid' | 'cosine';
  /** step, multistep: factor of each step; exp: what remains after 1 % of the run; inv, sigmoid: steepness. */
  readonly gamma?: number;
  /** inv, poly: the exponent. */
  readonly power?: number;
  /** step: length of a step; sigmoid: middle of the slope. Per cent. */
  readonly stepSize?: number;
  /** multistep: where the steps are. Per cent. */
  readonly stepValues?: readonly number[];
}

/** A training by epochs, as DIGITS' form takes it. */
export interface EpochOptions extends PolicyOptions {
  /** Passes over the training data; may be a fraction. */
  readonly epochs: number;
  /** Default 0.01. */
  readonly lr?: number;
  /** Default 0.9; 0 for the types that take none. */
  readonly momentum?: number;
  /** Default 5e-4; 0.01 for AdamW, whose decay is no part of the gradient. */
  readonly weightDecay?: number;
  /** The solver's type: Caffe's, or AdamW. Default SGD. */
  readonly type?: string;
  /** Batches whose gradients are added up for one update (iter_size). Default 1. */
  readonly accumulate?: number;
  /** Epochs from one validation to the next; may be a fraction. Default 1. */
  readonly valInterval?: number;
  /** Epochs from one snapshot to the next. Default 1; 0 for the last one only. */
  readonly snapshotInterval?: number;
  /** A validation before the first iteration. Default true. */
  readonly testInitialization?: boolean;
}

/** What the data say. */
export interface RunSize {
  /** Batches of one pass over the training data. */
  readonly trainBatches: number;
  /** Entries of one batch. */
  readonly batchSize: number;
  /** Batches of one pass over the validation data; 0 where there are none. */
  readonly valBatches: number;
}

/** DIGITS' form starts with these. */
const DEFAULTS: Readonly<Record<string, Required<Omit<PolicyOptions, 'policy'>>>> = {
  step: { gamma: 0.1, power: 0, stepSize: 33, stepValues: [] },
  multistep: { gamma: 0.5, power: 0, stepSize: 0, stepValues: [50, 85] },
  exp: { gamma: 0.95, power: 0, stepSize: 0, stepValues: [] },
  inv: { gamma: 0.1, power: 0.5, stepSize: 0, stepValues: [] },
  poly: { gamma: 0, power: 3, stepSize: 0, stepValues: [] },
  sigmoid: { gamma: 0.1, power: 0, stepSize: 50, stepValues: [] },
  cosine: { gamma: 0, power: 0, stepSize: 0, stepValues: [] },
};

const WITHOUT_MOMENTUM: ReadonlySet<string> = new Set(['AdaGrad', 'RMSProp']);

/** The solver of a run by epochs. Its nets are not named in it. */
export function digitsSolver(options: EpochOptions, size: RunSize): SolverParameter {
  const { type = 'SGD', accumulate = 1, valInterval = 1, snapshotInterval = 1 } = options;
  const perEpoch = Math.ceil(size.trainBatches / accumulate);
  const maxIter = Math.max(1, Math.ceil(options.epochs * perEpoch));
  const every = (epochs: number) => (epochs > 0 ? Math.max(1, Math.round(epochs * perEpoch)) : 0);
  // Eight times an epoch, or every 5000 pictures where that is more often.
  const display = Math.max(1, Math.min(Math.floor(perEpoch / 8), Math.ceil(5000 / (size.batchSize * accumulate))));
  return create('caffe.SolverParameter', {
    type,
    base_lr: Math.fround(options.lr ?? 0.01),
    momentum: Math.fround(options.momentum ?? (WITHOUT_MOMENTUM.has(type) ? 0 : 0.9)),
    weight_decay: Math.fround(options.weightDecay ?? (type === 'AdamW' ? 0.01 : 5e-4)),
    max_iter: maxIter,
    display,
    average_loss: Math.max(display, Math.min(20, perEpoch)),
    snapshot: every(snapshotInterval),
    snapshot_prefix: 'snapshot',
    ...(accumulate > 1 && { iter_size: accumulate }),
    ...(size.valBatches > 0 && {
      test_iter: [size.valBatches],
      test_interval: every(valInterval),
      test_initialization: options.testInitialization ?? true,
    }),
    ...policyFields(options, maxIter),
  });
}

/** The policy in iterations, from per cent of the run. */
function policyFields(options: EpochOptions, maxIter: number): Partial<SolverParameter> {
  const { policy = 'step' } = options;
  const { gamma, power, stepSize, stepValues } = { ...DEFAULTS[policy], ...given(options) };
  const perCent = maxIter / 100;
  const iterations = (share = 0) => Math.max(1, Math.ceil(share * perCent));
  const fields: Partial<SolverParameter> = { lr_policy: policy };
  if (policy === 'step' || policy === 'sigmoid') fields.stepsize = iterations(stepSize);
  if (policy === 'multistep') fields.stepvalue = (stepValues ?? []).map(iterations);
  if (policy === 'inv' || policy === 'poly') fields.power = Math.fround(power ?? 0);
  const gammas: Readonly<Record<string, (g: number) => number>> = {
    step: g => g,
    multistep: g => g,
    exp: g => g ** (1 / perCent),
    inv: g => g / perCent,
    sigmoid: g => -g / perCent,
  };
  const scaled = gammas[policy]?.(gamma ?? 0);
  return scaled === undefined ? fields : { ...fields, gamma: Math.fround(scaled) };
}

function given({ gamma, power, stepSize, stepValues }: PolicyOptions): PolicyOptions {
  const all = { gamma, power, stepSize, stepValues };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

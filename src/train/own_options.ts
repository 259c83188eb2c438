/** What a caller says of a solver's own fields (`mokapot_param`), in place of what the solver says. */

import { fail } from '../diagnostics/index.js';
import { create, createBeside, type MokapotSolverParameter, type SolverParameter } from '../schema/index.js';
import { MOST_OVERSAMPLING } from '../solver/index.js';

/** Fields of `mokapot_param`, by a caller's options; those given take the place of the solver's. */
export interface OwnOptions {
  /** Iterations in which the learning rate rises to that of the policy. */
  readonly warmup?: number;
  /** The share of the policy's rate that warm-up begins with. Default 0.1. */
  readonly warmupStart?: number;
  /** The rate that policy `cosine` ends with. Default 0. */
  readonly minLr?: number;
  /** Averages the weights: what of the average stays at each iteration, e.g. 0.999. Tests and `.caffemodel` have the average. */
  readonly ema?: number;
  /** The iteration whose weights the average begins with. Default 0. */
  readonly emaStart?: number;
  /** `output[:min|max],patience[,min_delta]`: ends the run when so many tests in a row have brought nothing better. */
  readonly earlyStopping?: string;
  /**
   * Weights of classes in SoftmaxWithLoss: `auto` or `sqrt` by the data set's shares, or a number for each class, `0.5,2`.
   */
  readonly classWeights?: string;
  /** `CLASS=FACTOR`: entries whose label has the class (name or number) are read so many times an epoch, as a mean. */
  readonly oversample?: readonly string[];
}

/** The solver with these options in its `mokapot_param`. @throws MokapotError `early-stopping`, `oversample` */
export function withOwnOptions(param: SolverParameter, options: OwnOptions): SolverParameter {
  const { warmup, warmupStart, minLr, ema, emaStart, earlyStopping, classWeights, oversample } = options;
  const given: Partial<MokapotSolverParameter> = {
    ...(warmup !== undefined && { warmup_iter: warmup }),
    ...(warmupStart !== undefined && { warmup_start: Math.fround(warmupStart) }),
    ...(minLr !== undefined && { min_lr: Math.fround(minLr) }),
    ...(ema !== undefined && { ema_decay: Math.fround(ema) }),
    ...(emaStart !== undefined && { ema_start: emaStart }),
    ...(earlyStopping !== undefined && { early_stopping: earlyStoppingOf(earlyStopping) }),
    ...(classWeights !== undefined && { class_weights: classWeights }),
    ...(oversample !== undefined && { oversample: oversample.map(oversamplingOf) }),
  };
  if (Object.keys(given).length === 0) return param;
  if (param.mokapot_param) Object.assign(param.mokapot_param, given);
  else param.mokapot_param = createBeside(param, 'caffe.MokapotSolverParameter', given);
  return param;
}

function earlyStoppingOf(text: string) {
  const [output = '', patience, delta = '0', ...rest] = text.split(',').map(part => part.trim());
  const [count, by] = [Number(patience), Number(delta)];
  if (output !== '' && Number.isSafeInteger(count) && count >= 1 && by >= 0 && delta !== '' && rest.length === 0)
    return create('caffe.EarlyStopping', { output, patience: count, min_delta: Math.fround(by) });
  throw fail('early-stopping', `"${text}" does not say when to stop.`, {
    hint: 'Write an output, how many tests in a row may bring nothing better, and by how much better counts: dice:max,10 or loss:min,5,0.001.',
  });
}

function oversamplingOf(text: string) {
  const [, name = '', factor = ''] = /^(.+)=([^=]+)$/.exec(text) ?? [];
  const times = Number(factor);
  if (name !== '' && factor.trim() !== '' && times >= 1 && times <= MOST_OVERSAMPLING)
    return create('caffe.Oversampling', { class: name, factor: Math.fround(times) });
  throw fail('oversample', `"${text}" does not say what to read more often.`, {
    hint: 'Write a class and how many times an epoch entries with it are read, from 1 to 1000: "left ventricle=3" or 1=3.',
  });
}

/** The two losses of MultiBoxLoss, of locations and of confidences, with their slopes (bbox_util.cpp). */

import { nth } from '../../diagnostics/index.js';
import { MultiBoxLossParameter } from '../../schema/index.js';
import { type Match, NONE } from './box_match.js';
import { type Box, boxAt, decode, encode, UNIT } from './boxes.js';
import { type Job, locAt } from './multibox_job.js';

const { ConfLossType, LocLossType, MiningType } = MultiBoxLossParameter;

/** The least normal float: the logarithm of no smaller share is taken. */
const FLT_MIN = 2 ** -126;

/** One match as two codes, the predicted and the true one, and where the prediction lies (EncodeLocPrediction). */
interface CodePair {
  readonly at: number;
  readonly predicted: Box;
  readonly wanted: Box;
}

export function codePairs(job: Job, picture: number, { label, truth }: Match): CodePair[] {
  const { param, priors, loc } = job;
  const inTarget = param.encode_variance_in_target;
  const pairs: CodePair[] = [];
  const over = (code: Box, variance: Box) =>
    (inTarget ? code.map((v, i) => Math.fround(v / variance[i]!)) : code) as Box;
  truth.forEach((t, p) => {
    if (t <= NONE) return;
    const { box, variance } = nth(priors, p);
    const used = inTarget ? UNIT : variance;
    const at = locAt(job, picture, p, label);
    const code = boxAt(loc, at);
    const wanted = encode(box, used, nth(nth(job.truths, picture), t).box, param.code_type);
    const matched = param.use_prior_for_matching ? box : decode(box, used, code, param.code_type);
    const outside = (i: number) => param.bp_inside && (matched[i]! < 0 || matched[i]! > 1);
    const predicted = code.map((v, i) => (outside(i) ? wanted[i]! : v)) as unknown as Box;
    pairs.push({ at, predicted: over(predicted, variance), wanted: over(wanted, variance) });
  });
  return pairs;
}

/** Loss of one difference and its slope. */
function locTerm(d: number, type: number): readonly [loss: number, slope: number] {
  if (type === LocLossType.L2 || Math.abs(d) < 1) return [0.5 * d * d, d];
  return [Math.abs(d) - 0.5, Math.sign(d)];
}

export function locLoss({ predicted, wanted }: CodePair, type: number): number {
  return predicted.reduce((sum, v, i) => sum + locTerm(v - wanted[i]!, type)[0], 0);
}

/** SoftmaxWithLoss of one prior's scores; adds the slopes to `slopes` at `at`. */
function softmaxLoss(conf: Float32Array, at: number, classes: number, label: number, slopes?: Float32Array): number {
  let greatest = conf[at]!;
  for (let i = at + 1; i < at + classes; i++) if (conf[i]! > greatest) greatest = conf[i]!;
  let total = 0;
  for (let i = at; i < at + classes; i++) total += Math.exp(conf[i]! - greatest);
  const share = (i: number) => Math.exp(conf[i]! - greatest) / total;
  if (slopes) for (let i = at; i < at + classes; i++) slopes[i]! += share(i) - Number(i === at + label);
  return -Math.log(Math.max(share(at + label), FLT_MIN));
}

/** SigmoidCrossEntropyLoss of one score. */
function logisticLoss(x: number, target: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - x * target;
}

/** The confidence loss of each prior of a picture, by which examples are mined (ComputeConfLoss). */
export function confLosses(job: Job, picture: number, { truth }: Match): number[] {
  const { param, background, conf, priors } = job;
  const classes = param.num_classes;
  return priors.map((_, p) => {
    const label = truth[p]! > NONE ? nth(nth(job.truths, picture), truth[p]!).label : background;
    const at = (picture * priors.length + p) * classes;
    if (param.conf_loss_type === ConfLossType.SOFTMAX) return softmaxLoss(conf, at, classes, label);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += logisticLoss(conf[at + c]!, Number(c === label));
    return sum;
  });
}

/** What counts of a picture: its matches, and the negatives mined from them. */
export interface Found {
  readonly matches: readonly Match[];
  readonly negatives: readonly number[];
}

/** Σ of location losses, times loc_weight; slopes by prediction. With the variance in the target a slope is the code's. */
export function locations(job: Job, found: readonly Found[]): { loss: number; slopes: Float32Array } {
  const { loc_loss_type, loc_weight } = job.param;
  const slopes = new Float32Array(job.loc.length);
  let loss = 0;
  found.forEach(({ matches }, picture) => {
    for (const match of matches)
      for (const pair of codePairs(job, picture, match)) {
        loss += loc_weight * locLoss(pair, loc_loss_type);
        for (let i = 0; i < 4; i++)
          slopes[pair.at + i] = loc_weight * locTerm(pair.predicted[i]! - pair.wanted[i]!, loc_loss_type)[1];
      }
  });
  return { loss, slopes };
}

/** What each score is measured by: a prior's place among all, and its class. */
interface Example {
  readonly at: number;
  readonly label: number;
}

/** All priors without mining, else matched ones and mined negatives (EncodeConfPrediction). */
function examplesOf(job: Job, found: readonly Found[]): Example[] {
  const { param, background, priors } = job;
  const mining = param.mining_type !== MiningType.NONE;
  return found.flatMap(({ matches, negatives }, picture) => {
    const first = picture * priors.length;
    const labels = new Map<number, number>(mining ? [] : priors.map((_, p) => [p, background]));
    for (const { truth } of matches)
      truth.forEach((t, p) => {
        if (t > NONE)
          labels.set(p, param.map_object_to_agnostic ? background + 1 : nth(nth(job.truths, picture), t).label);
      });
    for (const p of negatives) labels.set(p, background);
    return [...labels].map(([p, label]) => ({ at: first + p, label }));
  });
}

/**
 * Targets of LOGISTIC, by score. They start as background_label_id (0 as a rule) everywhere; without mining those of
 * picture i begin at i · priors, not at i · priors · classes. Both are SSD's own (EncodeConfPrediction).
 */
function logisticTargets(job: Job, found: readonly Found[], examples: readonly Example[]): Float32Array {
  const { param, background, priors, conf } = job;
  const classes = param.num_classes;
  const targets = new Float32Array(conf.length).fill(background);
  const mining = param.mining_type !== MiningType.NONE;
  if (mining) {
    for (const { at, label } of examples) if (label >= 0 && label < classes) targets[at * classes + label] = 1;
    return targets;
  }
  found.forEach(({ matches }, picture) => {
    for (const { truth } of matches)
      truth.forEach((t, p) => {
        const label = param.map_object_to_agnostic ? background + 1 : (nth(job.truths, picture)[t]?.label ?? 0);
        if (t > NONE) targets[picture * priors.length + p * classes + label] = 1;
      });
  });
  return targets;
}

export function confidences(job: Job, found: readonly Found[]): { loss: number; slopes: Float32Array } {
  const { param, conf } = job;
  const classes = param.num_classes;
  const slopes = new Float32Array(conf.length);
  const examples = examplesOf(job, found);
  let loss = 0;
  if (param.conf_loss_type === ConfLossType.SOFTMAX) {
    for (const { at, label } of examples) loss += softmaxLoss(conf, at * classes, classes, label, slopes);
    return { loss, slopes };
  }
  const targets = logisticTargets(job, found, examples);
  for (const { at } of examples)
    for (let i = at * classes; i < (at + 1) * classes; i++) {
      loss += logisticLoss(conf[i]!, targets[i]!);
      slopes[i] = 1 / (1 + Math.exp(-conf[i]!)) - targets[i]!;
    }
  return { loss, slopes };
}

/** MultiBoxLoss (SSD): boxes and scores predicted from priors against the true boxes of each picture. */

import type { HostArray } from '../ir/index.js';
import { isSet, LossParameter, MultiBoxLossParameter, sub } from '../schema/index.js';
import { countOf, showBottom } from './axis.js';
import { ANY, type Match, matchBoxes, NONE, type Truth } from './box_match.js';
import { mine } from './box_mining.js';
import { type Box, boxAt, decode, encode, type Prior, priorsOf, UNIT } from './boxes.js';
import { normalizationMode } from './labels.js';
import type { LayerContext, LayerType } from './types.js';

const { ConfLossType, LocLossType, MiningType } = MultiBoxLossParameter;

/** The least normal float: the logarithm of no smaller share is taken. */
const FLT_MIN = 2 ** -126;

/** What a run works on, of all pictures. */
interface Job {
  readonly ctx: LayerContext;
  readonly param: MultiBoxLossParameter;
  /** −1 where the number written is 2³² − 1, as in C. */
  readonly background: number;
  readonly pictures: number;
  readonly priors: readonly Prior[];
  readonly loc: Float32Array;
  readonly conf: Float32Array;
  /** By picture; empty where it has none. */
  readonly truths: readonly (readonly Truth[])[];
}

/** Rows [picture, label, instance, xmin, ymin, xmax, ymax, difficult]; those of picture −1 are padding (GetGroundTruth). */
function truthsOf(ctx: LayerContext, data: Float32Array, pictures: number): readonly (readonly Truth[])[] {
  const param = sub(ctx.param, 'multibox_loss_param');
  const truths = Array.from({ length: pictures }, (): Truth[] => []);
  for (let at = 0; at < data.length; at += 8) {
    const [picture, label] = [Math.trunc(data[at]!), Math.trunc(data[at + 1]!)];
    if (picture === -1 || (!param.use_difficult_gt && data[at + 7] !== 0)) continue;
    if (label === (param.background_label_id | 0) || !(label >= 0 && label < param.num_classes)) {
      throw ctx.fail('multibox-label', `row ${at / 8} of ${showBottom(ctx, 3)} has label ${label}.`, {
        hint: `Labels of objects go from 0 to ${param.num_classes - 1}, without the background's ${param.background_label_id}.`,
      });
    }
    truths[picture]?.push({ label, box: boxAt(data, at + 3) });
  }
  return truths;
}

/** How many numbers lie before the location prediction of a prior for a class. */
function locAt({ param, priors }: Job, picture: number, prior: number, label: number): number {
  const classes = param.share_location ? 1 : param.num_classes;
  return 4 * ((picture * priors.length + prior) * classes + (label === ANY ? 0 : label));
}

/** The boxes that the location predictions for a class make of the priors. */
function predictedBoxes(job: Job, picture: number, label: number): Box[] {
  const { param, priors, loc } = job;
  return priors.map(({ box, variance }, p) => {
    const code = boxAt(loc, locAt(job, picture, p, label));
    return decode(box, param.encode_variance_in_target ? UNIT : variance, code, param.code_type);
  });
}

/** Matches by class, in order of the classes; none where the picture has no truth (FindMatches). */
function matchesOf(job: Job, picture: number): Match[] {
  const { param, background, priors } = job;
  const truths = job.truths[picture]!;
  if (truths.length === 0) return [];
  const classes = param.share_location ? [ANY] : [...Array(param.num_classes).keys()].filter(c => c !== background);
  if (!param.use_prior_for_matching)
    return classes.map(c => matchBoxes(truths, predictedBoxes(job, picture, c), c, param));
  const boxes = priors.map(prior => prior.box);
  const all = matchBoxes(truths, boxes, ANY, param);
  if (param.share_location) return [all];
  return classes.map(label => {
    const truth = all.truth.map(t => (t > NONE && truths[t]!.label === label ? t : NONE));
    return { label, truth, overlap: all.overlap };
  });
}

/** One match as two codes, the predicted and the true one, and where the prediction lies (EncodeLocPrediction). */
interface CodePair {
  readonly at: number;
  readonly predicted: Box;
  readonly wanted: Box;
}

function codePairs(job: Job, picture: number, { label, truth }: Match): CodePair[] {
  const { param, priors, loc } = job;
  const inTarget = param.encode_variance_in_target;
  const pairs: CodePair[] = [];
  const over = (code: Box, variance: Box) =>
    (inTarget ? code.map((v, i) => Math.fround(v / variance[i]!)) : code) as Box;
  truth.forEach((t, p) => {
    if (t <= NONE) return;
    const { box, variance } = priors[p]!;
    const used = inTarget ? UNIT : variance;
    const at = locAt(job, picture, p, label);
    const code = boxAt(loc, at);
    const wanted = encode(box, used, job.truths[picture]![t]!.box, param.code_type);
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

function locLoss({ predicted, wanted }: CodePair, type: number): number {
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
function confLosses(job: Job, picture: number, { truth }: Match): number[] {
  const { param, background, conf, priors } = job;
  const classes = param.num_classes;
  return priors.map((_, p) => {
    const label = truth[p]! > NONE ? job.truths[picture]![truth[p]!]!.label : background;
    const at = (picture * priors.length + p) * classes;
    if (param.conf_loss_type === ConfLossType.SOFTMAX) return softmaxLoss(conf, at, classes, label);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += logisticLoss(conf[at + c]!, Number(c === label));
    return sum;
  });
}

/** The negatives that count, mined from the one match of a picture; a picture without truths has none. */
function negativesOf(job: Job, picture: number, match: Match): number[] {
  const { param } = job;
  const losses = confLosses(job, picture, match);
  if (param.mining_type === MiningType.HARD_EXAMPLE) {
    const pairs = codePairs(job, picture, match)[Symbol.iterator]();
    match.truth.forEach((t, p) => {
      if (t > NONE) losses[p]! += locLoss(pairs.next().value!, param.loc_loss_type);
    });
  }
  const boxes =
    param.nms_param && !param.use_prior_for_nms
      ? predictedBoxes(job, picture, match.label)
      : job.priors.map(prior => prior.box);
  return mine(match, losses, boxes, param);
}

interface Found {
  readonly matches: readonly Match[];
  readonly negatives: readonly number[];
}

/** Σ of location losses, times loc_weight; slopes by prediction. With the variance in the target a slope is the code's. */
function locations(job: Job, found: readonly Found[]): { loss: number; slopes: Float32Array } {
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
        if (t > NONE) labels.set(p, param.map_object_to_agnostic ? background + 1 : job.truths[picture]![t]!.label);
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
        const label = param.map_object_to_agnostic ? background + 1 : (job.truths[picture]![t]?.label ?? 0);
        if (t > NONE) targets[picture * priors.length + p * classes + label] = 1;
      });
  });
  return targets;
}

function confidences(job: Job, found: readonly Found[]): { loss: number; slopes: Float32Array } {
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

/** By what both losses are divided (LossLayer::GetNormalizer): VALID counts the matches. */
function divisor(job: Job, matched: number): number {
  const { FULL, BATCH_SIZE, NONE: NOTHING } = LossParameter.NormalizationMode;
  const mode = normalizationMode(job.ctx);
  if (mode === NOTHING) return 1;
  if (mode === BATCH_SIZE) return Math.max(1, job.pictures);
  return Math.max(1, mode === FULL ? job.pictures * job.priors.length : matched);
}

/** The loss, and its slopes by location and by confidence. */
function compute(ctx: LayerContext, inputs: readonly HostArray[]): Float32Array[] {
  const [loc, conf, priors, truths] = inputs as readonly [HostArray, HostArray, HostArray, HostArray];
  const param = sub(ctx.param, 'multibox_loss_param');
  const pictures = loc.shape[0]!;
  const job: Job = {
    ctx,
    param,
    background: param.background_label_id | 0,
    pictures,
    priors: priorsOf(priors.data),
    loc: loc.data,
    conf: conf.data,
    truths: truthsOf(ctx, truths.data, pictures),
  };
  const found = Array.from({ length: pictures }, (_, picture): Found => {
    const matches = matchesOf(job, picture);
    const mining = param.mining_type !== MiningType.NONE && matches.length > 0;
    return { matches, negatives: mining ? negativesOf(job, picture, matches[0]!) : [] };
  });
  const matched = found.flatMap(f => f.matches.flatMap(m => [...m.truth])).filter(t => t > NONE).length;
  const by = divisor(job, matched);
  const wanted = (bottom: number) => Number(ctx.param.propagate_down[bottom] ?? true) / by;
  const parts = [locations(job, found), confidences(job, found)];
  const loss = parts.reduce((sum, part, i) => sum + part.loss * wanted(i), 0);
  return [Float32Array.of(loss), ...parts.map((part, i) => part.slopes.map(v => v * wanted(i)))];
}

function check(ctx: LayerContext): void {
  const param = sub(ctx.param, 'multibox_loss_param');
  const wrong = (field: string, message: string, hint?: string) =>
    ctx.fail('multibox', message, { field: `multibox_loss_param.${field}`, ...(hint && { hint }) });
  const { num_classes: classes, mining_type } = param;
  const background = param.background_label_id | 0;
  if (!(classes > 0)) throw wrong('num_classes', 'num_classes is missing or 0.');
  if (param.conf_loss_type === ConfLossType.SOFTMAX && !(background >= 0 && background < classes))
    throw wrong(
      'background_label_id',
      `background_label_id ${background} is none of ${classes} classes.`,
      'With SOFTMAX one class is the background.',
    );
  const mining = mining_type !== MiningType.NONE;
  if (mining && !param.share_location)
    throw wrong(
      'mining_type',
      'examples are mined, and share_location is false.',
      'Write mining_type: NONE, or share the locations.',
    );
  if (isSet(param, 'do_neg_mining') && param.do_neg_mining !== mining)
    throw wrong(
      'do_neg_mining',
      `do_neg_mining is ${param.do_neg_mining}, and mining_type says otherwise.`,
      'do_neg_mining is the older name: leave it out and write mining_type: MAX_NEGATIVE or NONE.',
    );
  if (mining_type === MiningType.HARD_EXAMPLE && !(param.sample_size > 0))
    throw wrong('sample_size', `sample_size is ${param.sample_size}.`);
  const objects = background >= 0 ? 2 : 1;
  if (param.map_object_to_agnostic && classes !== objects)
    throw wrong(
      'map_object_to_agnostic',
      `map_object_to_agnostic makes one class of all objects, and num_classes is ${classes}.`,
      `Write num_classes: ${objects}.`,
    );
}

function checkShapes(ctx: LayerContext): void {
  const { num_classes, share_location } = sub(ctx.param, 'multibox_loss_param');
  const [loc, conf, priors, truths] = ctx.bottomShapes as readonly (readonly number[])[];
  if (priors!.length < 3 || priors![1] !== 2 || priors![2]! % 4 !== 0 || countOf(priors!, 0) !== 2 * priors![2]!)
    throw ctx.fail('multibox-shapes', `${showBottom(ctx, 2)} must be priors, [1, 2, boxes · 4].`);
  const boxes = priors![2]! / 4;
  [boxes * 4 * (share_location ? 1 : num_classes), boxes * num_classes].forEach((needed, i) => {
    const shape = [loc!, conf!][i]!;
    if (shape.length > 0 && shape[0] === loc![0] && countOf(shape, 1) === needed) return;
    throw ctx.fail('multibox-shapes', `${showBottom(ctx, i)} must hold ${needed} numbers for each picture.`, {
      hint: `There are ${boxes} priors in ${showBottom(ctx, 2)} and ${num_classes} classes.`,
    });
  });
  if (truths!.length !== 4 || truths![3] !== 8 || countOf(truths!, 0, 2) !== 1)
    throw ctx.fail('multibox-shapes', `${showBottom(ctx, 3)} must be true boxes, [1, 1, boxes, 8].`, {
      hint: 'Each row is picture, label, instance, xmin, ymin, xmax, ymax, difficult; rows of picture −1 are padding.',
    });
}

/**
 * After SSD (multibox_loss_layer.cpp, bbox_util.cpp of weiliu89/caffe, branch ssd). Where a bottom's propagate_down is
 * false its loss is left out of the top too. With encode_variance_in_target SSD does not divide the location's gradient by
 * the variance, and neither does this.
 */
export const multiBoxLoss: LayerType = {
  type: 'MultiBoxLoss',
  doc: 'loc_weight · location loss of the priors that match a true box + confidence loss of these and of mined negatives, over the number of matches. Bottoms: locations, scores, priors, true boxes as rows [picture, label, instance, xmin, ymin, xmax, ymax, difficult].',
  formula:
    '(loc_weight · Σ_matches smooth L1(code − encode(prior, box)) − Σ_{matches, negatives} log softmax(scores)[label]) / normalizer',
  shapeRule: 'A scalar.',
  paramFields: ['multibox_loss_param', 'loss_param'],
  unheeded: {
    ignore_label: 'boxes are left out by use_difficult_gt',
    weight_by_label_freqs: 'SoftmaxWithLoss alone weighs classes',
    class_weighting: 'SoftmaxWithLoss alone weighs classes',
  },
  bottoms: { min: 4, max: 4 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  canBackward: (_, bottom) => bottom < 2,
  reshape(ctx) {
    check(ctx);
    checkShapes(ctx);
    return { tops: [[]], params: [] };
  },
  lower(ctx, b, bottoms) {
    const [loc, conf] = bottoms.map(x => x.shape);
    const [loss] = b.hostCall(bottoms, {
      name: ctx.name,
      outputs: [[], loc!, conf!],
      run: inputs => compute(ctx, inputs),
      backward: ([, , , , , byLoc, byConf, dy]) => [byLoc!, byConf!].map(({ data }) => data.map(v => v * dy!.data[0]!)),
    });
    return [loss!];
  },
};

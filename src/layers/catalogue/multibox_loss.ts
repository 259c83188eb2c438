/** MultiBoxLoss (SSD): boxes and scores predicted from priors against the true boxes of each picture. */

import { nth } from '../../diagnostics/index.js';
import type { HostArray } from '../../ir/index.js';
import { isSet, LossParameter, MultiBoxLossParameter, sub } from '../../schema/index.js';
import { type Match, NONE } from '../detection/box_match.js';
import { mine } from '../detection/box_mining.js';
import { checkPredictions } from '../detection/box_predictions.js';
import { type Job, jobOf, matchesOf, predictedBoxes } from '../detection/multibox_job.js';
import { codePairs, confidences, confLosses, type Found, locations, locLoss } from '../detection/multibox_terms.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { normalizationMode } from '../rules/labels.js';
import type { LayerContext, LayerType } from '../types.js';

const { ConfLossType, MiningType } = MultiBoxLossParameter;

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

/** By what both losses are divided (LossLayer::GetNormalizer): VALID counts the matches. */
function divisor(job: Job, matched: number): number {
  const { FULL, BATCH_SIZE, NONE: NOTHING } = LossParameter.NormalizationMode;
  const mode = normalizationMode(job.ctx);
  if (mode === NOTHING) return 1;
  if (mode === BATCH_SIZE) return Math.max(1, job.pictures);
  return Math.max(1, mode === FULL ? job.pictures * job.priors.length : matched);
}

/** The loss, and its slopes by location and by confidence. */
function compute(ctx: LayerContext<4>, inputs: readonly HostArray[]): Float32Array[] {
  const job = jobOf(ctx, inputs);
  const { param, pictures } = job;
  const found = Array.from({ length: pictures }, (_, picture): Found => {
    const matches = matchesOf(job, picture);
    const mining = param.mining_type !== MiningType.NONE && matches.length > 0;
    return { matches, negatives: mining ? negativesOf(job, picture, nth(matches, 0)) : [] };
  });
  const matched = found.flatMap(f => f.matches.flatMap(m => [...m.truth])).filter(t => t > NONE).length;
  const by = divisor(job, matched);
  const wanted = (bottom: number) => Number(ctx.param.propagate_down[bottom] ?? true) / by;
  const parts = [locations(job, found), confidences(job, found)];
  const loss = parts.reduce((sum, part, i) => sum + part.loss * wanted(i), 0);
  return [Float32Array.of(loss), ...parts.map((part, i) => part.slopes.map(v => v * wanted(i)))];
}

function check(ctx: LayerContext<4>): void {
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

function checkTruths(ctx: LayerContext<4>): void {
  const truths = ctx.bottomShapes[3];
  if (truths.length === 4 && truths[3] === 8 && countOf(truths, 0, 2) === 1) return;
  throw ctx.misfit('multibox-shapes', `${showBottom(ctx, 3)} must be true boxes, [1, 1, boxes, 8].`, {
    hint: 'Each row is picture, label, instance, xmin, ymin, xmax, ymax, difficult; rows of picture −1 are padding.',
  });
}

/**
 * After SSD (multibox_loss_layer.cpp, bbox_util.cpp of weiliu89/caffe, branch ssd). Where a bottom's propagate_down is
 * false its loss is left out of the top too. With encode_variance_in_target SSD does not divide the location's gradient by
 * the variance, and neither does this.
 */
export const multiBoxLoss: LayerType<4> = {
  type: 'MultiBoxLoss',
  doc: 'loc_weight · location loss of the priors that match a true box + confidence loss of these and of mined negatives, over the number of matches. Bottoms: locations, scores, priors, true boxes as rows [picture, label, instance, xmin, ymin, xmax, ymax, difficult].',
  formula:
    '(loc_weight · Σ_matches smooth L1(code − encode(prior, box)) − Σ_{matches, negatives} log softmax(scores)[label]) / normalizer',
  shapeRule: 'A scalar.',
  paramFields: ['multibox_loss_param', 'loss_param'],
  unheededFields: {
    'loss_param.ignore_label': 'boxes are left out by use_difficult_gt',
    'loss_param.weight_by_label_freqs': 'SoftmaxWithLoss alone weighs classes',
    'loss_param.class_weighting': 'SoftmaxWithLoss alone weighs classes',
  },
  ...readsElsewhere,
  predictions: 3,
  bottoms: { min: 4, max: 4 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  canBackward: (_, bottom) => bottom < 2,
  reshape(ctx) {
    check(ctx);
    checkPredictions(ctx, sub(ctx.param, 'multibox_loss_param'));
    checkTruths(ctx);
    return { tops: [[]], params: [] };
  },
  lower(ctx, b, bottoms) {
    const [loc, conf] = bottoms.map(x => x.shape);
    const [loss] = b.hostCall(bottoms, {
      name: ctx.name,
      outputs: [[], loc!, conf!],
      run: inputs => compute(ctx, inputs),
      backward: ([, , , , , byLoc, byConf, dy]) => [byLoc, byConf].map(({ data }) => data.map(v => v * dy.data[0]!)),
    });
    return [loss!];
  },
};

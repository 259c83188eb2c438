/** SoftmaxWithLoss: −log of the softmax share of the right class, averaged. */

import { type Builder, dim, sizeOf, type Value } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { canonicalAxis, countOf } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import {
  addedUp,
  atLabel,
  checkFirstAxis,
  checkLabelCount,
  ignored,
  labelsAt,
  normalizationMode,
  normalizer,
  sumByLabel,
} from '../rules/labels.js';
import { slopeOf } from '../rules/slope_of.js';
import { softmaxParts } from '../rules/softmax_rule.js';
import type { LayerContext, LayerType } from '../types.js';

function softmaxAxis(ctx: LayerContext<2>): number {
  return canonicalAxis(ctx, sub(ctx.param, 'softmax_param').axis, ctx.bottomShapes[0], 'softmax_param.axis');
}

/** −log of the least normal float: Caffe takes the logarithm of no share below it. */
const GREATEST = -Math.log(2 ** -126);

/**
 * How much a position's loss counts by its label, or undefined where all count alike (SegNet's softmax_loss_layer.cpp): by
 * class_weighting, or in the older form without it by 1 / the number of such labels in the batch, ignored ones and all. What
 * the loss is divided by does not change.
 */
function classWeights(ctx: LayerContext<2>, b: Builder, labels: Value, axis: number): Value | undefined {
  const { weight_by_label_freqs, class_weighting } = sub(ctx.param, 'loss_param');
  if (!weight_by_label_freqs) return undefined;
  const classes = dim(ctx.bottomShapes[0], axis);
  const ones = b.broadcast(b.scalar(1), labels.shape);
  const weights =
    class_weighting.length > 0
      ? b.constant(Float32Array.from(class_weighting), [classes])
      : b.div(1, b.max(sumByLabel(b, ones, labels, classes), 1));
  return b.reshape(b.gather(weights, b.reshape(labels, [sizeOf(labels.shape)]), 0), labels.shape);
}

function checkWeights(ctx: LayerContext<2>, classes: number): void {
  const { weight_by_label_freqs, class_weighting } = sub(ctx.param, 'loss_param');
  const field = 'loss_param.class_weighting';
  if (class_weighting.length > 0 && !weight_by_label_freqs)
    throw ctx.fail('class-weights', 'class_weighting is given, and weight_by_label_freqs is not on.', {
      field,
      hint: 'Write weight_by_label_freqs: true beside it, or leave it out.',
    });
  if (class_weighting.length === 0 || class_weighting.length === classes) return;
  throw ctx.fail('class-weights', `class_weighting is given ${class_weighting.length} times for ${classes} classes.`, {
    field,
    hint: 'Give one weight for each class, in order.',
  });
}

/** What SoftmaxWithLoss and SoftmaxWithLossOHEM make of scores and labels. */
interface SoftmaxLoss {
  readonly loss: Value;
  /** The softmax, as a constant to the gradient. */
  readonly shares: Value;
  /** −log of the right class's share at each position, 0 where it is ignored; a constant to the gradient. */
  readonly each: Value;
}

export function softmaxLoss(ctx: LayerContext<2>, b: Builder, x: Value, label: Value): SoftmaxLoss {
  const axis = softmaxAxis(ctx);
  const { shifted, exponentials, total } = softmaxParts(b, x, axis);
  const labels = labelsAt(b, label, x.shape, axis);
  const surprise = b.sub(b.reshape(b.log(total), labels.shape), atLabel(b, shifted, labels, axis));
  const skipped = ignored(b, labels, sub(ctx.param, 'loss_param'));
  const counted = skipped ? b.select(skipped, 0, surprise) : surprise;
  const cut = b.stopGradient(b.min(counted, GREATEST));
  const held = b.add(cut, slopeOf(b, counted));
  const weights = classWeights(ctx, b, labels, axis);
  const value = b.sum(weights ? b.mul(held, weights) : held);
  const outer = countOf(x.shape, 0, axis);
  const loss = b.div(value, normalizer(ctx, b, { outer, positions: sizeOf(labels.shape), skipped }));
  return { loss, shares: b.stopGradient(b.div(exponentials, total)), each: cut };
}

/** Throws where scores, labels or class weights do not fit. */
export function checkSoftmaxLoss(ctx: LayerContext<2>): void {
  checkFirstAxis(ctx);
  const axis = softmaxAxis(ctx);
  checkLabelCount(ctx, axis);
  checkWeights(ctx, dim(ctx.bottomShapes[0], axis));
}

/**
 * The value is cut where the share falls below FLT_MIN; the gradient, share − 1 at the label, is not
 * (softmax_loss_layer.cpp). Labels that are no class (and not ignored) count as a loss of log Σ exp with no gradient.
 */
export const softmaxWithLoss: LayerType<2> = {
  type: 'SoftmaxWithLoss',
  doc: '−log of the softmax share of the right class, averaged over the labels that count. SegNet’s weight_by_label_freqs multiplies each by its class_weighting.',
  formula: '−Σ_n w[label_n] · log softmax(x)[label_n] / normalizer, w being 1 but for SegNet’s class weights',
  shapeRule: 'A scalar; a second top is the shares, as the first bottom.',
  paramFields: ['softmax_param', 'loss_param'],
  differences:
    'Labels that are no class count as a loss of log Σ exp without gradient, where Caffe reads outside its memory.',
  ...readsElsewhere,
  classLabels: { axis: param => sub(param, 'softmax_param').axis, ignoreIn: 'loss_param', weighs: true },
  applies: {
    activation: 'softmax',
    layer: 'Softmax',
    field: 'softmax_param',
    without: 'MultinomialLogisticLoss',
  },
  addedUp: ctx => addedUp(ctx, sizeOf(ctx.bottomShapes[1]), normalizationMode(ctx)),
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 2 },
  isLoss: true,
  canBackward: (_, bottom) => bottom !== 1,
  reshape(ctx) {
    checkSoftmaxLoss(ctx);
    return { tops: [[], ctx.bottomShapes[0]].slice(0, ctx.topCount), params: [] };
  },
  lower(ctx, b, [x, label]) {
    const { loss, shares } = softmaxLoss(ctx, b, x, label);
    return [loss, shares].slice(0, ctx.topCount);
  },
};

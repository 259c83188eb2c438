/** Labels beside predictions: how the two must fit, which count, and what a loss is divided by. */

import { type Builder, dim, type Shape, sizeOf, type Value } from '../../ir/index.js';
import { isSet, LossParameter, sub } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import type { LayerContext, OneOrMore } from '../types.js';
import { slopeOf } from './slope_of.js';

/** LossLayer's own check: predictions and labels (or targets) agree in their first axis. */
export function checkFirstAxis(ctx: LayerContext): void {
  const [x, label] = ctx.bottomShapes as [Shape, Shape];
  if (x.length === 0 || label.length === 0) {
    throw ctx.fail('loss-axes', `${showBottom(ctx, x.length === 0 ? 0 : 1)} has no axis for the samples of a batch.`, {
      hint: 'The first axis of both bottoms counts the samples.',
    });
  }
  if (x[0] === label[0]) return;
  throw ctx.misfit('batch-mismatch', `${showBottom(ctx, 0)} and ${showBottom(ctx, 1)} differ in their first axis.`, {
    hint: 'Both must come from the same batch.',
  });
}

/** All bottoms, predictions and targets alike, have as many elements as the first. */
export function checkSameCount(ctx: LayerContext): void {
  const [size] = ctx.bottomShapes.map(sizeOf);
  const mismatch = ctx.bottomShapes.findIndex(shape => sizeOf(shape) !== size);
  if (mismatch > 0)
    throw ctx.misfit('loss-shapes', `${showBottom(ctx, 0)} and ${showBottom(ctx, mismatch)} differ in their numbers.`);
}

/** One label per position: x without its class axis must have as many elements as there are labels. */
export function checkLabelCount(ctx: LayerContext, axis: number): void {
  const [x, label] = ctx.bottomShapes as [Shape, Shape];
  const positions = countOf(x, 0, axis) * countOf(x, axis + 1);
  if (positions === sizeOf(label)) return;
  throw ctx.misfit(
    'label-count',
    `${showBottom(ctx, 0)} needs ${positions} labels, one for each position, and ${showBottom(ctx, 1)} has ${sizeOf(label)}.`,
    {
      hint: `With the classes on axis ${axis}, the labels' shape is [${x.map((d, i) => (i === axis ? 1 : d)).join(', ')}]: crop or upsample the scores, or the labels, to fit.`,
    },
  );
}

/** Labels as whole numbers, one per position of x without its class axis. */
export function labelsAt(b: Builder, label: Value, x: Shape, axis: number): Value {
  return b.floor(b.reshape(label, [...x.slice(0, axis), ...x.slice(axis + 1)]));
}

/** One label per sample and nothing else (the older losses). */
export function checkOneLabel(ctx: LayerContext): void {
  checkFirstAxis(ctx);
  const [x, label] = ctx.bottomShapes as [Shape, Shape];
  if (sizeOf(label) === x[0]) return;
  throw ctx.misfit('label-count', `${showBottom(ctx, 1)} has ${sizeOf(label)} labels for ${x[0]} samples.`, {
    hint: `It takes one label for each sample: [${x[0]}].`,
  });
}

/** x as [samples, classes]. */
export function perSample(b: Builder, x: Value): Value {
  return b.reshape(x, [x.shape[0] ?? 1, countOf(x.shape, 1)]);
}

/** max(x, least) as a value, to the last bit; x as to the gradient. */
export function heldAbove(b: Builder, x: Value, least: number): Value {
  return b.add(b.stopGradient(b.max(x, least)), slopeOf(b, x));
}

/** Logarithms are taken of nothing smaller (loss_layer.hpp). */
export const LOG_THRESHOLD = 1e-20;

/**
 * Up to so many classes a label is compared with each of them: there one pass over x costs no more than reading it by
 * index (onnx, label and gradient of 64 samples of 10 classes: 0.12 ms against 0.15; of 65 536 positions of 2 classes: 0.5
 * against 2.0, of 21 classes: 8.6 against 4.1).
 */
const COMPARED_CLASSES = 10;

/** The element of x at its label's place, per position; 0 where the label is none of the classes. */
export function atLabel(b: Builder, x: Value, labels: Value, axis: number): Value {
  const classes = dim(x.shape, axis);
  if (classes <= COMPARED_CLASSES) return b.sum(b.select(b.oneHot(labels, axis, classes), x, 0), [axis]);
  const index = b.reshape(
    labels,
    x.shape.map((d, i) => (i === axis ? 1 : d)),
  );
  return b.reshape(b.gather(x, index, axis), labels.shape);
}

/** Of each class, the sum of `x` over the positions that have it as their label. */
export function sumByLabel(b: Builder, x: Value, labels: Value, classes: number): Value {
  const flat = [sizeOf(labels.shape)];
  return b.scatterAdd(b.reshape(x, flat), b.reshape(labels, flat), { axis: 0, size: classes });
}

/** 1 where the label is `ignore_label`; undefined where there is none. */
export function ignored(b: Builder, labels: Value, param: { ignore_label: number }): Value | undefined {
  return isSet(param, 'ignore_label') ? b.equal(labels, param.ignore_label) : undefined;
}

const { FULL, VALID, BATCH_SIZE, NONE, PRE_FIXED } = LossParameter.NormalizationMode;

interface Counts {
  readonly outer: number;
  readonly positions: number;
  readonly skipped: Value | undefined;
  /** The mode where none is given. */
  readonly fallback?: number;
}

/** The mode that loss_param asks for: `normalization`, else the older `normalize` (VALID, or BATCH_SIZE where false). */
export function normalizationMode(ctx: LayerContext, fallback: number = VALID): number {
  const param = sub(ctx.param, 'loss_param');
  if (isSet(param, 'normalization')) return param.normalization;
  if (isSet(param, 'normalize')) return param.normalize ? VALID : BATCH_SIZE;
  return fallback;
}

/** Over how many of `places` numbers a loss of this mode adds up where a mean would divide by their count. */
export function addedUp(ctx: LayerContext<OneOrMore>, places: number, mode: number): number {
  if (mode === NONE) return places;
  return mode === BATCH_SIZE ? places / (ctx.bottomShapes[0][0] ?? 1) : 1;
}

/**
 * What Caffe divides a loss over `positions` positions in `outer` samples by: FULL all of them, VALID those not ignored
 * (SoftmaxWithLoss's default), BATCH_SIZE the samples, NONE nothing, R-FCN's PRE_FIXED a number of its own; never less than 1. The older `normalize` means VALID or, if
 * false, BATCH_SIZE, where no normalization is given (softmax_loss_layer.cpp).
 */
export function normalizer(
  ctx: LayerContext,
  b: Builder,
  { outer, positions, skipped, fallback = VALID }: Counts,
): Value {
  const mode = normalizationMode(ctx, fallback);
  if (mode === NONE) return b.scalar(1);
  if (mode === BATCH_SIZE) return b.scalar(Math.max(1, outer));
  if (mode === PRE_FIXED) return b.scalar(Math.max(1, sub(ctx.param, 'loss_param').pre_fixed_normalizer));
  if (mode === FULL || !skipped) return b.scalar(Math.max(1, positions));
  return b.max(b.sub(positions, b.sum(skipped)), 1);
}

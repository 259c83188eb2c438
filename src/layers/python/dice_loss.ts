/** The soft Dice loss, `digits_python_layers.DiceLoss`. */

import type { Builder, Value } from '../../ir/index.js';
import { checkChoice, checkNumber, checkWeights } from './options.js';
import { compareShares, type LabelOptions, meanOf, ScoresAndLabel } from './segmentation.js';

/** Options of a soft Dice loss. */
export interface DiceLossOptions extends LabelOptions {
  /** Whether the denominator sums squares (V-Net) or the shares themselves. */
  readonly denominator: 'squared' | 'plain';
  /** Added above and below: keeps the quotient off 0/0 and smooth. */
  readonly smooth: number;
  /** How much each class counts; [0, 1] leaves the background out, as V-Net does. Default: null, all alike. */
  readonly weights: readonly number[] | null;
  /** Sums over the batch as if it were one picture, instead of the mean over its pictures. */
  readonly batch: boolean;
}

export const DICE_LOSS: DiceLossOptions = {
  ignore_label: null,
  denominator: 'squared',
  smooth: 1,
  weights: null,
  batch: false,
};

/**
 * 1 − Σ_c w_c·D_c / Σ_c w_c, with D_c = (2·Σ p·g + s) / (Σ p² + Σ g² + s): p the class's share (softmax of the scores; of
 * one score the sigmoid), g 1 at its label, s `smooth`; `plain` has Σ p + Σ g below. The mean over the batch.
 *
 * Milletari, Navab, Ahmadi, V-Net: fully convolutional neural networks for volumetric medical image segmentation, 3DV 2016
 * (squared, of the foreground); Drozdzal et al., The importance of skip connections in biomedical image segmentation, DLMIA
 * 2016 (plain).
 */
export function diceLoss(b: Builder, scores: Value, label: Value, options: Partial<DiceLossOptions> = {}): Value {
  const { denominator, smooth, weights, batch, ...rest } = { ...DICE_LOSS, ...options };
  const { predicted, labelled } = compareShares(b, scores, label, rest);
  const axes = batch ? [0, 2] : [2];
  const power = (x: Value) => (denominator === 'squared' ? b.mul(x, x) : x);
  const overlap = b.mul(b.sum(b.mul(predicted, labelled), axes), 2);
  const sizes = b.add(b.sum(power(predicted), axes), b.sum(labelled, axes));
  const coefficients = b.div(b.add(overlap, smooth), b.add(sizes, smooth));
  return b.sub(1, meanOf(b, weighted(b, coefficients, weights)));
}

/** Times the weights over their mean, so that the mean over the last axis is the weighted one. */
function weighted(b: Builder, x: Value, weights: readonly number[] | null): Value {
  if (!weights) return x;
  const mean = weights.reduce((sum, w) => sum + w, 0) / weights.length;
  return b.mul(
    x,
    b.constant(
      Float32Array.from(weights, w => w / mean),
      [weights.length],
    ),
  );
}

/** `diceLoss` as a layer: give it loss_weight: 1. Options in param_str: '{"denominator": "plain", "weights": [0, 1]}'. */
export class DiceLoss extends ScoresAndLabel<DiceLossOptions> {
  protected readonly defaults = DICE_LOSS;

  protected override checkOptions({ denominator, smooth, weights, batch }: DiceLossOptions, classes: number): void {
    checkChoice('denominator', denominator, ['squared', 'plain']);
    checkChoice('batch', batch, [true, false]);
    checkNumber('smooth', smooth, 0);
    if (weights !== null) checkWeights('weights', weights, classes);
  }

  lower(b: Builder, [scores, label]: readonly Value[]): readonly Value[] {
    return [diceLoss(b, scores!, label!, this.options)];
  }
}

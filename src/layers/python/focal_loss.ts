/** The focal loss, `digits_python_layers.FocalLoss`. */

import { type Builder, dim, sizeOf, type Value } from '../../ir/index.js';
import { softmaxParts } from '../rules/softmax_rule.js';
import { softplus } from '../rules/softplus.js';
import { checkNumber, checkWeights } from './options.js';
import { flat, type LabelOptions, labelParts, ScoresAndLabel } from './segmentation.js';

/** Options of the focal loss. */
export interface FocalLossOptions extends LabelOptions {
  /** How much positions that are right already are held back; 0 is cross entropy. */
  readonly gamma: number;
  /** The classes' weights; of one score, those of no and yes. Default: null, all 1. */
  readonly alpha: readonly number[] | null;
}

export const FOCAL_LOSS: FocalLossOptions = { ignore_label: null, gamma: 2, alpha: null };

/**
 * −α_t·(1 − p_t)^γ·log p_t, the mean over the positions that count: p_t is the share of the right class (softmax; of one
 * score the sigmoid, or 1 less it), α_t its weight. Labels that are no class add nothing.
 *
 * Lin et al., Focal loss for dense object detection, ICCV 2017 (there the sum over the number of objects).
 */
export function focalLoss(b: Builder, scores: Value, label: Value, options: Partial<FocalLossOptions> = {}): Value {
  const { gamma, alpha, ...rest } = { ...FOCAL_LOSS, ...options };
  const { labelled, counts } = labelParts(b, label, scores.shape, rest);
  const { classes, logs } = logShares(b, flat(b, scores), labelled);
  const held = b.power(b.max(b.sub(1, b.exp(logs)), 1e-12), gamma);
  const losses = b.mul(b.mul(classes, b.neg(logs)), held);
  const weights = alpha && b.constant(Float32Array.from(alpha), [1, alpha.length, 1]);
  const counted = [weights, counts].reduce<Value>((x, by) => (by ? b.mul(x, by) : x), losses);
  const positions = counts ? b.max(b.sum(counts), 1) : sizeOf(scores.shape) / dim(scores.shape, 1);
  return b.reshape(b.div(b.sum(counted), positions), [1]);
}

/** Logarithms of the shares of the classes, and which class is right; of one score, those of no and of yes. */
function logShares(b: Builder, x: Value, labelled: Value): { classes: Value; logs: Value } {
  if (x.shape[1] === 1) {
    const logs = b.concat([b.neg(softplus(b, x)), b.neg(softplus(b, b.neg(x)))], 1);
    return { classes: b.concat([b.sub(1, labelled), labelled], 1), logs };
  }
  const { shifted, total } = softmaxParts(b, x, 1);
  return { classes: labelled, logs: b.sub(shifted, b.log(total)) };
}

/** `focalLoss` as a layer: give it loss_weight: 1. */
export class FocalLoss extends ScoresAndLabel<FocalLossOptions> {
  protected readonly defaults = FOCAL_LOSS;

  protected override checkOptions({ gamma, alpha }: FocalLossOptions, classes: number): void {
    checkNumber('gamma', gamma, 0);
    if (alpha !== null) checkWeights('alpha', alpha, Math.max(2, classes));
  }

  lower(b: Builder, [scores, label]: readonly Value[]): readonly Value[] {
    return [focalLoss(b, scores!, label!, this.options)];
  }
}

/** The generalized Dice loss, `digits_python_layers.GeneralizedDice`. */

import type { Builder, Value } from '../../ir/index.js';
import { checkNumber } from './options.js';
import { compareShares, type LabelOptions, meanOf, ScoresAndLabel } from './segmentation.js';

/** Options of the generalized Dice loss. */
export interface GeneralizedDiceOptions extends LabelOptions {
  /** Added above and below. */
  readonly smooth: number;
}

export const GENERALIZED_DICE: GeneralizedDiceOptions = { ignore_label: null, smooth: 1e-5 };

/**
 * 1 − (2·Σ_c w_c Σ p·g + s) / (Σ_c w_c Σ (p + g) + s), with w_c = 1 / (Σ g)²: a class counts the more the smaller it is. A
 * class that a sample lacks gets the greatest weight of those that it has. The mean over the batch.
 *
 * Sudre et al., Generalised Dice overlap as a deep learning loss function for highly unbalanced segmentations, DLMIA 2017.
 */
export function generalizedDice(
  b: Builder,
  scores: Value,
  label: Value,
  options: Partial<GeneralizedDiceOptions> = {},
): Value {
  const { smooth, ...rest } = { ...GENERALIZED_DICE, ...options };
  const { predicted, labelled } = compareShares(b, scores, label, rest);
  const volumes = b.sum(labelled, [2]);
  const occurs = b.greater(volumes, 0);
  const known = b.select(occurs, b.power(b.max(volumes, 1), -2), 0);
  const weights = b.select(occurs, known, b.reduceMax(known, [1], true));
  const total = (x: Value) => b.sum(b.mul(weights, x), [1]);
  const overlap = b.mul(total(b.sum(b.mul(predicted, labelled), [2])), 2);
  const sizes = total(b.add(b.sum(predicted, [2]), volumes));
  return b.sub(1, meanOf(b, b.div(b.add(overlap, smooth), b.add(sizes, smooth))));
}

/** `generalizedDice` as a layer: give it loss_weight: 1. */
export class GeneralizedDice extends ScoresAndLabel<GeneralizedDiceOptions> {
  protected readonly defaults = GENERALIZED_DICE;

  protected override checkOptions({ smooth }: GeneralizedDiceOptions): void {
    checkNumber('smooth', smooth, 0);
  }

  lower(b: Builder, [scores, label]: readonly Value[]): readonly Value[] {
    return [generalizedDice(b, scores!, label!, this.options)];
  }
}

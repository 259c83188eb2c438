/** The tutorial's Dice metric, `digits_python_layers.Dice`. */

import type { Builder, Value } from '../../ir/index.js';
import { compareClasses, type LabelOptions, meanOf, ScoresAndLabel } from './segmentation.js';

/**
 * Dice coefficient of the classes that the scores choose: per sample and class 2·|P∩L| / (|P|+|L|), where P are the
 * positions of the class's greatest score and L those of its label; the mean over the classes but 0 that occur in either,
 * then over the batch. Where none occurs, prediction and label agree: 1 (the tutorial's own code divides by zero there).
 * A label that is no class counts as background; `ignore_label` leaves its positions out.
 *
 * Dice, Measures of the amount of ecologic association between species, Ecology 26 (1945).
 */
export function dice(b: Builder, scores: Value, label: Value, options: LabelOptions = { ignore_label: null }): Value {
  const { predicted, labelled } = compareClasses(b, scores, label, options);
  const [n, classes, positions] = predicted.shape as [number, number, number];
  const first = classes > 1 ? 1 : 0;
  const front = (x: Value) => b.slice(x, [0, first, 0], [n, classes - first, positions]);
  const [p, l] = [front(predicted), front(labelled)];
  const areas = b.add(b.sum(p, [2]), b.sum(l, [2]));
  const overlaps = b.mul(b.sum(b.mul(p, l), [2]), 2);
  const occurs = b.greater(areas, 0);
  const sum = b.sum(b.div(overlaps, b.max(areas, 1)), [1]);
  const occurring = b.sum(occurs, [1]);
  return meanOf(b, b.select(b.greater(occurring, 0), b.div(sum, b.max(occurring, 1)), 1));
}

/** `dice` as a layer: bottoms are scores, N×C×…, and label, N×1×…; the top is one number. It is a metric, without gradient. */
export class Dice extends ScoresAndLabel<LabelOptions> {
  protected readonly defaults: LabelOptions = { ignore_label: null };

  lower(b: Builder, [scores, label]: readonly Value[]): readonly Value[] {
    return [b.stopGradient(dice(b, scores!, label!, this.options))];
  }
}

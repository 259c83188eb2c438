/** Intersection over union, `digits_python_layers.IoU`. */

import type { Builder, Shape, Value } from '../../ir/index.js';
import { compareClasses, type LabelOptions, ScoresAndLabel } from './segmentation.js';

/**
 * Intersection over union of each class over the whole batch, |P∩L| / |P∪L|, and its mean over the classes that occur in
 * prediction or label (background too). A class that occurs in neither has 1 and does not count in the mean.
 *
 * Jaccard, The distribution of the flora in the alpine zone, New Phytologist 11 (1912); as a measure of segmentations:
 * Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 88 (2010).
 *
 * @returns the mean, [1], and each class's, [C]
 */
export function iou(
  b: Builder,
  scores: Value,
  label: Value,
  options: LabelOptions = { ignore_label: null },
): readonly [Value, Value] {
  const { predicted, labelled } = compareClasses(b, scores, label, options);
  const both = b.sum(b.mul(predicted, labelled), [0, 2]);
  const either = b.sum(b.max(predicted, labelled), [0, 2]);
  const occurs = b.greater(either, 0);
  const shares = b.div(both, b.max(either, 1));
  const occurring = b.sum(occurs);
  const mean = b.select(b.greater(occurring, 0), b.div(b.sum(shares), b.max(occurring, 1)), 1);
  return [b.reshape(mean, [1]), b.select(occurs, shares, 1)];
}

/** `iou` as a layer: the first top is the mean; a second one has a number for each class. A metric, without gradient. */
export class IoU extends ScoresAndLabel<LabelOptions> {
  protected readonly defaults: LabelOptions = { ignore_label: null };

  lower(b: Builder, [scores, label]: readonly Value[]): readonly Value[] {
    return iou(b, scores!, label!, this.options).map(b.stopGradient);
  }

  protected override topShape(i: number, classes: number): Shape {
    if (i > 1) throw new Error('it has at most two tops: the mean, and a number for each class');
    return i === 0 ? [1] : [classes];
  }
}

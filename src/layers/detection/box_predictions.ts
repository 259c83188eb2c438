/** How predictions must fit their priors, the rule that MultiBoxLoss and DetectionOutput share. */

import { dim, type Shape } from '../../ir/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import type { LayerContext } from '../types.js';

/** Throws where the bottoms are not locations, scores and priors of one number of boxes and `num_classes` classes. */
export function checkPredictions(
  ctx: LayerContext,
  { num_classes, share_location }: { readonly num_classes: number; readonly share_location: boolean },
): void {
  const [loc, conf, priors] = ctx.bottomShapes as readonly [Shape, Shape, Shape];
  if (priors.length < 3 || priors[1] !== 2 || dim(priors, 2) % 4 !== 0 || countOf(priors, 0) !== 2 * dim(priors, 2))
    throw ctx.misfit('box-priors', `${showBottom(ctx, 2)} must be priors, [1, 2, boxes · 4].`);
  const boxes = dim(priors, 2) / 4;
  [boxes * 4 * (share_location ? 1 : num_classes), boxes * num_classes].forEach((needed, i) => {
    const shape = i === 0 ? loc : conf;
    if (shape.length > 0 && shape[0] === loc[0] && countOf(shape, 1) === needed) return;
    throw ctx.misfit('box-predictions', `${showBottom(ctx, i)} must hold ${needed} numbers for each picture.`, {
      hint: `There are ${boxes} priors in ${showBottom(ctx, 2)} and ${num_classes} classes.`,
    });
  });
}

/** EuclideanLoss: half the squared distance of its bottoms, averaged over the batch. */

import { sizeOf } from '../../ir/index.js';
import { LossParameter } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { addedUp, checkFirstAxis } from '../rules/labels.js';
import type { LayerType } from '../types.js';

export const euclideanLoss: LayerType<2> = {
  type: 'EuclideanLoss',
  doc: 'Σ (a − b)² / (2 · N); the gradient goes to both bottoms.',
  formula: 'Σ (a − b)² / 2N',
  shapeRule: 'A scalar.',
  ...readsElsewhere,
  comparesElements: true,
  addedUp: ctx => addedUp(ctx, sizeOf(ctx.bottomShapes[0]), LossParameter.NormalizationMode.BATCH_SIZE),
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  reshape(ctx) {
    checkFirstAxis(ctx);
    const [a, other] = ctx.bottomShapes.map(shape => countOf(shape, 1));
    if (a !== other) {
      throw ctx.misfit(
        'loss-shapes',
        `${showBottom(ctx, 0)} and ${showBottom(ctx, 1)} differ in size: ${a} and ${other} numbers for each sample.`,
      );
    }
    return { tops: [[]], params: [] };
  },
  lower(_, b, [x, target]) {
    const difference = b.sub(x, b.reshape(target, x.shape));
    return [b.mul(b.sum(b.mul(difference, difference)), 1 / (2 * (x.shape[0] ?? 1)))];
  },
};

/** TripletLoss: an anchor must lie nearer to its like than to another, by a margin. */

import { dim, sameShape, sizeOf } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { checkFirstAxis, perSample } from '../rules/labels.js';
import type { LayerType } from '../types.js';

/** After triplet_loss_layer.cpp of caffe-windows and caffe-triplet; the latter's fourth bottom is not read there either. */
export const tripletLoss: LayerType<3> = {
  type: 'TripletLoss',
  doc: 'Over 2·N: max(margin + ‖a − p‖² − ‖a − n‖², 0) of anchors a, others p that are alike and others n that are not. A fourth bottom is not read.',
  formula: 'Σ_n max(margin + ‖a − p‖² − ‖a − n‖², 0) / 2N',
  shapeRule: 'A scalar.',
  differences:
    'Other forks have other layers of this name, which find the triplets by labels or by a list of indices; those are refused for their number of bottoms.',
  ...readsElsewhere,
  predictions: 3,
  bottoms: { min: 3, max: 4 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  canBackward: (_, bottom) => bottom < 3,
  reshape(ctx) {
    checkFirstAxis(ctx);
    const [anchor, ...others] = ctx.bottomShapes.slice(0, 3);
    const other = others.findIndex(shape => !sameShape(shape, anchor!) && sizeOf(shape) !== sizeOf(anchor!));
    if (other >= 0)
      throw ctx.misfit(
        'loss-shapes',
        `${showBottom(ctx, 0)} and ${showBottom(ctx, other + 1)} hold vectors of different lengths.`,
      );
    return { tops: [[]], params: [] };
  },
  lower(ctx, b, bottoms) {
    const { margin } = sub(ctx.param, 'triplet_loss_param');
    const [anchor, alike, unlike] = bottoms.map(x => perSample(b, x));
    const squared = (other: typeof anchor) => {
      const difference = b.sub(anchor!, other!);
      return b.sum(b.mul(difference, difference), [1]);
    };
    const terms = b.relu(b.add(b.sub(squared(alike), squared(unlike)), margin));
    return [b.mul(b.sum(terms), 1 / (2 * dim(anchor!.shape, 0)))];
  },
};

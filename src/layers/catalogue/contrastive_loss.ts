/** ContrastiveLoss: pulls pairs that are alike together and pushes others apart, up to a margin. */

import { type Builder, dim, sizeOf, type Value } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { checkFirstAxis, perSample } from '../rules/labels.js';
import { slopeOf } from '../rules/slope_of.js';
import type { LayerContext, LayerType } from '../types.js';

/** Caffe keeps the gradient of the distance finite by this much. */
const EPSILON = 1e-4;

/** The square root of `squared`; its gradient divides by the distance and EPSILON (contrastive_loss_layer.cpp). */
function distance(b: Builder, squared: Value): Value {
  const root = b.stopGradient(b.sqrt(squared));
  const slope = b.div(0.5, b.add(root, EPSILON));
  return b.add(root, b.mul(slopeOf(b, squared), slope));
}

function checkShapes(ctx: LayerContext<3>): void {
  checkFirstAxis(ctx);
  const [a, other, alike] = ctx.bottomShapes as readonly (readonly number[])[];
  if (countOf(a!, 1) !== countOf(other!, 1)) {
    throw ctx.misfit(
      'loss-shapes',
      `${showBottom(ctx, 0)} and ${showBottom(ctx, 1)} hold vectors of different lengths.`,
    );
  }
  if (sizeOf(alike!) !== a![0]) {
    throw ctx.misfit(
      'label-count',
      `${showBottom(ctx, 2)} must say of each of the ${a![0]} pairs whether they are alike.`,
    );
  }
}

export const contrastiveLoss: LayerType<3> = {
  type: 'ContrastiveLoss',
  doc: 'Over 2·N: d² of pairs that are alike, max(margin − d, 0)² of others (legacy_version: max(margin − d², 0)).',
  formula:
    'Σ_n (s · d² + (1 − s) · max(margin − d, 0)²) / 2N with d = ‖a − b‖; legacy_version: max(margin − d², 0) in the second term',
  shapeRule: 'A scalar.',
  ...readsElsewhere,
  predictions: 2,
  bottoms: { min: 3, max: 3 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  canBackward: (_, bottom) => bottom !== 2,
  reshape(ctx) {
    checkShapes(ctx);
    return { tops: [[]], params: [] };
  },
  lower(ctx, b, [a, other, alike]) {
    const { margin, legacy_version } = sub(ctx.param, 'contrastive_loss_param');
    const difference = b.sub(perSample(b, a), perSample(b, other));
    const squared = b.sum(b.mul(difference, difference), [1]);
    const gap = b.relu(b.sub(margin, legacy_version ? squared : distance(b, squared)));
    const apart = legacy_version ? gap : b.mul(gap, gap);
    const samples = dim(a.shape, 0);
    const terms = b.select(b.floor(b.reshape(alike, [samples])), squared, apart);
    return [b.mul(b.sum(terms), 1 / (2 * samples))];
  },
};

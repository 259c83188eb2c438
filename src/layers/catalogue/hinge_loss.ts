/** HingeLoss: how far each score is from the right side of a margin of 1, as it is or squared. */

import { HingeLossParameter, sub } from '../../schema/index.js';
import { readsElsewhere } from '../rules/families.js';
import { checkOneLabel, perSample } from '../rules/labels.js';
import type { LayerType } from '../types.js';

export const hingeLoss: LayerType<2> = {
  type: 'HingeLoss',
  doc: 'Σ max(0, 1 − s·x) / N, s being 1 at the label and −1 elsewhere; with norm: L2, each term squared.',
  formula: 'Σ max(0, 1 − s · x)^p / N with s = 1 at the label, else −1, and p = 1 (L1) or 2 (L2)',
  shapeRule: 'A scalar.',
  ...readsElsewhere,
  classLabels: { axis: () => 1 },
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  canBackward: (_, bottom) => bottom !== 1,
  reshape(ctx) {
    checkOneLabel(ctx);
    return { tops: [[]], params: [] };
  },
  lower(ctx, b, [x, label]) {
    const scores = perSample(b, x);
    const [samples, classes] = scores.shape as readonly [number, number];
    const right = b.oneHot(b.floor(b.reshape(label, [samples])), 1, classes);
    const margin = b.relu(b.add(b.select(right, b.neg(scores), scores), 1));
    const squared = sub(ctx.param, 'hinge_loss_param').norm === HingeLossParameter.Norm.L2;
    return [b.mul(b.sum(squared ? b.mul(margin, margin) : margin), 1 / samples)];
  },
};

/** MultinomialLogisticLoss: −log of the share of the right class, from shares that a Softmax made. */

import { dim } from '../../ir/index.js';
import { readsElsewhere } from '../rules/families.js';
import { atLabel, checkOneLabel, heldAbove, LOG_THRESHOLD, perSample } from '../rules/labels.js';
import type { LayerType } from '../types.js';

export const multinomialLogisticLoss: LayerType<2> = {
  type: 'MultinomialLogisticLoss',
  doc: '−log of the share of the right class, averaged over the batch; its bottom holds shares, not scores.',
  formula: '−Σ_n log max(p[n, label_n], 1e−20) / N',
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
  lower(_, b, [x, label]) {
    const shares = perSample(b, x);
    const samples = dim(shares.shape, 0);
    const right = atLabel(b, shares, b.floor(b.reshape(label, [samples])), 1);
    return [b.mul(b.sum(b.log(heldAbove(b, right, LOG_THRESHOLD))), -1 / samples)];
  },
};

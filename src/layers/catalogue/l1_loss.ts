/** L1Loss (NVCaffe): the sum of the absolute differences, over the batch. */

import { readsElsewhere } from '../rules/families.js';
import { checkFirstAxis, checkSameCount } from '../rules/labels.js';
import type { LayerType } from '../types.js';

/**
 * After l1_loss_layer.cpp of NVCaffe 0.16 and 0.17, which divides by the batch size; drafts of it (0.14) divided by the count
 * of numbers.
 */
export const l1Loss: LayerType<2> = {
  type: 'L1Loss',
  doc: 'Σ |x − y| / N.',
  formula: 'Σ |x − y| / N',
  shapeRule: 'A scalar.',
  ...readsElsewhere,
  comparesElements: true,
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  reshape(ctx) {
    checkFirstAxis(ctx);
    checkSameCount(ctx);
    return { tops: [[]], params: [] };
  },
  lower(_, b, [x, y]) {
    return [b.div(b.sum(b.abs(b.sub(x, b.reshape(y, x.shape)))), x.shape[0] ?? 1)];
  },
};

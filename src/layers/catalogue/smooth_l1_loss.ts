/** SmoothL1Loss (Fast and Faster R-CNN): squares near 0, absolute values beyond, with weights inside and outside. */

import { sub } from '../../schema/index.js';
import { readsElsewhere } from '../rules/families.js';
import { checkFirstAxis, checkSameCount } from '../rules/labels.js';
import { held, smoothL1 } from '../rules/smooth_l1.js';
import type { LayerType } from '../types.js';

/**
 * With d = w_in · (x − y): σ²d²/2 where |d| < 1/σ², else |d| − 1/(2σ²); times w_out, summed, over the batch
 * (smooth_L1_loss_layer.cu of rbgirshick/caffe-fast-rcnn). Fast R-CNN's and SSD's older form has weights of one kind, 0 or 1,
 * and does not multiply the gradient by them.
 */
export const smoothL1Loss: LayerType<2> = {
  type: 'SmoothL1Loss',
  doc: 'Σ w_out · s(w_in · (x − y)) / N, where s(d) is σ²d²/2 for |d| < 1/σ² and |d| − 1/(2σ²) beyond; the weights are optional, and w_in alone will do.',
  formula: 'Σ w_out · s(w_in · (x − y)) / N with s(d) = σ²d² / 2 for |d| < 1 / σ², else |d| − 1 / 2σ²',
  shapeRule: 'A scalar.',
  ...readsElsewhere,
  comparesElements: true,
  bottoms: { min: 2, max: 4 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  canBackward: (_, bottom) => bottom < 2,
  reshape(ctx) {
    checkFirstAxis(ctx);
    checkSameCount(ctx);
    return { tops: [[]], params: [] };
  },
  lower(ctx, b, bottoms) {
    const { shape } = bottoms[0];
    const [x, y, inside, outside] = bottoms.map(v => b.reshape(v, shape));
    const square = sub(ctx.param, 'smooth_l1_loss_param').sigma ** 2;
    const difference = b.sub(x!, y!);
    const weighted = inside && b.mul(inside, difference);
    const older = weighted && !outside;
    const d = older ? held(b, weighted, difference) : (weighted ?? difference);
    const loss = smoothL1(b, d, square);
    return [b.div(b.sum(outside ? b.mul(outside, loss) : loss), shape[0] ?? 1)];
  },
};

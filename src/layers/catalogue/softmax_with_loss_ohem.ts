/** SoftmaxWithLossOHEM (R-FCN): SoftmaxWithLoss with the loss of each region as a further top, for BoxAnnotatorOHEM. */

import { nth } from '../../diagnostics/index.js';
import type { LayerType } from '../types.js';
import { checkSoftmaxLoss, softmaxLoss, softmaxWithLoss } from './softmax_with_loss.js';

/** After softmax_loss_ohem_layer.cu of R-FCN's Caffe. */
export const softmaxWithLossOHEM: LayerType = {
  ...softmaxWithLoss,
  type: 'SoftmaxWithLossOHEM',
  doc: 'SoftmaxWithLoss; a second top is the shares, a third −log of the right class’s share of each region, 0 where its label is ignored.',
  formula: '−Σ_n log softmax(x)[label_n] / normalizer',
  shapeRule: 'A scalar; a second top is as the first bottom, a third as the second.',
  differences: `${softmaxWithLoss.differences} The second and third tops pass no gradient on.`,
  tops: { min: 1, max: 3 },
  reshape(ctx) {
    checkSoftmaxLoss(ctx);
    return { tops: [[], nth(ctx.bottomShapes, 0), nth(ctx.bottomShapes, 1)].slice(0, ctx.topCount), params: [] };
  },
  lower(ctx, b, [x, label]) {
    const { loss, shares, each } = softmaxLoss(ctx, b, x!, label!);
    return [loss, shares, b.reshape(each, label!.shape)].slice(0, ctx.topCount);
  },
};

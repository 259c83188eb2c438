/** BN (SegNet): batch normalisation with its scale and shift in one layer. */

import { BNParameter, sub } from '../schema/index.js';
import { countOf, showBottom } from './axis.js';
import type { LayerType } from './types.js';

/** Added to the variance (bn_layer.cpp of caffe-segnet). */
const EPS = 1e-9;

/**
 * LEARN normalises by the batch's own statistics, in TEST too; INFERENCE applies scale and shift alone, into which a
 * script has worked the statistics of the training set.
 */
export const bn: LayerType = {
  type: 'BN',
  doc: 'scale · (x − mean) / √(variance + 1e-9) + shift by channel, with the statistics of the batch; with bn_mode INFERENCE scale · x + shift.',
  shapeRule: 'That of the bottom.',
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { scale_filler, shift_filler } = sub(ctx.param, 'bn_param');
    const shape = ctx.bottomShapes[0]!;
    if (shape.length !== 4) throw ctx.fail('bn-axes', `BN needs 4 axes, N×C×H×W, and gets ${showBottom(ctx, 0)}.`);
    const channels = [1, shape[1]!, 1, 1];
    return {
      tops: [shape],
      params: [
        { shape: channels, filler: scale_filler },
        { shape: channels, filler: shift_filler },
      ],
    };
  },
  lower(ctx, b, [x], [scale, shift]) {
    const applied = (normal: typeof x) => [b.add(b.mul(normal!, scale!), shift!)];
    if (sub(ctx.param, 'bn_param').bn_mode === BNParameter.BNMode.INFERENCE) return applied(x);
    const share = x!.shape[1]! / countOf(x!.shape, 0);
    const centred = b.sub(x!, b.mul(b.sum(x!, [0, 2, 3], true), share));
    const variance = b.mul(b.sum(b.mul(centred, centred), [0, 2, 3], true), share);
    return applied(b.div(centred, b.sqrt(b.add(variance, EPS))));
  },
};

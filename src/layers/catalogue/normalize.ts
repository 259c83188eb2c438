/** Normalize (SSD, after ParseNet): each sample, or each place, divided by its L2 norm, times a learned scale. */

import { create, sub } from '../../schema/index.js';
import { alignAt, showBottom } from '../geometry/axis.js';
import type { LayerType } from '../types.js';

/** After normalize_layer.cpp of weiliu89/caffe; the gradient of the scale is the true one where SSD's divides by a scale of 0. */
export const normalize: LayerType = {
  type: 'Normalize',
  doc: 'scale · x / √(Σ x² + eps), summed over the channels of each place, or with across_spatial over the whole sample.',
  formula: 'y = scale · x / √(Σ x² + eps)',
  shapeRule: 'That of the bottom.',
  paramFields: ['norm_param'],
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { channel_shared, scale_filler } = sub(ctx.param, 'norm_param');
    const shape = ctx.bottomShapes[0]!;
    if (shape.length < 2 || shape.length > 4)
      throw ctx.fail('normalize-axes', `Normalize needs 2 to 4 axes, N×C×H×W, and gets ${showBottom(ctx, 0)}.`);
    const filler = scale_filler ?? create('caffe.FillerParameter', { type: 'constant', value: 1 });
    return { tops: [shape], params: [{ shape: channel_shared ? [] : [shape[1]!], filler }] };
  },
  lower(ctx, b, [x], [scale]) {
    const { across_spatial, eps } = sub(ctx.param, 'norm_param');
    const axes = across_spatial ? x!.shape.map((_, i) => i).slice(1) : [1];
    const norm = b.sqrt(b.add(b.sum(b.mul(x!, x!), axes, true), eps));
    return [b.mul(b.div(x!, norm), b.reshape(scale!, alignAt(scale!.shape, 1, x!.shape.length)))];
  },
};

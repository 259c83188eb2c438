/** Normalize (SSD, after ParseNet): each sample, or each place, divided by its L2 norm, times a learned scale. */

import { create, sub } from '../schema/index.js';
import { showBottom } from './axis.js';
import type { LayerType } from './types.js';

export const normalize: LayerType = {
  type: 'Normalize',
  doc: 'scale · x / √(Σ x² + eps), summed over the channels of each place, or with across_spatial over the whole sample.',
  shapeRule: 'That of the bottom.',
  paramFields: ['norm_param'],
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { channel_shared, scale_filler } = sub(ctx.param, 'norm_param');
    const shape = ctx.bottomShapes[0]!;
    if (shape.length !== 4)
      throw ctx.fail('normalize-axes', `Normalize needs 4 axes, N×C×H×W, and gets ${showBottom(ctx, 0)}.`);
    const filler = scale_filler ?? create('caffe.FillerParameter', { type: 'constant', value: 1 });
    return { tops: [shape], params: [{ shape: channel_shared ? [] : [shape[1]!], filler }] };
  },
  lower(ctx, b, [x], [scale]) {
    const { across_spatial, eps } = sub(ctx.param, 'norm_param');
    const norm = b.sqrt(b.add(b.sum(b.mul(x!, x!), across_spatial ? [1, 2, 3] : [1], true), eps));
    return [b.mul(b.div(x!, norm), b.reshape(scale!, [1, scale!.shape[0] ?? 1, 1, 1]))];
  },
};

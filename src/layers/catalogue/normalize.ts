/** Normalize (SSD, after ParseNet): each sample, or each place, divided by its L2 norm, times a learned scale. */

import { type Builder, dim, type Value } from '../../ir/index.js';
import { create, sub } from '../../schema/index.js';
import { alignAt, showBottom } from '../geometry/axis.js';
import { placeAlone } from '../geometry/coord_map.js';
import { elementwise } from '../rules/families.js';
import { slopeOf } from '../rules/slope_of.js';
import type { LayerType } from '../types.js';

/**
 * x / norm times the scale of each channel. To the bottom SSD passes the gradient of x / norm, and multiplies by the scale
 * after that: with scales that differ it is not the derivative, whose sum over the channels would be of scaled gradients.
 */
function scaledByChannel(b: Builder, x: Value, scale: Value, normalized: (x: Value) => Value): Value {
  const fixed = b.stopGradient(scale);
  const scaled = b.mul(x, fixed);
  const source = b.add(b.stopGradient(x), slopeOf(b, scaled));
  const unit = normalized(source);
  const value = b.stopGradient(b.mul(unit, scale));
  const ofScale = b.mul(b.stopGradient(unit), scale);
  return b.add(b.add(value, slopeOf(b, unit)), slopeOf(b, ofScale));
}

/** After normalize_layer.cpp of weiliu89/caffe; the gradient of the scale is the true one where SSD's divides by a scale of 0. */
export const normalize: LayerType<1, 1> = {
  type: 'Normalize',
  doc: 'scale · x / √(Σ x² + eps), summed over the channels of each place, or with across_spatial over the whole sample.',
  formula: 'y = scale · x / √(Σ x² + eps)',
  shapeRule: 'That of the bottom.',
  paramFields: ['norm_param'],
  differences:
    'None from SSD, whose gradient for the bottom is not the derivative where scales differ by channel: it multiplies by the scale after the sum over channels, not before.',
  category: 'normalisation',
  ...elementwise,
  reach: ctx => (sub(ctx.param, 'norm_param').across_spatial ? undefined : placeAlone(ctx)),
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { channel_shared, scale_filler } = sub(ctx.param, 'norm_param');
    const shape = ctx.bottomShapes[0];
    if (shape.length < 2 || shape.length > 4)
      throw ctx.misfit('normalize-axes', `Normalize needs 2 to 4 axes, N×C×H×W, and gets ${showBottom(ctx, 0)}.`);
    const filler = scale_filler ?? create('caffe.FillerParameter', { type: 'constant', value: 1 });
    return { tops: [shape], params: [{ shape: channel_shared ? [] : [dim(shape, 1)], filler }] };
  },
  lower(ctx, b, [x], [scale]) {
    const { across_spatial, channel_shared, eps } = sub(ctx.param, 'norm_param');
    const axes = across_spatial ? x.shape.map((_, i) => i).slice(1) : [1];
    const normalized = (v: Value) => b.div(v, b.sqrt(b.add(b.sum(b.mul(v, v), axes, true), eps)));
    if (channel_shared) return [b.mul(normalized(x), b.reshape(scale, []))];
    return [scaledByChannel(b, x, b.reshape(scale, alignAt(scale.shape, 1, x.shape.length)), normalized)];
  },
};

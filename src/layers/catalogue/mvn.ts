/** MVN: each sample (or each of its channels) less its mean, divided by its standard deviation. */

import { nth } from '../../diagnostics/index.js';
import { sub } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { staysInPlace } from '../geometry/coord_map.js';
import { readsElsewhere } from '../rules/families.js';
import { slopeOf } from '../rules/slope_of.js';
import type { LayerType } from '../types.js';

/**
 * The deviation is sqrt(variance) + eps, and the gradient that of a division by it which takes the whole of it for the
 * deviation (mvn_layer.cpp): it stays finite where all elements are equal. The top always has 4 axes.
 */
export const mvn: LayerType<1> = {
  type: 'MVN',
  doc: 'Each channel of each sample (across_channels: each sample) less its mean and, with normalize_variance, over its deviation.',
  formula: 'y = (x − mean) / (√var + eps)',
  shapeRule: 'That of the bottom.',
  category: 'normalisation',
  ...readsElsewhere,
  coordMap: staysInPlace,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const shape = ctx.bottomShapes[0];
    if (shape.length > 4) throw ctx.misfit('mvn-axes', `MVN takes 4 axes at most, and gets ${showBottom(ctx, 0)}.`);
    return { tops: [[...shape, 1, 1, 1, 1].slice(0, 4)], params: [] };
  },
  lower(ctx, b, [given]) {
    const x = b.reshape(given, nth(mvn.reshape(ctx).tops, 0));
    const { normalize_variance, across_channels, eps } = sub(ctx.param, 'mvn_param');
    const axes = across_channels ? [1, 2, 3] : [2, 3];
    const share = 1 / countOf(x.shape, nth(axes, 0));
    const centred = b.sub(x, b.mul(b.sum(x, axes, true), share));
    if (!normalize_variance) return [centred];
    const variance = b.mul(b.sum(b.mul(centred, centred), axes, true), share);
    const deviation = b.add(b.sqrt(b.stopGradient(variance)), eps);
    const squared = b.add(b.mul(deviation, deviation), slopeOf(b, variance));
    return [b.mul(centred, b.power(squared, -0.5))];
  },
};

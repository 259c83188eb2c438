/** Softmax: shares along an axis that are positive and add up to 1. */

import { sub } from '../../schema/index.js';
import { canonicalAxis } from '../geometry/axis.js';
import { placeAlone } from '../geometry/coord_map.js';
import { elementwise } from '../rules/families.js';
import { softmaxParts } from '../rules/softmax_rule.js';
import type { LayerContext, LayerType } from '../types.js';

function softmaxAxis(ctx: LayerContext<1>): number {
  return canonicalAxis(ctx, sub(ctx.param, 'softmax_param').axis, ctx.bottomShapes[0], 'softmax_param.axis');
}

export const softmax: LayerType<1> = {
  type: 'Softmax',
  doc: 'exp(x) over the sum of exp(x) along `axis`.',
  formula: 'y_c = exp(x_c) / Σ_k exp(x_k)',
  shapeRule: 'That of the bottom.',
  category: 'activation',
  ...elementwise,
  reach: ctx => (softmaxAxis(ctx) === 1 ? placeAlone(ctx) : undefined),
  gradientReadsTop: true,
  activation: 'softmax',
  endsNet: true,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    softmaxAxis(ctx);
    return { tops: [ctx.bottomShapes[0]], params: [] };
  },
  lower(ctx, b, [x]) {
    const { exponentials, total } = softmaxParts(b, x, softmaxAxis(ctx));
    return [b.div(exponentials, total)];
  },
};

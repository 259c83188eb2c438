/** Reduction: sum, sum of absolutes, sum of squares or mean over all axes from `axis` on, times coeff. */

import { ReductionParameter, sub } from '../../schema/index.js';
import { canonicalAxis, countOf } from '../geometry/axis.js';
import { arrangement } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

const { ASUM, SUMSQ, MEAN } = ReductionParameter.ReductionOp;

function firstAxis(ctx: LayerContext<1>): number {
  return canonicalAxis(ctx, sub(ctx.param, 'reduction_param').axis, ctx.bottomShapes[0], 'reduction_param.axis');
}

export const reduction: LayerType<1> = {
  type: 'Reduction',
  doc: 'SUM, ASUM (of absolutes), SUMSQ (of squares) or MEAN over all axes from `axis` on, times coeff.',
  formula: 'y = coeff · Σ x; ASUM: coeff · Σ |x|; SUMSQ: coeff · Σ x²; MEAN: coeff · Σ x / n',
  shapeRule: 'The axes before `axis`.',
  ...arrangement,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape: ctx => ({ tops: [ctx.bottomShapes[0].slice(0, firstAxis(ctx))], params: [] }),
  lower(ctx, b, [x]) {
    const { operation, coeff } = sub(ctx.param, 'reduction_param');
    const first = firstAxis(ctx);
    const axes = x.shape.map((_, i) => i).slice(first);
    const terms = operation === ASUM ? b.abs(x) : operation === SUMSQ ? b.mul(x, x) : x;
    return [b.mul(b.sum(terms, axes), operation === MEAN ? coeff / countOf(x.shape, first) : coeff)];
  },
};

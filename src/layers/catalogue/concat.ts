/** Concat: bottoms one behind the other along an axis. */

import { dim } from '../../ir/index.js';
import { isSet, sub } from '../../schema/index.js';
import { canonicalAxis, showBottom } from '../geometry/axis.js';
import { placeAlone, staysInPlace } from '../geometry/coord_map.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

function concatAxis(ctx: LayerContext<1>): number {
  const param = sub(ctx.param, 'concat_param');
  const legacy = isSet(param, 'concat_dim');
  if (legacy && isSet(param, 'axis')) {
    throw ctx.fail('concat-axis', 'both axis and concat_dim, its older name, are given.', {
      field: 'concat_param.concat_dim',
      hint: 'Keep axis.',
    });
  }
  const [axis, field] = legacy ? [param.concat_dim, 'concat_dim'] : [param.axis, 'axis'];
  return canonicalAxis(ctx, axis, ctx.bottomShapes[0], `concat_param.${field}`);
}

export const concat: LayerType<1> = {
  type: 'Concat',
  doc: 'Its bottoms one behind the other along `axis`.',
  formula: 'y = [x₁, x₂, …]',
  shapeRule: 'Along `axis` the sum of the bottoms, else as they are.',
  ...arrangement,
  ...keepsZero,
  coordMap: ctx => (concatAxis(ctx) === 1 ? staysInPlace(ctx) : undefined),
  reach: placeAlone,
  explainShape: ctx => `joined along axis ${sub(ctx.param, 'concat_param').axis}`,
  bottoms: { min: 1, max: Infinity },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const axis = concatAxis(ctx);
    const [first] = ctx.bottomShapes;
    const top = [...first];
    ctx.bottomShapes.slice(1).forEach((shape, i) => {
      if (shape.length !== first.length || shape.some((d, k) => k !== axis && d !== first[k])) {
        throw ctx.misfit(
          'concat-shapes',
          `bottoms ${showBottom(ctx, 0)} and ${showBottom(ctx, i + 1)} differ elsewhere than at axis ${axis}.`,
          { hint: `All bottoms must agree in every axis but ${axis}, along which they are joined.` },
        );
      }
      top[axis]! += dim(shape, axis);
    });
    return { tops: [top], params: [] };
  },
  lower: (ctx, b, bottoms) => [b.concat(bottoms, concatAxis(ctx))],
};

/** Permute (SSD): the axes in another order. */

import { dim } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { arrangement } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** The axes in their new order; those that `order` leaves out follow as they were (permute_layer.cpp of weiliu89/caffe). */
function orderOf(ctx: LayerContext<1>): readonly number[] {
  const { order } = sub(ctx.param, 'permute_param');
  const rank = ctx.bottomShapes[0].length;
  const invalid = order.find((axis, i) => axis >= rank || order.indexOf(axis) !== i);
  if (invalid !== undefined) {
    throw ctx.fail(
      'permute-order',
      invalid >= rank ? `order names axis ${invalid} of ${showBottom(ctx, 0)}.` : `order names axis ${invalid} twice.`,
      { field: 'permute_param.order', hint: `Axes go from 0 to ${rank - 1}, each at most once.` },
    );
  }
  return [...order, ...ctx.bottomShapes[0].map((_, i) => i).filter(i => !order.includes(i))];
}

export const permute: LayerType<1> = {
  type: 'Permute',
  doc: 'Its bottom with the axes in another order: axis i of the top is axis order[i] of the bottom.',
  formula: 'y[p_order] = x[p]',
  shapeRule: 'The axes in their new order.',
  ...arrangement,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape: ctx => ({ tops: [orderOf(ctx).map(axis => dim(ctx.bottomShapes[0], axis))], params: [] }),
  lower: (ctx, b, [x]) => [b.transpose(x, orderOf(ctx))],
};

/** Transpose (CTC's ports): Permute, with every axis named. */

import { dim } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** The axes in their new order (transpose_layer.cpp of crnn.caffe). */
function orderOf(ctx: LayerContext<1>): readonly number[] {
  const { dim } = sub(ctx.param, 'transpose_param');
  const axes = ctx.bottomShapes[0].map((_, axis) => axis);
  if (dim.length === axes.length && axes.every(axis => dim.includes(axis))) return dim;
  throw ctx.fail('permute-order', `dim is ${dim.join(', ') || 'missing'} for ${showBottom(ctx, 0)}.`, {
    field: 'transpose_param.dim',
    hint: `Name each axis from 0 to ${axes.length - 1} once, in the new order.`,
  });
}

export const transpose: LayerType<1> = {
  type: 'Transpose',
  doc: 'Its bottom with the axes in another order: axis i of the top is axis dim[i] of the bottom.',
  formula: 'y[p_dim] = x[p]',
  shapeRule: 'The axes in their new order.',
  ...arrangement,
  ...keepsZero,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape: ctx => ({ tops: [orderOf(ctx).map(axis => dim(ctx.bottomShapes[0], axis))], params: [] }),
  lower: (ctx, b, [x]) => [b.transpose(x, orderOf(ctx))],
};

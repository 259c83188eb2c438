/** Flatten: the axes from `axis` to `end_axis` become one. */

import { nth } from '../../diagnostics/index.js';
import { sub } from '../../schema/index.js';
import { canonicalAxis, countOf, showBottom } from '../geometry/axis.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerType } from '../types.js';

export const flatten: LayerType<1> = {
  type: 'Flatten',
  doc: 'Joins the axes from `axis` to `end_axis` into one.',
  formula: 'y = x',
  shapeRule: 'Axes `axis` to `end_axis` become one.',
  ...arrangement,
  inPlace: 'shares with its top in another shape',
  ...keepsZero,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const param = sub(ctx.param, 'flatten_param');
    const shape = ctx.bottomShapes[0];
    const start = canonicalAxis(ctx, param.axis, shape, 'flatten_param.axis');
    const end = canonicalAxis(ctx, param.end_axis, shape, 'flatten_param.end_axis');
    if (start > end + 1) {
      throw ctx.misfit('flatten-axes', `axis ${start} lies behind end_axis ${end} of ${showBottom(ctx, 0)}.`, {
        field: 'flatten_param.end_axis',
        hint: 'Name the first and the last axis to join.',
      });
    }
    return { tops: [[...shape.slice(0, start), countOf(shape, start, end + 1), ...shape.slice(end + 1)]], params: [] };
  },
  lower: (ctx, b, [x]) => [b.reshape(x, nth(flatten.reshape(ctx).tops, 0))],
};

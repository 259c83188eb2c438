/** Slice: cuts a bottom into its tops along an axis, evenly or at slice_point. */

import { nth } from '../../diagnostics/index.js';
import { dim } from '../../ir/index.js';
import { isSet, sub } from '../../schema/index.js';
import { canonicalAxis, showBottom } from '../geometry/axis.js';
import { placeAlone, staysInPlace } from '../geometry/coord_map.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

function sliceAxis(ctx: LayerContext<1>): number {
  const param = sub(ctx.param, 'slice_param');
  const legacy = isSet(param, 'slice_dim');
  if (legacy && isSet(param, 'axis')) {
    throw ctx.fail('slice-axis', 'both axis and slice_dim, its older name, are given.', {
      field: 'slice_param.slice_dim',
      hint: 'Keep axis.',
    });
  }
  const [axis, field] = legacy ? [param.slice_dim, 'slice_dim'] : [param.axis, 'axis'];
  return canonicalAxis(ctx, axis, ctx.bottomShapes[0], `slice_param.${field}`);
}

/** Where the tops begin, and last the end. */
function borders(ctx: LayerContext<1>, axis: number): readonly number[] {
  const points = sub(ctx.param, 'slice_param').slice_point;
  const size = dim(ctx.bottomShapes[0], axis);
  const field = 'slice_param.slice_point';
  if (points.length === 0) {
    if (size % ctx.topCount !== 0) {
      throw ctx.misfit(
        'slice-uneven',
        `axis ${axis} of ${showBottom(ctx, 0)} does not divide by ${ctx.topCount} tops.`,
        {
          hint: 'Say where to cut with slice_point.',
        },
      );
    }
    return Array.from({ length: ctx.topCount + 1 }, (_, i) => (i * size) / ctx.topCount);
  }
  if (points.length !== ctx.topCount - 1) {
    throw ctx.misfit('slice-points', `slice_point is given ${points.length} times for ${ctx.topCount} tops.`, {
      field,
      hint: 'It stands between two tops each: one fewer than there are tops.',
    });
  }
  const all = [0, ...points, size];
  if (all.some((p, i) => i > 0 && p <= nth(all, i - 1))) {
    throw ctx.misfit('slice-points', `slice_point ${points.join(', ')} does not rise between 0 and ${size}.`, {
      field,
      hint: `Axis ${axis} of ${showBottom(ctx, 0)} is cut there: each point must lie behind the one before it and before ${size}.`,
    });
  }
  return all;
}

export const slice: LayerType<1> = {
  type: 'Slice',
  doc: 'Cuts its bottom into its tops along `axis`, evenly or at each slice_point.',
  formula: 'y₁, y₂, … = the parts of x',
  shapeRule: 'Along `axis` the parts between the slice points, equal ones without; else as the bottom.',
  ...arrangement,
  ...keepsZero,
  coordMap: ctx => (sliceAxis(ctx) === 1 ? staysInPlace(ctx) : undefined),
  reach: placeAlone,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: Infinity },
  reshape(ctx) {
    const axis = sliceAxis(ctx);
    const at = borders(ctx, axis);
    const top = (k: number) => ctx.bottomShapes[0].map((d, i) => (i === axis ? nth(at, k + 1) - nth(at, k) : d));
    return { tops: Array.from({ length: ctx.topCount }, (_, k) => top(k)), params: [] };
  },
  lower(ctx, b, [x]) {
    const axis = sliceAxis(ctx);
    const at = borders(ctx, axis);
    return Array.from({ length: ctx.topCount }, (_, k) =>
      b.slice(
        x,
        x.shape.map((_, i) => (i === axis ? nth(at, k) : 0)),
        x.shape.map((d, i) => (i === axis ? nth(at, k + 1) - nth(at, k) : d)),
      ),
    );
  },
};

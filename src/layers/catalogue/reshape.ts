/** Reshape: the same elements under another shape; 0 copies a dimension, −1 takes what is left. */

import { type Shape, sizeOf } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** The run of bottom axes, first to past-last, that the given shape replaces (axis and num_axes). */
function replaced(ctx: LayerContext<1>): [number, number] {
  const { axis, num_axes } = sub(ctx.param, 'reshape_param');
  const rank = ctx.bottomShapes[0].length;
  const start = axis >= 0 ? axis : rank + axis + 1;
  if (start < 0 || start > rank) {
    throw ctx.misfit('axis-out-of-range', `axis ${axis} does not exist in ${showBottom(ctx, 0)}.`, {
      field: 'reshape_param.axis',
      hint: `It may go from ${-rank - 1} to ${rank} (−1 and ${rank} stand behind the last axis).`,
    });
  }
  const end = num_axes === -1 ? rank : start + num_axes;
  if (num_axes < -1 || end > rank) {
    throw ctx.misfit('axis-out-of-range', `num_axes ${num_axes} from axis ${start} leaves ${showBottom(ctx, 0)}.`, {
      field: 'reshape_param.num_axes',
      hint: `At most ${rank - start} axes follow there; −1 takes them all.`,
    });
  }
  return [start, end];
}

function newShape(ctx: LayerContext<1>): Shape {
  const bottom = ctx.bottomShapes[0];
  const [start, end] = replaced(ctx);
  const dims = sub(ctx.param, 'reshape_param').shape?.dim ?? [];
  const field = 'reshape_param.shape';
  const copied = dims.map((d, i) => (d === 0 ? bottom[start + i] : d));
  if (copied.includes(undefined)) {
    throw ctx.misfit('reshape-copy', `dim: 0 copies an axis that ${showBottom(ctx, 0)} does not have.`, { field });
  }
  const top = [...bottom.slice(0, start), ...(copied as number[]), ...bottom.slice(end)];
  const inferred = top.filter(d => d === -1).length;
  const bad = top.find(d => d < -1);
  if (inferred > 1 || bad !== undefined) {
    throw ctx.misfit(
      'reshape-dims',
      bad === undefined ? `dim: -1 is given ${inferred} times.` : `dim: ${bad} is given.`,
      {
        field,
        hint: 'One dim may be −1 (it takes what is left); all others are 0 (copied) or positive.',
      },
    );
  }
  const known = sizeOf(top.filter(d => d !== -1));
  const size = sizeOf(bottom);
  if (inferred ? known === 0 || size % known !== 0 : known !== size) {
    const asked = `[${top.map(d => (d === -1 ? '−1' : d)).join(', ')}]`;
    throw ctx.misfit('reshape-count', `${showBottom(ctx, 0)} has ${size} elements and cannot become ${asked}.`, {
      field,
      hint: inferred ? `${size} does not divide by ${known}.` : `${asked} has ${known} elements.`,
    });
  }
  return top.map(d => (d === -1 ? size / known : d));
}

export const reshape: LayerType<1> = {
  type: 'Reshape',
  doc: 'The same elements under another shape; 0 copies a dimension, −1 takes what is left.',
  formula: 'y = x',
  shapeRule:
    'reshape_param.shape in place of num_axes axes from `axis` on: 0 copies an axis, one −1 takes what is left.',
  ...arrangement,
  inPlace: 'shares with its top in another shape',
  ...keepsZero,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape: ctx => ({ tops: [newShape(ctx)], params: [] }),
  lower: (ctx, b, [x]) => [b.reshape(x, newShape(ctx))],
};

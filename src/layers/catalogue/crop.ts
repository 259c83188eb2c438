/** Crop: cuts the first bottom to the second's size from `axis` on, starting at `offset`. */

import { nth } from '../../diagnostics/index.js';
import { dim, showShape } from '../../ir/index.js';
import { type LayerParameter, sub } from '../../schema/index.js';
import { canonicalAxis, showBottom } from '../geometry/axis.js';
import { cropMap, placeAlone } from '../geometry/coord_map.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** Where the cut begins and how big it is, per axis (crop_layer.cpp). */
function cut(ctx: LayerContext<2>): { begin: number[]; size: number[] } {
  const { axis, offset } = sub(ctx.param, 'crop_param');
  const [shape, reference] = ctx.bottomShapes as [readonly number[], readonly number[]];
  const start = canonicalAxis(ctx, axis, shape, 'crop_param.axis');
  if (offset.length > 1 && offset.length !== shape.length - start) {
    throw ctx.fail('crop-offset', `offset is given ${offset.length} times for ${shape.length - start} cropped axes.`, {
      field: 'crop_param.offset',
      hint: `Axes ${start} to ${shape.length - 1} are cropped: give one offset for all, or one for each.`,
    });
  }
  const begin = shape.map((_, i) => (i < start ? 0 : (offset[offset.length > 1 ? i - start : 0] ?? 0)));
  const size = shape.map((d, i) => (i < start ? d : reference[i]));
  size.forEach((d, i) => {
    if (d !== undefined && nth(begin, i) + d <= dim(shape, i)) return;
    throw ctx.misfit(
      'crop-out-of-bounds',
      d === undefined
        ? `${showBottom(ctx, 1)} has no axis ${i} to crop ${showBottom(ctx, 0)} to.`
        : `axis ${i} of ${showBottom(ctx, 0)} has ${shape[i]} elements: a crop of ${d}, the size of ${showBottom(ctx, 1)}, at offset ${begin[i]} leaves it.`,
      {
        field: begin[i] ? 'crop_param.offset' : undefined,
        hint:
          i === 1 && shape.length === 4
            ? `Axis 1 holds the channels, which a crop of pictures keeps: crop_param { axis: 2 } cuts height and width alone.`
            : `The first bottom must be at least offset + ${d ?? 'the second bottom’s size'} there: lower the offset, or pad or upsample more before the crop.`,
      },
    );
  });
  return { begin, size: size as number[] };
}

function cropDetail(layer: LayerParameter): string {
  const { offset } = sub(layer, 'crop_param');
  return offset.length > 0 ? `offset ${offset.join(', ')}` : '';
}

function explainCrop(ctx: LayerContext<2>): string {
  const { axis, offset } = sub(ctx.param, 'crop_param');
  const at = offset.length > 0 ? ` at offset ${offset.join(', ')}` : '';
  return `the size of "${ctx.param.bottom[1]}" ${showShape(ctx.bottomShapes[1] ?? [])} from axis ${axis} on${at}`;
}

export const crop: LayerType<2> = {
  type: 'Crop',
  doc: 'Cuts the first bottom to the size of the second from `axis` on.',
  formula: 'y[p] = x[p + offset]',
  shapeRule: 'From `axis` on that of the second bottom, before it that of the first.',
  ...arrangement,
  ...keepsZero,
  cropsBy: 'crop_param',
  coordMap: ctx => cropMap(cut(ctx).begin.slice(2)),
  reach: placeAlone,
  detail: cropDetail,
  explainShape: explainCrop,
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  reshape: ctx => ({ tops: [cut(ctx).size], params: [] }),
  lower(ctx, b, [x]) {
    const { begin, size } = cut(ctx);
    return [b.slice(x, begin, size)];
  },
};

/** PSROIPooling (R-FCN): the mean in each bin of a grid laid over a region, each bin from channels of its own. */

import { nth } from '../../diagnostics/index.js';
import { dim, type HostArray, nchw } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { checkBins, checkRegions, regionAt, roundAway } from '../detection/regions.js';
import { showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

const f = Math.fround;

/** The elements [from, to) that bin `i` of `bins` covers between two pixels, inside 0 … size (psroi_pooling_layer.cu). */
function binOf(i: number, bins: number, first: number, last: number, scale: number, size: number) {
  const from = f(roundAway(first) * scale);
  const length = f(Math.max(f(f((roundAway(last) + 1) * scale) - from), f(0.1)) / bins);
  const inside = (at: number) => Math.min(Math.max(at, 0), size);
  return [inside(Math.floor(f(f(i * length) + from))), inside(Math.ceil(f(f((i + 1) * length) + from)))] as const;
}

/** Calls `visit` for each element of the top, with where in the bottom its bin's channel begins and what the bin covers. */
function eachBin(
  ctx: LayerContext<2>,
  x: HostArray,
  rois: HostArray,
  visit: (at: number, places: readonly number[]) => void,
): void {
  const [batch, channels, height, width] = nchw(x.shape);
  const { output_dim, group_size: k, spatial_scale } = sub(ctx.param, 'psroi_pooling_param');
  const sides = Array.from({ length: k }, (_, i) => i);
  let at = 0;
  for (let r = 0; r < dim(rois.shape, 0); r++) {
    const { sample, x1, y1, x2, y2 } = regionAt(ctx, rois, r, batch);
    const rows = sides.map(i => binOf(i, k, y1, y2, spatial_scale, height));
    const columns = sides.map(i => binOf(i, k, x1, x2, spatial_scale, width));
    for (let c = 0; c < output_dim; c++)
      for (let ph = 0; ph < k; ph++)
        for (let pw = 0; pw < k; pw++) {
          const [[top, bottom], [left, right]] = [nth(rows, ph), nth(columns, pw)];
          const plane = (sample * channels + (c * k + ph) * k + pw) * height * width;
          const places: number[] = [];
          for (let h = top; h < bottom; h++) for (let w = left; w < right; w++) places.push(plane + h * width + w);
          visit(at++, places);
        }
  }
}

export const psroiPooling: LayerType<2> = {
  type: 'PSROIPooling',
  doc: 'The mean in each of group_size × group_size bins of each region of interest, each bin taken from channels of its own; regions are rows [sample, x1, y1, x2, y2].',
  formula: 'y[r, c, i, j] = mean of x[(c · k + i) · k + j] over bin (i, j) of region r, k = group_size',
  shapeRule: '[regions, output_dim, group_size, group_size].',
  category: 'pooling',
  ...readsElsewhere,
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  canBackward: (_, bottom) => bottom === 0,
  reshape(ctx) {
    const param = sub(ctx.param, 'psroi_pooling_param');
    const { output_dim, group_size } = param;
    checkBins(ctx, 'psroi_pooling_param', { output_dim, group_size });
    if (!(param.spatial_scale > 0))
      throw ctx.fail('roi-scale', 'spatial_scale is missing or not positive.', {
        field: 'psroi_pooling_param.spatial_scale',
        hint: 'It brings pixels of the picture to the feature map: 0.0625 where a pixel of the map stands for 16.',
      });
    checkRegions(ctx);
    const needed = output_dim * group_size ** 2;
    if (ctx.bottomShapes[0][1] !== needed)
      throw ctx.misfit('roi-channels', `${showBottom(ctx, 0)} must have ${needed} channels.`, {
        field: 'psroi_pooling_param.output_dim',
        hint: 'They are output_dim · group_size².',
      });
    return { tops: [[dim(ctx.bottomShapes[1], 0), output_dim, group_size, group_size]], params: [] };
  },
  lower(ctx, b, [x, rois]) {
    const shape = nth(psroiPooling.reshape(ctx).tops, 0);
    return b.hostCall([x, rois], {
      name: ctx.name,
      outputs: [shape],
      run: ([image, regions]) => {
        const top = new Float32Array(dim(regions.shape, 0) * dim(shape, 1) * dim(shape, 2) * dim(shape, 3));
        eachBin(ctx, image, regions, (at, places) => {
          if (places.length > 0) top[at] = places.reduce((sum, p) => sum + image.data[p]!, 0) / places.length;
        });
        return [top];
      },
      backward: ([image, regions, , dy]) => {
        const dx = new Float32Array(image.data.length);
        eachBin(ctx, image, regions, (at, places) => {
          for (const p of places) dx[p]! += dy.data[at]! / places.length;
        });
        return [dx];
      },
    });
  },
};

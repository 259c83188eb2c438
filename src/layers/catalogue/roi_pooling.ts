/** ROIPooling (Fast R-CNN): the maximum in each bin of a grid laid over each region of interest. */

import type { HostArray, HostFunction } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { checkRegions, regionAt, roundAway } from '../detection/regions.js';
import { countOf } from '../geometry/axis.js';
import type { LayerContext, LayerType } from '../types.js';

/** A corner in elements of the feature map. */
const edge = (v: number, scale: number) => roundAway(Math.fround(v * scale));

/** Where bin `i` of `bins` over a region from `from` to `to` begins and ends, inside 0 … size (roi_pooling_layer.cpp). */
function binOf(i: number, bins: number, from: number, to: number, size: number): readonly [number, number] {
  const length = Math.fround(Math.max(to - from + 1, 1) / bins);
  const inside = (at: number) => Math.min(Math.max(at + from, 0), size);
  return [inside(Math.floor(Math.fround(i * length))), inside(Math.ceil(Math.fround((i + 1) * length)))];
}

/** Maxima and where in its plane each lies; 0 and −1 of an empty bin. */
function pool(ctx: LayerContext, x: HostArray, rois: HostArray): Float32Array[] {
  const [batch, channels, height, width] = x.shape as readonly [number, number, number, number];
  const { pooled_h, pooled_w, spatial_scale } = sub(ctx.param, 'roi_pooling_param');
  const count = rois.shape[0]! * channels * pooled_h * pooled_w;
  const [top, index] = [new Float32Array(count), new Float32Array(count).fill(-1)];
  for (let at = 0; at < count; at++) {
    const pw = at % pooled_w;
    const ph = Math.floor(at / pooled_w) % pooled_h;
    const c = Math.floor(at / (pooled_w * pooled_h)) % channels;
    const roi = Math.floor(at / (pooled_w * pooled_h * channels));
    const { sample, x1, y1, x2, y2 } = regionAt(ctx, rois, roi, batch);
    const scaled = (v: number) => edge(v, spatial_scale);
    const [top0, bottom] = binOf(ph, pooled_h, scaled(y1), scaled(y2), height);
    const [left, right] = binOf(pw, pooled_w, scaled(x1), scaled(x2), width);
    const plane = (sample * channels + c) * height * width;
    for (let h = top0; h < bottom; h++)
      for (let w = left; w < right; w++) {
        const place = h * width + w;
        if (index[at]! >= 0 && !(x.data[plane + place]! > top[at]!)) continue;
        index[at] = place;
        top[at] = x.data[plane + place]!;
      }
  }
  return [top, index];
}

/**
 * Gradients go to where the maxima came from; those that meet add up. Of a region that ends before it begins, which forward
 * takes for one element, none flows, nor to an element behind a region's end (Backward_cpu, and in_roi on the GPU).
 */
function scatter(ctx: LayerContext): HostFunction {
  const { spatial_scale } = sub(ctx.param, 'roi_pooling_param');
  return ([x, rois, , index, dy]) => {
    const [, channels, height, width] = x!.shape as readonly [number, number, number, number];
    const dx = new Float32Array(x!.data.length);
    const bins = countOf(index!.shape, 2);
    dy!.data.forEach((d, at) => {
      const place = index!.data[at]!;
      const c = Math.floor(at / bins) % channels;
      const roi = 5 * Math.floor(at / (bins * channels));
      const n = Math.trunc(rois!.data[roi]!);
      const [x2, y2] = [3, 4].map(i => edge(rois!.data[roi + i]!, spatial_scale)) as [number, number];
      if (place < 0 || place % width > x2 || Math.floor(place / width) > y2) return;
      dx[(n * channels + c) * height * width + place]! += d;
    });
    return [dx];
  };
}

/**
 * Regions are rows [sample, x1, y1, x2, y2] in pixels of the image; spatial_scale brings them to the feature map
 * (roi_pooling_layer.cpp of rbgirshick/caffe-fast-rcnn).
 */
export const roiPooling: LayerType = {
  type: 'ROIPooling',
  doc: 'The maximum in each of pooled_h × pooled_w bins of each region of interest; regions are rows [sample, x1, y1, x2, y2].',
  formula:
    'y[r, c, i, j] = max of x over rows ⌊i · h / pooled_h⌋ … ⌈(i + 1) · h / pooled_h⌉ and columns likewise of region r, corners rounded after spatial_scale',
  shapeRule: '[regions, C, pooled_h, pooled_w].',
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  canBackward: (_, bottom) => bottom === 0,
  reshape(ctx) {
    const { pooled_h, pooled_w } = sub(ctx.param, 'roi_pooling_param');
    const [x, rois] = ctx.bottomShapes as readonly (readonly number[])[];
    const zero = pooled_h > 0 ? (pooled_w > 0 ? undefined : 'pooled_w') : 'pooled_h';
    if (zero) throw ctx.fail('roi-bins', `${zero} is missing or 0.`, { field: `roi_pooling_param.${zero}` });
    checkRegions(ctx);
    return { tops: [[rois![0]!, x![1]!, pooled_h, pooled_w]], params: [] };
  },
  lower(ctx, b, [x, rois]) {
    const { tops } = roiPooling.reshape(ctx);
    const [top] = b.hostCall([x!, rois!], {
      name: ctx.name,
      outputs: [tops[0]!, tops[0]!],
      run: ([image, regions]) => pool(ctx, image!, regions!),
      backward: scatter(ctx),
    });
    return [top!];
  },
};

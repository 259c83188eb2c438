/** ROIPooling (Fast R-CNN): the maximum in each bin of a grid laid over each region of interest. */

import { nth } from '../../diagnostics/index.js';
import { type Builder, dim, type HostArray, nchw, type Shape, type Value } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { checkBins, checkRegions, regionAt, roundAway } from '../detection/regions.js';
import { countOf } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** A corner in elements of the feature map. */
const edge = (v: number, scale: number) => roundAway(Math.fround(v * scale));

/** Where bin `i` of `bins` over a region from `from` to `to` begins and ends, inside 0 … size (roi_pooling_layer.cpp). */
function binOf(i: number, bins: number, from: number, to: number, size: number): readonly [number, number] {
  const length = Math.fround(Math.max(to - from + 1, 1) / bins);
  const inside = (at: number) => Math.min(Math.max(at + from, 0), size);
  return [inside(Math.floor(Math.fround(i * length))), inside(Math.ceil(Math.fround((i + 1) * length)))];
}

/**
 * Maxima, 0 of an empty bin; and for the gradient, channel by channel, the place n · H · W + h · W + w that each maximum came
 * from, or −1: of a region that ends before it begins, which forward takes for one element, no gradient flows, nor to an
 * element behind a region's end (Backward_cpu, and in_roi on the GPU).
 */
function pool(ctx: LayerContext<2>, x: HostArray, rois: HostArray): Float32Array[] {
  const [batch, channels, height, width] = nchw(x.shape);
  const { pooled_h, pooled_w, spatial_scale } = sub(ctx.param, 'roi_pooling_param');
  const [regions, bins] = [dim(rois.shape, 0), pooled_h * pooled_w];
  const top = new Float32Array(regions * channels * bins);
  const index = new Float32Array(top.length).fill(-1);
  const scaled = (v: number) => edge(v, spatial_scale);
  for (let roi = 0; roi < regions; roi++) {
    const { sample, x1, y1, x2, y2 } = regionAt(ctx, rois, roi, batch);
    const [left, upper, right, lower] = [scaled(x1), scaled(y1), scaled(x2), scaled(y2)] as const;
    const rows = Array.from({ length: pooled_h }, (_, i) => binOf(i, pooled_h, upper, lower, height));
    const columns = Array.from({ length: pooled_w }, (_, i) => binOf(i, pooled_w, left, right, width));
    for (let c = 0; c < channels; c++) {
      const plane = (sample * channels + c) * height * width;
      for (let bin = 0; bin < bins; bin++) {
        const at = (roi * channels + c) * bins + bin;
        const [h0, h1] = nth(rows, Math.floor(bin / pooled_w));
        const [w0, w1] = nth(columns, bin % pooled_w);
        let place = -1;
        for (let h = h0; h < h1; h++)
          for (let w = w0; w < w1; w++) {
            if (place >= 0 && !(x.data[plane + h * width + w]! > top[at]!)) continue;
            place = h * width + w;
            top[at] = x.data[plane + place]!;
          }
        const flows = place >= 0 && place % width <= right && Math.floor(place / width) <= lower;
        if (flows) index[(c * regions + roi) * bins + bin] = sample * height * width + place;
      }
    }
  }
  return [top, index];
}

/** Gradients go to where the maxima came from; those that meet add up. `index` is that of `pool`. */
function spread(b: Builder, dy: Value, index: Value, x: Shape): Value {
  const [batch, channels, height, width] = x as readonly [number, number, number, number];
  const perChannel = b.reshape(b.transpose(dy, [1, 0, 2, 3]), [channels, countOf(dy.shape, 0) / channels]);
  const dx = b.scatterAdd(perChannel, b.reshape(index, perChannel.shape), { axis: 1, size: batch * height * width });
  return b.transpose(b.reshape(dx, [channels, batch, height, width]), [1, 0, 2, 3]);
}

/**
 * Regions are rows [sample, x1, y1, x2, y2] in pixels of the image; spatial_scale brings them to the feature map
 * (roi_pooling_layer.cpp of rbgirshick/caffe-fast-rcnn).
 */
export const roiPooling: LayerType<2> = {
  type: 'ROIPooling',
  doc: 'The maximum in each of pooled_h × pooled_w bins of each region of interest; regions are rows [sample, x1, y1, x2, y2].',
  formula:
    'y[r, c, i, j] = max of x over rows ⌊i · h / pooled_h⌋ … ⌈(i + 1) · h / pooled_h⌉ and columns likewise of region r, corners rounded after spatial_scale',
  shapeRule: '[regions, C, pooled_h, pooled_w].',
  category: 'pooling',
  ...readsElsewhere,
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  canBackward: (_, bottom) => bottom === 0,
  reshape(ctx) {
    const { pooled_h, pooled_w } = sub(ctx.param, 'roi_pooling_param');
    const [x, rois] = ctx.bottomShapes as readonly (readonly number[])[];
    checkBins(ctx, 'roi_pooling_param', { pooled_h, pooled_w });
    checkRegions(ctx);
    return { tops: [[nth(rois!, 0), nth(x!, 1), pooled_h, pooled_w]], params: [] };
  },
  lower(ctx, b, [x, rois]) {
    const { tops } = roiPooling.reshape(ctx);
    const shape = nth(tops, 0);
    const { pooled_h, pooled_w, spatial_scale } = sub(ctx.param, 'roi_pooling_param');
    const attrs = { pooled_shape: [pooled_h, pooled_w], spatial_scale: { float: spatial_scale } };
    const [top] = b.hostCall([x, b.reshape(rois, [dim(rois.shape, 0), 5])], {
      name: ctx.name,
      outputs: [shape, [dim(shape, 1), dim(shape, 0), pooled_h, pooled_w]],
      run: ([image, regions]) => pool(ctx, image, regions),
      gradient: (b, { inputs, outputs }, [dy]) => [
        dy && spread(b, dy, nth(outputs, 1), nth(inputs, 0).shape),
        undefined,
      ],
      lower: (b, inputs, target) =>
        target === 'onnx'
          ? b.hostCall(inputs, {
              name: ctx.name,
              outputs: [shape],
              run: ([image, regions]) => pool(ctx, image!, regions!).slice(0, 1),
              holdsForAllSizes: true,
              onnx: (w, given) => [w.op('MaxRoiPool', given, { attrs })],
            })
          : undefined,
    });
    return [top!];
  },
};

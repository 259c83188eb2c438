/** ROIAlign (Mask R-CNN's ports): interpolated values in each bin of a grid laid over a region, the greatest of four. */

import { nth } from '../../diagnostics/index.js';
import { dim, type HostArray, type HostFunction, nchw } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { checkBins, checkRegions, regionAt } from '../detection/regions.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

const f = Math.fround;

/** How many of a bin's elements count. */
const MOST = 4;
/** Where the bin is sampled, in shares of the region from its centre: [x, y]. */
const SAMPLES = [
  [-0.5, -0.5],
  [-0.5, 0.5],
  [0.5, -0.5],
  [0.5, 0.5],
] as const;

/** Along one axis of a region: where it begins and ends on the feature map. */
interface Side {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

/** Whole places in bin `i` of `bins`, which are both of its ends where these are whole. */
function placesIn({ from, to, size }: Side, bins: number, i: number): { places: readonly number[]; empty: boolean } {
  const length = f(Math.max(f(f(to - from) + 1), 1) / bins);
  const inside = (at: number) => Math.min(Math.max(f(at + from), 0), size);
  const [begin, end] = [inside(f(i * length)), inside(f((i + 1) * length))];
  const places: number[] = [];
  for (let at = Math.ceil(begin); at <= Math.floor(end) && at < size; at++) places.push(at);
  return { places, empty: end <= begin };
}

/** How much the place counts for a sample: linear in its distance, the region being −1 … 1. */
function share({ from, to }: Side, place: number, sample: number): number {
  const at = f(f((2 * f(place - from)) / f(to - from)) - 1);
  if (Number.isNaN(at)) return 0;
  return Math.max(0, f(1 - Math.abs(f(sample - Math.min(Math.max(at, -1), 1)))));
}

interface Element {
  /** In its plane of the bottom. */
  readonly at: number;
  readonly weight: number;
}

/** A bin of a region, for all channels. */
interface Bin {
  readonly samples: readonly (readonly Element[])[];
  /** Whether it has no extent. */
  readonly empty: boolean;
}

interface Chosen {
  readonly value: number;
  readonly elements: readonly Element[];
  /** Where the plane of the elements begins in the bottom. */
  readonly plane: number;
}

/** The greatest of the bin's samples; 0 of a bin without extent, unless a sample is greater. */
function choose(data: Float32Array, plane: number, { samples, empty }: Bin): Chosen {
  let best: Chosen = { value: empty ? 0 : -Infinity, elements: [], plane };
  for (const elements of samples) {
    const value = elements.reduce((sum, { at, weight }) => f(sum + f(data[plane + at]! * weight)), 0);
    if (value > best.value) best = { value, elements, plane };
  }
  return best;
}

/** The bins of a region, row by row. */
function binsOf(rows: Side, columns: Side, pooledRows: number, pooledColumns: number): Bin[] {
  const across = Array.from({ length: pooledColumns }, (_, pw) => placesIn(columns, pooledColumns, pw));
  return Array.from({ length: pooledRows }, (_, ph) => placesIn(rows, pooledRows, ph)).flatMap(down =>
    across.map((aside): Bin => {
      const places = down.places.flatMap(h => aside.places.map(w => ({ h, w }))).slice(0, MOST);
      const samples = SAMPLES.map(([sx, sy]) =>
        places.map(({ h, w }) => ({
          at: h * columns.size + w,
          weight: f(share(columns, w, sx) * share(rows, h, sy)),
        })),
      );
      return { samples, empty: down.empty || aside.empty };
    }),
  );
}

/** What each element of the top was computed from. */
function align(ctx: LayerContext<2>, x: HostArray, rois: HostArray): readonly Chosen[] {
  const [batch, channels, height, width] = nchw(x.shape);
  const { pooled_h, pooled_w, spatial_scale } = sub(ctx.param, 'roi_align_param');
  const chosen: Chosen[] = [];
  for (let r = 0; r < dim(rois.shape, 0); r++) {
    const { sample, x1, y1, x2, y2 } = regionAt(ctx, rois, r, batch);
    const rows: Side = { from: f(y1 * spatial_scale), to: f(y2 * spatial_scale), size: height };
    const columns: Side = { from: f(x1 * spatial_scale), to: f(x2 * spatial_scale), size: width };
    const bins = binsOf(rows, columns, pooled_h, pooled_w);
    for (let c = 0; c < channels; c++)
      for (const bin of bins) chosen.push(choose(x.data, (sample * channels + c) * height * width, bin));
  }
  return chosen;
}

/** Gradients go to the elements of the chosen samples, by their weights. */
function scatter(ctx: LayerContext<2>): HostFunction {
  return ([x, rois, , dy]) => {
    const dx = new Float32Array(x!.data.length);
    align(ctx, x!, rois!).forEach(({ elements, plane }, i) => {
      for (const { at, weight } of elements) dx[plane + at]! += dy!.data[i]! * weight;
    });
    return [dx];
  };
}

/**
 * After roi_align_layer.cpp of Mask R-CNN's first ports (J. Dhaliwal): of each bin the first four whole places, row by row,
 * count for four samples half-way to the region's corners, and the greatest sample is the bin's value. It is not the ROIAlign
 * of the paper, which averages samples within the bin.
 */
export const roiAlign: LayerType<2> = {
  type: 'ROIAlign',
  doc: 'In each of pooled_h × pooled_w bins of each region of interest the greatest of four samples interpolated from the bin’s first four elements; regions are rows [sample, x1, y1, x2, y2].',
  formula:
    'y[r, c, i, j] = max over (u, v) ∈ {−½, ½}² of Σ x[c, p, q] · max(0, 1 − |v − p̂|) · max(0, 1 − |u − q̂|) over the first four places (p, q) in the bin, p̂ and q̂ being −1 … 1 across the region',
  shapeRule: '[regions, C, pooled_h, pooled_w].',
  differences:
    'It is the rule of the Caffe ports, not the paper’s mean of samples. The gradient is the derivative, where the ports’ backward takes a region’s index for its sample.',
  category: 'pooling',
  ...readsElsewhere,
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  canBackward: (_, bottom) => bottom === 0,
  reshape(ctx) {
    const { pooled_h, pooled_w } = sub(ctx.param, 'roi_align_param');
    checkBins(ctx, 'roi_align_param', { pooled_h, pooled_w });
    checkRegions(ctx);
    const [x, rois] = ctx.bottomShapes as readonly (readonly number[])[];
    return { tops: [[nth(rois!, 0), nth(x!, 1), pooled_h, pooled_w]], params: [] };
  },
  lower(ctx, b, [x, rois]) {
    return b.hostCall([x, rois], {
      name: ctx.name,
      outputs: roiAlign.reshape(ctx).tops,
      run: ([image, regions]) => [Float32Array.from(align(ctx, image, regions), ({ value }) => value)],
      backward: scatter(ctx),
    });
  },
};

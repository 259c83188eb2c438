/** Regions of interest as R-CNN has them: rows [sample, x1, y1, x2, y2] in pixels of the picture. */

import type { HostArray } from '../../ir/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import type { LayerContext } from '../types.js';

export interface Region {
  /** Which sample of the batch it lies in. */
  readonly sample: number;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Throws where the bottoms are not feature maps N×C×H×W and regions of 5 numbers. */
export function checkRegions(ctx: LayerContext): void {
  const [x, rois] = ctx.bottomShapes as readonly (readonly number[])[];
  if (x!.length !== 4) throw ctx.misfit('roi-axes', `${showBottom(ctx, 0)} must have 4 axes, N×C×H×W.`);
  if (rois!.length === 0 || countOf(rois!, 1) !== 5)
    throw ctx.misfit('roi-axes', `${showBottom(ctx, 1)} must be regions of 5 numbers: sample, x1, y1, x2, y2.`);
}

/** Throws where a field of the layer's parameter message `message` that counts bins is missing or 0. */
export function checkBins(ctx: LayerContext, message: string, counts: Readonly<Record<string, number>>): void {
  const [zero] = Object.entries(counts).find(([, count]) => !(count > 0)) ?? [];
  if (zero !== undefined) throw ctx.fail('roi-bins', `${zero} is missing or 0.`, { field: `${message}.${zero}` });
}

/** Region `index`. Throws where its sample is none of the `batch` samples. */
export function regionAt(ctx: LayerContext, rois: HostArray, index: number, batch: number): Region {
  const [sample, x1, y1, x2, y2] = rois.data.subarray(index * 5, index * 5 + 5) as unknown as readonly number[];
  if (!(sample! >= 0 && sample! < batch))
    throw ctx.fail('roi-sample', `region ${index} is of sample ${sample}; there are ${batch}.`);
  return { sample: Math.trunc(sample!), x1: x1!, y1: y1!, x2: x2!, y2: y2! };
}

/** C's round: halves away from 0. */
export function roundAway(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

/**
 * Coordinate maps: which place of a layer's bottom is which place of its top, along each spatial axis (the axes after batch
 * and channels), as pycaffe's coord_map.py derives them.
 */

import type { LayerContext } from '../types.js';

/** Along one spatial axis, the place x of a layer's bottom is the place scale·x + shift of its top. */
export interface AxisMap {
  readonly scale: number;
  readonly shift: number;
}

/** One per spatial axis. */
export type CoordMap = readonly AxisMap[];

/** Every place stays where it is. */
export function identity(axes: number): CoordMap {
  return Array.from({ length: axes }, () => ({ scale: 1, shift: 0 }));
}

/** First `inner`, then `outer`. */
export function compose(outer: CoordMap, inner: CoordMap): CoordMap {
  return outer.map(({ scale, shift }, i) => ({
    scale: scale * inner[i]!.scale,
    shift: scale * inner[i]!.shift + shift,
  }));
}

export function inverse(map: CoordMap): CoordMap {
  return map.map(({ scale, shift }) => ({ scale: 1 / scale, shift: -shift / scale }));
}

/** Of a window of `extent` places every `stride`: its middle. The transpose of a convolution has the inverse map. */
export function windowMap(extent: number, stride: number, pad: number): AxisMap {
  return { scale: 1 / stride, shift: (pad - (extent - 1) / 2) / stride };
}

/** Where a crop by these offsets, one per spatial axis, puts the places of its bottom. */
export function cropMap(offsets: readonly number[]): CoordMap {
  return offsets.map(offset => ({ scale: 1, shift: -offset }));
}

/** Spatial axes of a layer's first bottom. */
export function spatialAxes(ctx: LayerContext): number {
  return (ctx.bottomShapes[0]?.length ?? 0) - 2;
}

/** The reach of a layer that makes each place of that place alone. */
export function placeAlone(ctx: LayerContext): readonly number[] {
  return new Array<number>(Math.max(0, spatialAxes(ctx))).fill(0);
}

/** The map of a layer whose top has each place where its bottom has it. */
export function staysInPlace(ctx: LayerContext): CoordMap {
  return identity(spatialAxes(ctx));
}

/**
 * Which place of one blob lies over which place of another: coordinate maps of spatial layers, composed along the paths
 * between two blobs, as pycaffe's coord_map.py derives them. A Crop that joins two paths needs the offset that follows.
 */

import { nth } from '../diagnostics/index.js';
import { isElementwise } from '../layers/elementwise.js';
import {
  type AxisMap,
  type CoordMap,
  compose,
  cropMap,
  identity,
  inverse,
  spatialAxes,
} from '../layers/geometry/coord_map.js';
import { paramAt } from '../layers/param_at.js';
import type { CropParameter } from '../schema/index.js';
import type { BlobVersion, SetUpLayer } from './types.js';

export type { AxisMap, CoordMap };

/** The layers of a graph, as far as maps need them. */
export type MappedLayer = Pick<SetUpLayer, 'type' | 'context' | 'bottoms' | 'tops' | 'paramShapes'>;

/** Offsets that layers which crop ought to have, by the layer's top: they count instead of the written ones. */
export type Offsets = ReadonlyMap<BlobVersion, readonly number[]>;

/** A layer's own map, from its first bottom to its first top; undefined for a layer that is no spatial one. */
export function coordMap({ type, context, tops, paramShapes }: MappedLayer, offsets?: Offsets): CoordMap | undefined {
  const axes = spatialAxes(context);
  if (axes < 1) return undefined;
  const right = type.cropsBy && offsets?.get(nth(tops, 0));
  if (right) return cropMap(right);
  if (type.coordMap) return type.coordMap(context);
  return isElementwise(type, context, paramShapes) ? identity(axes) : undefined;
}

/** The offset, for every axis of its bottom, of a layer that crops; 0 where it does not crop. */
export function cropOffsets({ type, context }: Pick<MappedLayer, 'type' | 'context'>): readonly number[] {
  const rank = nth(context.bottomShapes, 0).length;
  const { axis, offset } = paramAt<CropParameter>(context.param, type.cropsBy!);
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank }, (_, i) => (i < first ? 0 : (offset[offset.length === 1 ? 0 : i - first] ?? 0)));
}

/** A map between two blobs, and the blob where the paths to them part. */
export interface Alignment {
  readonly map: CoordMap;
  readonly common: BlobVersion;
}

/**
 * The map from places of `from` to places of `to`: both are walked back to the first blob that both come from. Undefined
 * where spatial layers do not join them.
 *
 * @param layers of the net, each at the index that its tops name as `producer`
 */
export function coordMapFromTo(
  layers: readonly MappedLayer[],
  from: BlobVersion,
  to: BlobVersion,
  offsets?: Offsets,
): Alignment | undefined {
  const back = new Map([...walk(layers, from, offsets)].map(([blob, map]) => [blob.id, map]));
  for (const [blob, map] of walk(layers, to, offsets)) {
    const other = back.get(blob.id);
    if (other?.length === map.length) return { map: compose(map, inverse(other)), common: blob };
  }
  return undefined;
}

/** Blobs from `blob` on backwards, nearest first, each with the map from it to `blob`. */
function* walk(
  layers: readonly MappedLayer[],
  blob: BlobVersion,
  offsets: Offsets | undefined,
): Generator<readonly [BlobVersion, CoordMap]> {
  const seen = new Set([blob.id]);
  const start = identity(blob.shape.length - 2);
  const queue: (readonly [BlobVersion, CoordMap])[] = [[blob, start]];
  for (let next = 0; next < queue.length; next++) {
    const [at, map] = nth(queue, next);
    yield [at, map];
    const maker = layers[at.producer];
    const own = maker && coordMap(maker, offsets);
    if (!own || own.length !== map.length) continue;
    // The second bottom of a layer that crops only lends its size.
    const bottoms = maker.type.cropsBy ? maker.bottoms.slice(0, 1) : maker.bottoms;
    for (const bottom of bottoms) {
      if (seen.has(bottom.id)) continue;
      seen.add(bottom.id);
      queue.push([bottom, compose(map, own)]);
    }
  }
}

/** What a Crop of `from` to the places of `to` needs. */
export interface CropAlignment {
  /** Where the first place of `to` lies in `from`, per spatial axis: the offset. Perhaps no whole number, or negative. */
  readonly offset: readonly number[];
  /** Places of `to` per place of `from`, per spatial axis: 1 where they can be aligned at all. */
  readonly scale: readonly number[];
  /** The blob that both come from. */
  readonly common: BlobVersion;
}

const near = (x: number): number => (Math.abs(x - Math.round(x)) < 1e-6 ? Math.round(x) + 0 : x);

/** The offset by which a Crop lays `from` over `to` (pycaffe's `crop`); undefined where no spatial path joins them. */
export function cropAlignment(
  layers: readonly MappedLayer[],
  from: BlobVersion,
  to: BlobVersion,
  offsets?: Offsets,
): CropAlignment | undefined {
  const found = coordMapFromTo(layers, from, to, offsets);
  if (!found) return undefined;
  const { map, common } = found;
  return { offset: map.map(m => near(-m.shift)), scale: map.map(m => near(m.scale)), common };
}

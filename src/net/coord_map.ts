/**
 * Which place of one blob lies over which place of another: coordinate maps of spatial layers, composed along the paths
 * between two blobs, as pycaffe's coord_map.py derives them. A Crop that joins two paths needs the offset that follows.
 */

import { geometry } from '../layers/geometry/convolution_geometry.js';
import { isSet, sub } from '../schema/index.js';
import type { SetUpLayer } from './setup.js';
import type { BlobVersion } from './types.js';

/** Along one spatial axis, the place x of a layer's bottom is the place scale·x + shift of its top. */
export interface AxisMap {
  readonly scale: number;
  readonly shift: number;
}

/** One per spatial axis (the axes after batch and channels). */
export type CoordMap = readonly AxisMap[];

/** The layers of a graph, as far as maps need them. */
export type MappedLayer = Pick<SetUpLayer, 'type' | 'context' | 'bottoms' | 'tops'>;

/** Layers that leave every place where it is. */
const STAYS: ReadonlySet<string> = new Set([
  ...['AbsVal', 'BatchNorm', 'Bias', 'BN', 'BNLL', 'Clip', 'Dropout', 'Eltwise', 'ELU', 'Exp', 'Log', 'LRN', 'MVN'],
  ...['Normalize', 'Power', 'PReLU', 'ReLU', 'ReLU6', 'Scale', 'ShuffleChannel', 'Sigmoid', 'Softmax', 'Softplus'],
  ...['Split', 'Swish', 'TanH', 'Threshold', 'Axpy'],
]);

const IDENTITY: AxisMap = { scale: 1, shift: 0 };

/** First `inner`, then `outer`. */
function compose(outer: CoordMap, inner: CoordMap): CoordMap {
  return outer.map(({ scale, shift }, i) => ({
    scale: scale * inner[i]!.scale,
    shift: scale * inner[i]!.shift + shift,
  }));
}

function inverse(map: CoordMap): CoordMap {
  return map.map(({ scale, shift }) => ({ scale: 1 / scale, shift: -shift / scale }));
}

/** Offsets that Crop layers ought to have, by the layer's top: they count instead of the written ones. */
export type Offsets = ReadonlyMap<BlobVersion, readonly number[]>;

/** A layer's own map, from its first bottom to its first top; undefined for a layer that is no spatial one. */
export function coordMap(layer: MappedLayer, offsets?: Offsets): CoordMap | undefined {
  const { type } = layer.type;
  const axes = (layer.bottoms[0]?.shape.length ?? 0) - 2;
  if (axes < 1) return undefined;
  if (STAYS.has(type)) return new Array<AxisMap>(axes).fill(IDENTITY);
  if (type === 'Convolution' || type === 'DepthwiseConvolution') return windowMaps(layer);
  if (type === 'Deconvolution') return inverse(windowMaps(layer));
  if (type === 'Pooling') return poolingMap(layer);
  if (type === 'Crop') return cropMap(layer, axes, offsets);
  if (type === 'Concat' || type === 'Slice')
    return joinsChannels(layer) ? new Array<AxisMap>(axes).fill(IDENTITY) : undefined;
  return undefined;
}

/** Of a window of `extent` places every `stride`: its middle. The transpose of a convolution has the inverse map. */
function window(extent: number, stride: number, pad: number): AxisMap {
  return { scale: 1 / stride, shift: (pad - (extent - 1) / 2) / stride };
}

function windowMaps({ context }: MappedLayer): CoordMap {
  const g = geometry(context);
  return g.kernel.map((k, i) => window(g.dilation[i]! * (k - 1) + 1, g.stride[i]!, g.pad[i]!));
}

function poolingMap({ context }: MappedLayer): CoordMap | undefined {
  const p = sub(context.param, 'pooling_param');
  if (p.global_pooling) return undefined;
  const pick = (pair: boolean, h: number, w: number, one: number) => (pair ? [h, w] : [one, one]);
  const kernel = pick(isSet(p, 'kernel_h'), p.kernel_h, p.kernel_w, p.kernel_size);
  const stride = pick(isSet(p, 'stride_h'), p.stride_h, p.stride_w, p.stride);
  const pad = pick(isSet(p, 'pad_h'), p.pad_h, p.pad_w, p.pad);
  return kernel.map((k, i) => window(k, stride[i]!, pad[i]!));
}

function cropMap({ context, tops }: MappedLayer, axes: number, offsets: Offsets | undefined): CoordMap {
  const given = offsets?.get(tops[0]!) ?? cropOffsets(context.param, axes + 2).slice(2);
  return given.map(offset => ({ scale: 1, shift: -offset }));
}

/** A Crop's offset for every axis of its bottom; 0 where it does not crop. */
export function cropOffsets(layer: MappedLayer['context']['param'], rank: number): readonly number[] {
  const { axis, offset } = sub(layer, 'crop_param');
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank }, (_, i) => (i < first ? 0 : (offset[offset.length === 1 ? 0 : i - first] ?? 0)));
}

function joinsChannels({ type, context }: MappedLayer): boolean {
  const param = type.type === 'Concat' ? sub(context.param, 'concat_param') : sub(context.param, 'slice_param');
  return param.axis === 1;
}

/** A map between two blobs, and the blob where the paths to them part. */
export interface Relation {
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
): Relation | undefined {
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
  const start = blob.shape.slice(2).map(() => IDENTITY);
  const queue: (readonly [BlobVersion, CoordMap])[] = [[blob, start]];
  for (let next = 0; next < queue.length; next++) {
    const [at, map] = queue[next]!;
    yield [at, map];
    const maker = layers[at.producer];
    const own = maker && coordMap(maker, offsets);
    if (!own || own.length !== map.length) continue;
    // A Crop's second bottom only lends its size.
    const bottoms = maker.type.type === 'Crop' ? maker.bottoms.slice(0, 1) : maker.bottoms;
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

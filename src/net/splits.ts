/** Where several layers read one blob, a Split layer goes between, under the names Caffe gives it (its InsertSplits). */

import { nth } from '../diagnostics/index.js';
import { SPLIT } from '../layers/index.js';
import { createBeside, type LayerParameter, typeOf } from '../schema/index.js';
import type { NetLayer } from './types.js';

/** A layer as it stands in the final net. */
export interface PlacedLayer {
  readonly param: LayerParameter;
  /** The layer of the text; undefined where the compiler put it in. */
  readonly source: LayerParameter | undefined;
  /** Its loss weight was handed to the Split behind it. */
  readonly lossMoved: boolean;
}

/** Whether the compiler put the layer in, where several layers read one blob. */
export function isSplit({ type, source }: Pick<NetLayer, 'type' | 'source'>): boolean {
  return source === undefined && type.type === SPLIT.type;
}

/** One top of one layer: what a bottom name means at a place in the net. */
interface Origin {
  readonly layer: number;
  readonly top: number;
  readonly blob: string;
  readers: number;
  nextSplit: number;
  lossWeight: number;
}

export function insertSplits(layers: readonly LayerParameter[]): PlacedLayer[] {
  const { bottoms, tops } = countReaders(layers);
  const placed: PlacedLayer[] = [];
  layers.forEach((layer, i) => {
    // The own splits first: a reader of this layer's top comes later, and the loss takes the first top.
    const splits = nth(tops, i).filter(origin => origin.readers > 1);
    const renamed = layer.bottom.map((name, j) => {
      const origin = bottoms[i]![j];
      return origin && origin.readers > 1 ? splitBlob(layers, origin, origin.nextSplit++) : name;
    });
    const lossMoved = splits.some(origin => origin.lossWeight !== 0);
    for (const origin of splits) if (origin.lossWeight !== 0) origin.nextSplit++;
    const changes = { ...(renamed.length > 0 && { bottom: renamed }), ...(lossMoved && { loss_weight: [] }) };
    placed.push({ param: withFields(layer, changes), source: layer, lossMoved });
    for (const origin of splits)
      placed.push({ param: splitLayer(layers, origin), source: undefined, lossMoved: false });
  });
  return placed;
}

/** For each bottom and top of each layer its origin, with the number of its readers; being a loss counts as one. */
function countReaders(layers: readonly LayerParameter[]): { bottoms: (Origin | undefined)[][]; tops: Origin[][] } {
  const last = new Map<string, Origin>();
  const bottoms: (Origin | undefined)[][] = [];
  const tops: Origin[][] = [];
  layers.forEach((layer, i) => {
    const read = layer.bottom.map(name => last.get(name));
    for (const origin of read) if (origin) origin.readers++;
    bottoms.push(read);
    tops.push(
      layer.top.map((blob, top) => {
        const lossWeight = layer.loss_weight[top] ?? 0;
        const origin = { layer: i, top, blob, readers: lossWeight === 0 ? 0 : 1, nextSplit: 0, lossWeight };
        last.set(blob, origin);
        return origin;
      }),
    );
  });
  return { bottoms, tops };
}

function splitName(layers: readonly LayerParameter[], o: Origin): string {
  return `${o.blob}_${nth(layers, o.layer).name}_${o.top}_split`;
}

function splitBlob(layers: readonly LayerParameter[], o: Origin, k: number): string {
  return `${splitName(layers, o)}_${k}`;
}

function splitLayer(layers: readonly LayerParameter[], o: Origin): LayerParameter {
  const tops = Array.from({ length: o.readers }, (_, k) => splitBlob(layers, o, k));
  return createBeside(nth(layers, o.layer), 'caffe.LayerParameter', {
    name: splitName(layers, o),
    type: SPLIT.type,
    bottom: [o.blob],
    top: tops,
    loss_weight: o.lossWeight === 0 ? [] : tops.map((_, k) => (k === 0 ? o.lossWeight : 0)),
  });
}

/** A shallow copy with some fields anew; sub-messages stay the same objects, so that they keep their places in the text. */
export function withFields(layer: LayerParameter, fields: Partial<LayerParameter>): LayerParameter {
  return Object.assign(typeOf(layer).create(), layer, fields) as unknown as LayerParameter;
}

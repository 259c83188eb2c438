/** Ways through a net that several checks go. Splits, which the compiler puts in, are looked through. */

import { nth } from '../../diagnostics/index.js';
import { isSplit } from '../splits.js';
import type { BlobVersion, NetGraph, NetLayer } from '../types.js';

/** The layer of the text that makes a blob. */
export function makerOf(graph: NetGraph, blob: BlobVersion): NetLayer {
  const layer = nth(graph.layers, blob.producer);
  return isSplit(layer) ? makerOf(graph, nth(layer.bottoms, 0)) : layer;
}

/** The version of a blob that people know: before any Split. */
export function unsplit(graph: NetGraph, blob: BlobVersion): BlobVersion {
  const layer = nth(graph.layers, blob.producer);
  return isSplit(layer) ? unsplit(graph, nth(layer.bottoms, 0)) : blob;
}

/** The layers of the text that read each version of a blob, by its id. */
export function readersOf(graph: NetGraph): ReadonlyMap<number, readonly NetLayer[]> {
  const readers = new Map<number, NetLayer[]>();
  for (const layer of graph.layers) {
    if (isSplit(layer)) continue;
    for (const bottom of layer.bottoms) {
      const { id } = unsplit(graph, bottom);
      const list = readers.get(id);
      if (list) list.push(layer);
      else readers.set(id, [layer]);
    }
  }
  return readers;
}

/** Whether the layer adds to what is minimised. */
export function isLoss({ lossWeights }: Pick<NetLayer, 'lossWeights'>): boolean {
  return lossWeights.some(w => w !== 0);
}

/** Whether anything is trained here: phase TRAIN, and a loss. */
export function trains(graph: NetGraph): boolean {
  return graph.phase === 'TRAIN' && graph.layers.some(isLoss);
}

/** Whether a bottom of the layer is written over by its own top of the same name. */
export function inPlace(layer: NetLayer): boolean {
  const { bottom, top } = layer.context.param;
  return top.some(name => bottom.includes(name));
}

/** The axis of its scores along which classes lie, of a layer that reads class numbers; undefined of any other. */
export function classAxis({ type, context, bottoms }: NetLayer): number | undefined {
  const axis = type.classLabels?.axis(context.param);
  return axis === undefined || axis >= 0 ? axis : axis + nth(bottoms, 0).shape.length;
}

/** Ways through a net that several checks go. Splits, which the compiler puts in, are looked through. */

import { sub } from '../../schema/index.js';
import type { BlobVersion, NetGraph, NetLayer } from '../types.js';

/** The layer of the text that makes a blob. */
export function makerOf(graph: NetGraph, blob: BlobVersion): NetLayer {
  const layer = graph.layers[blob.producer]!;
  return isSplit(layer) ? makerOf(graph, layer.bottoms[0]!) : layer;
}

/** The version of a blob that people know: before any Split. */
export function unsplit(graph: NetGraph, blob: BlobVersion): BlobVersion {
  const layer = graph.layers[blob.producer]!;
  return isSplit(layer) ? unsplit(graph, layer.bottoms[0]!) : blob;
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

function isSplit(layer: NetLayer): boolean {
  return layer.type.type === 'Split' && layer.source === undefined;
}

/** Whether the layer adds to what is minimised. */
export function isLoss(layer: NetLayer): boolean {
  return layer.lossWeights.some(w => w !== 0);
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

/** Losses that read labels as class numbers on their second bottom, and scores on their first. */
export const CLASS_LOSSES: ReadonlySet<string> = new Set([
  ...['SoftmaxWithLoss', 'HingeLoss', 'MultinomialLogisticLoss', 'InfogainLoss'],
]);

/** The axis of a layer's scores along which classes lie. */
export function classAxis({ type, context, bottoms }: NetLayer): number {
  const accuracy = type.type === 'Accuracy';
  const { axis } = accuracy ? sub(context.param, 'accuracy_param') : sub(context.param, 'softmax_param');
  return axis < 0 ? axis + bottoms[0]!.shape.length : axis;
}

/** How much memory a net takes: an estimate from its shapes, before any engine has seen it. */

import { nth } from '../diagnostics/index.js';
import { sizeOf } from '../ir/index.js';
import type { BlobVersion, NetGraph } from './types.js';

const FLOAT_BYTES = 4;

export interface MemoryEstimate {
  /** Bytes of one forward: parameters, and blobs each freed after its last reader. */
  readonly forward: number;
  /** Bytes of one training step: parameters with gradient and momentum, all blobs, gradients at their widest place. */
  readonly training: number;
}

export function estimateMemory(net: NetGraph): MemoryEstimate {
  const count = (blobs: readonly BlobVersion[]) => blobs.reduce((n, blob) => n + sizeOf(blob.shape), 0);
  const params = net.params.reduce((n, p) => n + sizeOf(p.shape), 0);
  const trainable = net.params.reduce((n, p) => n + (p.lrMult !== 0 ? sizeOf(p.shape) : 0), 0);
  const real = net.layers.filter(layer => !layer.type.copies);
  const blobs = real.reduce((n, layer) => n + count(layer.tops), 0);
  const widest = real.reduce((n, layer) => Math.max(n, count(layer.tops) + count(layer.bottoms)), 0);
  return {
    forward: FLOAT_BYTES * (params + mostAlive(net)),
    training: FLOAT_BYTES * (params + 2 * trainable + blobs + widest),
  };
}

/** Most numbers in blobs at one time, if each is freed after its last reader. Copies are their bottom. */
function mostAlive(net: NetGraph): number {
  const root = new Map<number, BlobVersion>();
  const rootOf = (blob: BlobVersion) => root.get(blob.id) ?? blob;
  const lastReader = new Map<number, number>();
  for (const layer of net.layers) {
    if (layer.type.copies) for (const top of layer.tops) root.set(top.id, rootOf(nth(layer.bottoms, 0)));
    for (const blob of layer.bottoms) lastReader.set(rootOf(blob).id, layer.index);
  }
  let alive = 0;
  let most = 0;
  for (const layer of net.layers) {
    if (!layer.type.copies) for (const top of layer.tops) alive += sizeOf(top.shape);
    most = Math.max(most, alive);
    for (const blob of new Set(layer.bottoms.map(rootOf))) {
      if (lastReader.get(blob.id) === layer.index) alive -= sizeOf(blob.shape);
    }
  }
  return most;
}

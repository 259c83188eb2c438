/** MemoryData's arrays: given whole, taken batch after batch, from the start again after the last (memory_data_layer.cpp). */

import { fail } from '../diagnostics/index.js';
import { type Shape, showShape, sizeOf } from '../ir/index.js';
import type { NetGraph, NetLayer } from '../net/index.js';
import type { Feeds } from './feeds.js';

interface Held {
  readonly arrays: readonly { readonly blob: string; readonly data: Float32Array; readonly shape: Shape }[];
  /** Rows given, and the one that comes next. */
  readonly rows: number;
  readonly batch: number;
  next: number;
}

export class MemoryFeeds {
  private readonly held = new Map<string, Held>();

  /** @throws MokapotError `no-memory-data`, `memory-data-rows` */
  set(net: NetGraph, data: ArrayLike<number>, labels: ArrayLike<number>, layerName?: string): void {
    const layer = memoryLayer(net, layerName);
    const rows = labels.length;
    const [, ...entry] = layer.tops[0]!.shape;
    const batch = layer.tops[0]!.shape[0]!;
    if (data.length !== rows * sizeOf(entry) || rows === 0 || rows % batch !== 0) {
      throw fail(
        'memory-data-rows',
        `${data.length} numbers and ${rows} labels were given for layer "${layer.name}", whose entries are ${showShape(entry)}, ${batch} a batch.`,
        { hint: `Give ${sizeOf(entry)} numbers for each label, and a multiple of ${batch} labels.` },
      );
    }
    const arrays = layer.tops.map((top, i) => ({
      blob: top.name,
      shape: top.shape,
      data: Float32Array.from(i === 0 ? data : labels),
    }));
    this.held.set(layer.name, { arrays, rows, batch, next: 0 });
  }

  /** The next batch of each layer; one that the caller feeds himself stays where it is. */
  next(given: Feeds): Feeds {
    const feeds: Record<string, { data: Float32Array; shape: Shape }> = {};
    for (const held of this.held.values()) {
      if (held.arrays.some(({ blob }) => given[blob] !== undefined)) continue;
      for (const { blob, data, shape } of held.arrays) {
        const row = data.length / held.rows;
        feeds[blob] = { data: data.subarray(held.next * row, (held.next + held.batch) * row), shape };
      }
      held.next = (held.next + held.batch) % held.rows;
    }
    return { ...feeds, ...given };
  }
}

function memoryLayer(net: NetGraph, name: string | undefined): NetLayer {
  const layers = net.layers.filter(l => l.type.type === 'MemoryData');
  const found = name === undefined ? layers[0] : layers.find(l => l.name === name);
  if (found) return found;
  const there = layers.map(l => `"${l.name}"`).join(', ');
  throw fail(
    'no-memory-data',
    name === undefined ? 'The net has no MemoryData layer.' : `The net has no MemoryData layer "${name}".`,
    {
      hint: there ? `It has ${there}.` : 'Blobs of an Input layer are fed by forward({ data: numbers }).',
    },
  );
}

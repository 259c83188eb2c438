/** MemoryData's arrays: given whole, taken batch after batch, from the start again after the last (memory_data_layer.cpp). */

import { fail } from '../diagnostics/index.js';
import { type Shape, showShape, sizeOf } from '../ir/index.js';
import type { NetGraph, NetLayer } from '../net/index.js';
import type { FeedBatch, FeedSource } from './source.js';

interface Held {
  readonly data: Float32Array;
  readonly shape: Shape;
}

/** The numbers of one MemoryData layer. */
export class MemoryData implements FeedSource {
  private row = 0;

  private constructor(
    /** By blob. */
    private readonly held: ReadonlyMap<string, Held>,
    private readonly rows: number,
    private readonly batch: number,
  ) {}

  /**
   * @param data an entry's numbers for each label
   * @throws MokapotError `memory-data-rows` where they are not whole batches
   */
  static of(layer: NetLayer, data: ArrayLike<number>, labels: ArrayLike<number>): MemoryData {
    const rows = labels.length;
    const [batch, ...entry] = layer.tops[0]!.shape as [number, ...number[]];
    if (data.length !== rows * sizeOf(entry) || rows === 0 || rows % batch !== 0) {
      throw fail(
        'memory-data-rows',
        `${data.length} numbers and ${rows} labels were given for layer "${layer.name}", whose entries are ${showShape(entry)}, ${batch} a batch.`,
        { hint: `Give ${sizeOf(entry)} numbers for each label, and a multiple of ${batch} labels.` },
      );
    }
    const held = layer.tops.map((top, i): [string, Held] => [
      top.name,
      { shape: top.shape, data: Float32Array.from(i === 0 ? data : labels) },
    ]);
    return new MemoryData(new Map(held), rows, batch);
  }

  get blobs(): readonly string[] {
    return [...this.held.keys()];
  }

  async next(): Promise<FeedBatch> {
    const feeds: Record<string, Held> = {};
    for (const [blob, { data, shape }] of this.held) {
      const size = data.length / this.rows;
      feeds[blob] = { data: data.subarray(this.row * size, (this.row + this.batch) * size), shape };
    }
    this.row = (this.row + this.batch) % this.rows;
    return { feeds, count: this.batch };
  }
}

/** The MemoryData layer of that name; without one, the first. @throws MokapotError `no-memory-data` */
export function memoryLayer(net: NetGraph, name: string | undefined): NetLayer {
  const layers = net.layers.filter(l => l.type.fedBy === 'arrays');
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

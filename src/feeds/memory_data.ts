/** MemoryData's arrays: given whole, taken batch after batch, from the start again after the last (memory_data_layer.cpp). */

import { fail, recordOf } from '../diagnostics/index.js';
import { showShape, sizeOf } from '../ir/index.js';
import type { NetGraph, NetLayer } from '../net/index.js';
import type { GivenFeed } from './feeds.js';
import type { FeedBatch, FeedSource } from './source.js';

/** The numbers of one MemoryData layer. */
export class MemoryData implements FeedSource {
  private row = 0;

  private constructor(
    /** By blob. */
    private readonly held: ReadonlyMap<string, GivenFeed>,
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
    const held = layer.tops.map((top, i): [string, GivenFeed] => [
      top.name,
      { shape: top.shape, data: Float32Array.from(i === 0 ? data : labels) },
    ]);
    return new MemoryData(new Map(held), rows, batch);
  }

  get blobs(): readonly string[] {
    return [...this.held.keys()];
  }

  async next(): Promise<FeedBatch> {
    const rows = ({ data, shape }: GivenFeed): GivenFeed => {
      const size = data.length / this.rows;
      return { data: data.subarray(this.row * size, (this.row + this.batch) * size), shape };
    };
    const feeds = recordOf([...this.held].map(([blob, held]) => [blob, rows(held)] as const));
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

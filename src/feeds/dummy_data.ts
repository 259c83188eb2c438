/** DummyData's blobs: those with a constant filler are made once, the others at every run (dummy_data_layer.cpp). */

import { recordOf } from '../diagnostics/index.js';
import { fill } from '../fillers/index.js';
import { dummyFillers } from '../layers/index.js';
import type { NetGraph, NetLayer } from '../net/index.js';
import type { Random } from '../random/index.js';
import { sub } from '../schema/index.js';
import type { GivenFeed } from './feeds.js';
import type { FeedBatch, FeedSource } from './source.js';

/** The tops of all DummyData layers of a net. Their shapes are the same for all input shapes. */
export class DummyData implements FeedSource {
  readonly blobs: readonly string[];
  private readonly layers: readonly NetLayer[];
  private readonly constants = new Map<string, Float32Array>();

  constructor(
    net: NetGraph,
    private readonly random: Random,
  ) {
    this.layers = net.layers.filter(layer => layer.type.fedBy === 'fillers');
    this.blobs = this.layers.flatMap(layer => layer.tops.map(top => top.name));
  }

  async next(): Promise<FeedBatch> {
    const feeds = new Map<string, GivenFeed>();
    for (const { param, tops } of this.layers) {
      const fillers = dummyFillers(sub(param, 'dummy_data_param'), tops.length);
      tops.forEach(({ name, shape }, i) => {
        const filler = fillers[i]!;
        const data = this.constants.get(name) ?? fill(filler, shape, this.random);
        if (filler.type === 'constant') this.constants.set(name, data);
        feeds.set(name, { data, shape });
      });
    }
    return { feeds: recordOf(feeds), count: 1 };
  }
}

/** Figures: the outputs of a net that are a few numbers (loss, accuracy, Dice), and their means over a test. */

import type { Feeds } from '../feeds/feeds.js';
import type { DataFeed, FeedBatch } from '../feeds/source.js';
import { sizeOf } from '../ir/index.js';
import { LOSS, type NetGraph } from '../net/index.js';
import type { NetProgram } from '../runtime/runner.js';

/** Outputs by name, each as a list of its numbers. */
export type Figures = Readonly<Record<string, readonly number[]>>;

/** Greater outputs are pictures rather than figures. */
const MAX_OUTPUT = 64;

export const testProgram: NetProgram = { lower: {}, fetch: figuresToFetch };

function isFigure(net: NetGraph, name: string): boolean {
  const blob = net.blobs.get(name);
  return blob !== undefined && sizeOf(blob.shape) <= MAX_OUTPUT;
}

/** The loss, and outputs that are figures. */
export function figuresToFetch(net: NetGraph, outputs: readonly string[]): readonly string[] {
  return outputs.filter(name => name === LOSS || (net.outputs.includes(name) && isFigure(net, name)));
}

export function figures(
  net: NetGraph,
  results: Readonly<Record<string, Float32Array>>,
): Record<string, readonly number[]> {
  const names = net.outputs.filter(name => results[name]);
  return Object.fromEntries(names.map(name => [name, [...results[name]!]]));
}

/** What a test is fed: `iterations` batches, or every entry once. */
export async function* testBatches(
  data: DataFeed | undefined,
  iterations: number,
  whole: boolean,
  feeds?: Feeds,
): AsyncGenerator<FeedBatch> {
  if (whole && data && !feeds) yield* data.wholePass();
  else for (let i = 0; i < iterations; i++) yield feeds || !data ? { feeds: feeds ?? {}, count: 1 } : await data.next();
}

/** Means of named lists of numbers, weighted by how many entries each batch had. */
export class Mean {
  batches = 0;
  private weight = 0;
  private readonly sums = new Map<string, number[]>();

  add(values: Readonly<Record<string, readonly number[]>>, weight: number): void {
    this.batches++;
    this.weight += weight;
    for (const [name, list] of Object.entries(values)) {
      const sum = this.sums.get(name) ?? list.map(() => 0);
      this.sums.set(
        name,
        list.map((v, i) => (sum[i] ?? 0) + v * weight),
      );
    }
  }

  result(): Record<string, readonly number[]> {
    return Object.fromEntries([...this.sums].map(([name, sum]) => [name, sum.map(v => v / this.weight)]));
  }
}

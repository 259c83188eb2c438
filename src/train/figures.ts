/** Figures: the outputs of a net that are a few numbers (loss, accuracy, Dice), and their means over a test. */

import { need, recordOf } from '../diagnostics/index.js';
import type { Feeds } from '../feeds/feeds.js';
import type { DataFeed, FeedBatch } from '../feeds/source.js';
import { sizeOf } from '../ir/index.js';
import { LOSS, type NetGraph } from '../net/index.js';
import type { NetProgram } from '../runtime/runner.js';

/** Outputs by name, each as a list of its numbers; an object without a prototype, as an output may have any name. */
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

export function figures(net: NetGraph, results: ReadonlyMap<string, Float32Array>): Map<string, readonly number[]> {
  const names = net.outputs.filter(name => results.has(name));
  return new Map(names.map(name => [name, [...need(results, name)]]));
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

/** Means of the loss and of figures over a test, weighted by how many entries each batch had. */
export class Mean {
  batches = 0;
  private weight = 0;
  private loss: number | undefined;
  private readonly sums = new Map<string, readonly number[]>();

  /** Takes what a batch of `weight` entries gave. */
  add(net: NetGraph, results: ReadonlyMap<string, Float32Array>, weight: number): void {
    this.batches++;
    this.weight += weight;
    const loss = results.get(LOSS)?.[0];
    if (loss !== undefined) this.loss = (this.loss ?? 0) + loss * weight;
    for (const [name, list] of figures(net, results)) {
      const sum = this.sums.get(name);
      this.sums.set(
        name,
        list.map((v, i) => (sum?.[i] ?? 0) + v * weight),
      );
    }
  }

  /** The loss is undefined where the net has none. */
  result(): { readonly outputs: Figures; readonly loss: number | undefined } {
    const means = [...this.sums].map(([name, sum]) => [name, sum.map(v => v / this.weight)] as const);
    return { outputs: recordOf(means), loss: this.loss === undefined ? undefined : this.loss / this.weight };
  }
}

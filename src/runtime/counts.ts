/**
 * Blobs whose first axis depends on data (behind a Filter layer): what decides it is computed first, then the net is
 * compiled for the number found.
 */

import type { LowerOptions, NetGraph, NetOptions } from '../net/index.js';

/** Samples that pass, by layer name. */
export type Counts = NonNullable<NetOptions['counts']>;

interface Means<V> {
  /** The net for these counts; layers not named let all pass. */
  readonly compile: (counts: Counts) => V | Promise<V>;
  /** Runs the part of the net that `options` cuts out and returns a blob of it. */
  readonly read: (at: V, options: LowerOptions, blob: string) => Promise<Float32Array>;
}

/** Goes from one such layer to the next, as a later one may depend on an earlier. Python layers before them run again. */
export async function settleCounts<V extends { readonly graph: NetGraph }>(
  start: V,
  { compile, read }: Means<V>,
): Promise<V> {
  let settled = start;
  let counts: Counts = {};
  for (const { index, name, type } of start.graph.layers) {
    if (!type.countsLastBottom) continue;
    const blob = settled.graph.layers[index]!.bottoms.at(-1)!.name;
    const selector = await read(settled, { fetch: [blob], until: index, updates: false }, blob);
    counts = { ...counts, [name]: selector.filter(v => v !== 0).length };
    settled = await compile(counts);
  }
  return settled;
}

/**
 * Tops whose shapes depend on numbers (LayerType.settle): what decides them is computed first, then the net is compiled for
 * what was found.
 */

import type { HostArray } from '../ir/index.js';
import type { LowerOptions, NetGraph, NetLayer, NetOptions } from '../net/index.js';

/** Shapes found, by layer name. */
export type SettledTops = NonNullable<NetOptions['settledTops']>;

interface Means<V> {
  /** The net for these shapes; layers not named have their greatest. */
  readonly compile: (tops: SettledTops) => V | Promise<V>;
  /** Runs the part of the net that `options` cuts out and returns blobs of it. */
  readonly read: (
    at: V,
    options: LowerOptions,
    blobs: readonly string[],
  ) => Promise<Readonly<Record<string, Float32Array>>>;
}

/** Goes from one such layer to the next, as a later one may depend on an earlier. Python layers before them run again. */
export async function settleTops<V extends { readonly graph: NetGraph }>(
  start: V,
  { compile, read }: Means<V>,
): Promise<V> {
  let settled = start;
  let found: SettledTops = {};
  for (const { index, name, type } of start.graph.layers) {
    if (!type.settle) continue;
    const layer = settled.graph.layers[index]!;
    const deciding = decidingBottoms(layer);
    const blobs = [...new Set(deciding.map(i => layer.bottoms[i]!.name))];
    const numbers = await read(settled, { fetch: blobs, until: index, updates: false }, blobs);
    const bottoms = deciding.map((i): HostArray => {
      const { name, shape } = layer.bottoms[i]!;
      return { shape, data: numbers[name]! };
    });
    const tops = await type.settle.tops(layer.context, bottoms);
    found = { ...found, [name]: tops.map(top => top.shape) };
    settled = await compile(found);
  }
  return settled;
}

function decidingBottoms({ type, context, bottoms }: NetLayer): readonly number[] {
  return type.settle?.bottoms?.(context) ?? bottoms.map((_, i) => i);
}

/** The tops of layers without bottoms that make them by themselves (LayerType.make): Python layers that read data. */

import type { Shape } from '../ir/index.js';
import type { NetGraph, NetOptions } from '../net/index.js';

export type MadeShapes = NonNullable<NetOptions['madeTops']>;

export interface MadeTops {
  /** By graph input. */
  readonly feeds: ReadonlyMap<string, Float32Array>;
  /** By layer; the net is compiled for them. */
  readonly shapes: MadeShapes;
}

/** The shapes that the net was compiled with. */
export function madeShapes(net: NetGraph): MadeShapes {
  const made = net.layers.filter(({ type, bottoms, params }) => type.make && bottoms.length + params.length === 0);
  return new Map(made.map(({ name, tops }) => [name, tops.map(top => top.shape)]));
}

/** What they make for the run at hand. */
export async function makeTops(net: NetGraph): Promise<MadeTops> {
  const feeds = new Map<string, Float32Array>();
  const shapes = new Map<string, readonly Shape[]>();
  for (const { name, type, context } of net.layers) {
    const made = await type.make?.(context);
    if (!made) continue;
    for (const top of made) feeds.set(top.name, top.data);
    shapes.set(
      name,
      made.map(top => top.shape),
    );
  }
  return { feeds, shapes };
}

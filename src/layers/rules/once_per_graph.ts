/** What a layer's `lower` and its `updates` share in one graph: graphs keep equal nodes apart, so that it would be computed twice. */

import type { Builder } from '../../ir/index.js';
import type { LayerContext } from '../types.js';

const made = new WeakMap<Builder, Map<LayerContext, unknown>>();

/** What `make` gives when a layer first asks for it while a graph is built. One layer asks for one thing. */
export function oncePerGraph<T>(b: Builder, ctx: LayerContext, make: () => T): T {
  const ofGraph = made.get(b) ?? new Map<LayerContext, unknown>();
  made.set(b, ofGraph);
  if (!ofGraph.has(ctx)) ofGraph.set(ctx, make());
  return ofGraph.get(ctx) as T;
}

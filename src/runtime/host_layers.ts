/** The objects behind a net's Python layers: user code in TypeScript or, under Node.js, in Python. */

import { defaultCatalogue, type HostLayer, hostLayerFor, type LayerCatalogue } from '../layers/index.js';
import type { NetOptions } from '../net/index.js';

/** One object per layer for as long as the net lives, however often it is compiled for other shapes. */
export function onePerLayer(
  make: NonNullable<NetOptions['hostLayer']>,
  catalogue: LayerCatalogue = defaultCatalogue(),
): NonNullable<NetOptions['hostLayer']> {
  const made = new Map<string, HostLayer>();
  return (module, layer, name) => {
    const host = made.get(name) ?? make(module, layer, name) ?? hostLayerFor(catalogue, module, layer);
    if (host) made.set(name, host);
    return host;
  };
}

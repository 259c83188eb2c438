/** A layer of the compiled network as plain data: what bench/pytorch.py builds its twin from. */

import type { NetLayer } from '../src/net/index.js';

export function toObject(layer: NetLayer): object {
  const { param } = layer;
  const own = Object.fromEntries(Object.entries(param).filter(([field]) => field.endsWith('_param')));
  return {
    name: layer.name,
    type: layer.type.type,
    bottoms: layer.bottoms.map(b => b.name),
    tops: layer.tops.map(t => t.name),
    shapes: layer.paramShapes,
    top_shapes: layer.tops.map(t => t.shape),
    param: own,
  };
}

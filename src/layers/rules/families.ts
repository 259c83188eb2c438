/** Traits that families of layers share. */

import { placeAlone, staysInPlace } from '../geometry/coord_map.js';
import type { LayerTraits } from '../traits.js';

/** Of layers that compute each element from the same element, or from what they keep a copy of. */
export const elementwise = {
  inPlace: true,
  coordMap: staysInPlace,
  reach: placeAlone,
} as const satisfies LayerTraits;

/** Of layers whose tops are 0 where all of their bottoms are. */
export const keepsZero = {
  zeroTops: (_, zero) => zero.length > 0 && zero.every(z => z),
} as const satisfies LayerTraits;

/** Of layers that make one element from several: in place they would write over what they have still to read. */
export const readsElsewhere = { inPlace: 'reads at other places too' } as const satisfies LayerTraits;

/** Of layers that move numbers about and compute nothing. */
export const arrangement = { category: 'arrangement', ...readsElsewhere } as const satisfies LayerTraits;

/** Whether the layer multiplies its bottom by a filter or a matrix of its own and adds a bias, if it has one. */
export function multiplies({ weights }: LayerTraits): boolean {
  return weights?.kind === 'filter' || weights?.kind === 'matrix';
}

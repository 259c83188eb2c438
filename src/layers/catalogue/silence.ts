/** Silence: takes blobs nobody else reads, so that they are no outputs of the net. */

import type { LayerType } from '../types.js';

export const silence: LayerType<1> = {
  type: 'Silence',
  doc: 'Takes its bottoms and does nothing: they are then no outputs of the net.',
  shapeRule: 'No tops.',
  category: 'measure',
  inPlace: true,
  endsNet: true,
  bottoms: { min: 1, max: Infinity },
  tops: { min: 0, max: 0 },
  reshape: () => ({ tops: [], params: [] }),
  lower: () => [],
};

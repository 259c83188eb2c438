/** The message of a layer's parameters that a trait names; its fields are those of Caffe's message that stands for them. */

import { type LayerParameter, sub } from '../schema/index.js';

/**
 * A message of a layer's parameters by its name.
 *
 * @returns an empty message, with its defaults, where the layer gives none
 */
export function paramAt<T extends object>(layer: LayerParameter, field: string): T {
  return sub(layer as unknown as Record<string, T | null>, field);
}

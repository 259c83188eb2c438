/** Augmentation as a function, for who has pictures in memory, in a page too. */

import type { Entry } from '../sets/dataset.js';
import { augment } from './augment.js';
import type { DrawKey } from './draw.js';
import { parseAugment } from './read.js';
import { inTest, recipeOf } from './recipe.js';

/** Options of `augmentation`. */
export interface AugmentationOptions {
  /** In TEST only the middle is cut out. Default: TRAIN. */
  readonly phase?: 'TRAIN' | 'TEST';
  /** What diagnostics call the text. */
  readonly name?: string;
}

/**
 * What an `augment_param` does, as a function of an entry and the key of its drawing: the very numbers that a data layer with
 * the same text gives in training. It runs where it is called and leaves the entry as it was; pictures are channels × height ×
 * width, label pictures 1 × height × width are moved alike.
 *
 *     const change = augmentation('rotation: 20 crop_size: 144');
 *     const { data, shape } = change(entry, { seed: 1, epoch: 0, entry: 17, turn: 0 });
 *
 * @param text the fields of an AugmentParameter, bare or in `augment_param { … }` (docs/data.md)
 * @throws MokapotError with what is wrong with the text, `augment-range`; the function: `augment-crop` where a picture is too small
 */
export function augmentation(
  text: string,
  { phase = 'TRAIN', name }: AugmentationOptions = {},
): (entry: Entry, key: DrawKey) => Entry {
  const all = recipeOf(parseAugment(text, name));
  const recipe = phase === 'TRAIN' ? all : inTest(all);
  return (entry, key) => augment({ entry, key }, recipe);
}

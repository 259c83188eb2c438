/** What augments the entries of a data layer: as its `augment_param` says in TRAIN; in TEST the middle is cut out. */

import { type Augmenter, inlineAugmenter, inTest, recipeOf, type Taken, threadedAugmenter } from '../../data/index.js';
import { error, MokapotError } from '../../diagnostics/index.js';
import type { Phase } from '../../layers/index.js';
import { augmentFaults, type LayerParameter, locate } from '../../schema/index.js';

/**
 * The augmenter of a layer; undefined where it has none. It is to be closed.
 *
 * @param layers those that read data in the same state: one of them may be whose labels these are (`labels_of`)
 * @throws MokapotError `augment-range`, `augment-labels`
 */
export function augmenterOf(
  layer: LayerParameter,
  layers: readonly LayerParameter[],
  phase: Phase,
): Augmenter | undefined {
  const own = layer.augment_param;
  if (!own) return undefined;
  const pictures = own.labels_of ? layers.find(l => l.name === own.labels_of) : layer;
  const param = pictures?.augment_param;
  if (!pictures || !param || (pictures !== layer && param.labels_of)) throw noPictures(layer, own.labels_of);
  const faults = augmentFaults(param, `Layer "${pictures.name}" (${pictures.type})`, pictures.name);
  if (faults.length > 0) throw new MokapotError(faults);
  const taken: Taken = pictures === layer ? 'pictures' : 'labels';
  const recipe = recipeOf(param);
  if (phase === 'TRAIN') return threadedAugmenter(recipe, { taken });
  return recipe.crop && inlineAugmenter(inTest(recipe), taken);
}

function noPictures(layer: LayerParameter, named: string): MokapotError {
  const location = locate(layer.augment_param!, 'labels_of');
  const message = `Layer "${layer.name}" gives the labels of layer "${named}", which has no pictures that are augmented.`;
  return new MokapotError(
    error('augment-labels', message, {
      layer: layer.name,
      hint: 'Name the data layer of the pictures, which has the augment_param.',
      ...(location && { location }),
    }),
  );
}

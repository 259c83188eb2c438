/** One entry augmented: picture and label moved alike, then the picture's values changed. */

import { fail } from '../../diagnostics/index.js';
import type { Entry } from '../sets/dataset.js';
import { type DrawKey, type Drawn, drawFor } from './draw.js';
import type { Recipe } from './recipe.js';
import { changeTone } from './tone.js';
import { type Layer, type Planes, warp } from './warp.js';

/** What an entry's pictures are to the layer that takes them. */
export type Taken = 'pictures' | 'labels';

/** An entry and which drawing is meant for it: what a thread is handed. */
export interface Job {
  readonly entry: Entry;
  readonly key: DrawKey;
}

/**
 * An entry changed as the recipe says, by the numbers that its key gives. The entry is left as it was.
 *
 * @param taken `labels`: the entry's own picture is a label, moved as the picture of the same key is, its values kept
 * @throws MokapotError `augment-crop` where the picture is smaller than what is to be cut out of it
 */
export function augment({ entry, key }: Job, recipe: Recipe, taken: Taken = 'pictures'): Entry {
  return change(entry, recipe, drawFor(recipe, key), taken);
}

/** The same by given numbers. @throws MokapotError `augment-crop` */
export function change(entry: Entry, recipe: Recipe, { motion, tone }: Drawn, taken: Taken = 'pictures'): Entry {
  const [channels, rows, columns] = entry.shape;
  const [height, width] = recipe.crop ?? [rows, columns];
  if (height > rows || width > columns) {
    throw fail('augment-crop', `${entry.name} is ${rows} × ${columns}; ${height} × ${width} cannot be cut out of it.`, {
      hint: 'Make crop_size of augment_param no greater than the smallest picture.',
    });
  }
  const offset = (room: number, chance: number) => Math.floor(recipe.randomCrop ? chance * (room + 1) : room / 2);
  const top = offset(rows - height, motion.top);
  const left = offset(columns - width, motion.left);
  const data = new Float32Array(channels * height * width);
  const isLabel = taken === 'labels';
  const fill = isLabel ? recipe.borderLabel : recipe.borderValue;
  const layers: Layer[] = [{ from: entry, to: data, nearest: isLabel, fill }];
  const mask = maskOf(entry);
  const label = mask ? new Float32Array(mask.shape[0] * height * width) : entry.label;
  if (mask) layers.push({ from: mask, to: label, nearest: true, fill: recipe.borderLabel });
  warp(layers, motion, { height, width, top, left, border: recipe.border });
  const picture: Planes = { data, shape: [channels, height, width] };
  if (!isLabel) changeTone(picture, tone);
  const labelShape = mask ? [mask.shape[0], height, width] : entry.labelShape;
  return { name: entry.name, ...picture, label, labelShape };
}

/** The label where it is a picture of the same size. */
function maskOf({ shape, label, labelShape }: Entry): Planes | undefined {
  const [channels, height, width] = labelShape;
  if (labelShape.length !== 3 || height !== shape[1] || width !== shape[2]) return undefined;
  return { data: label, shape: [channels!, height!, width!] };
}

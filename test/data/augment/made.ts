/** Entries made by formula, and what tests say of an augmentation that is given, not drawn. */

import type { Motion, Tone } from '../../../src/data/augment/draw.js';
import type { Entry } from '../../../src/data/sets/dataset.js';

/** Nothing moves. */
export const STILL: Motion = {
  top: 0,
  left: 0,
  flipX: false,
  flipY: false,
  rotation: 0,
  scaleY: 1,
  scaleX: 1,
  shiftY: 0,
  shiftX: 0,
  shearX: 0,
  shearY: 0,
  elastic: undefined,
};

/** No value changes. */
export const PLAIN: Tone = {
  blur: undefined,
  biasField: undefined,
  contrast: undefined,
  brightness: undefined,
  gamma: undefined,
  noise: undefined,
  noiseSeed: [1, 2],
};

/** An entry by formulas of channel, row and column; its label of row and column. */
export function made(
  shape: readonly [channels: number, height: number, width: number],
  value: (c: number, y: number, x: number) => number,
  label?: (y: number, x: number) => number,
): Entry {
  const [channels, height, width] = shape;
  const plane = (at: (y: number, x: number) => number) =>
    Array.from({ length: height * width }, (_, i) => at(Math.floor(i / width), i % width));
  return {
    name: 'made',
    data: Float32Array.from(Array.from({ length: channels }, (_, c) => plane((y, x) => value(c, y, x))).flat()),
    shape,
    label: label ? Float32Array.from(plane(label)) : Float32Array.of(3),
    labelShape: label ? [1, height, width] : [],
  };
}

/** Different numbers everywhere, which a sum of neighbours does not hit by chance. */
export const numbered = (c: number, y: number, x: number) => 1000 * c + 31 * y + x + ((y * y * 7 + x * 13) % 11);

/**
 * The numbers of one augmentation, drawn from a generator of the entry's own: seed, epoch and entry decide, never the order
 * in which entries are prepared nor the thread. Every number is drawn whether it is used or not, so that a recipe with one
 * more change gives the others the same numbers as before.
 */

import { Random } from '../../random/index.js';
import type { Recipe } from './recipe.js';

/** Which drawing of a run is meant. */
export interface DrawKey {
  /** Of the feed. */
  readonly seed: number;
  /** From 0 on. */
  readonly epoch: number;
  /** Position in the source. */
  readonly entry: number;
  /** How often the entry has come before in this epoch; 0 unless entries are repeated in one. */
  readonly turn: number;
}

/** Control points of a smooth field over the picture: cubic between them, (cells + 3)² numbers, row by row. */
export interface ControlGrid {
  readonly cells: number;
  readonly values: Float64Array;
}

/** How pixels are moved. Positive angles turn counter-clockwise as one looks at the picture. */
export interface Motion {
  /** In [0, 1): where a random crop lies. */
  readonly top: number;
  readonly left: number;
  readonly flipX: boolean;
  readonly flipY: boolean;
  /** Degrees. */
  readonly rotation: number;
  /** Factors along the picture's own axes, down and across. */
  readonly scaleY: number;
  readonly scaleX: number;
  /** Shares of the sides, down and across. */
  readonly shiftY: number;
  readonly shiftX: number;
  /** Degrees: of rows along the x axis, of columns along the y axis. */
  readonly shearX: number;
  readonly shearY: number;
  /** Displacements as shares of the sides, down and across. */
  readonly elastic: readonly [down: ControlGrid, across: ControlGrid] | undefined;
}

/** How values are changed; undefined for what is left alone. */
export interface Tone {
  /** Deviation of the Gaussian in pixels. */
  readonly blur: number | undefined;
  /** Logarithm of the factor. */
  readonly biasField: ControlGrid | undefined;
  /** Factor about the mean. */
  readonly contrast: number | undefined;
  /** Standard deviations that are added. */
  readonly brightness: number | undefined;
  /** Exponent. */
  readonly gamma: number | undefined;
  /** Standard deviations of the noise. */
  readonly noise: number | undefined;
  /** Of the noise's generator. */
  readonly noiseSeed: readonly [number, number];
}

export interface Drawn {
  readonly motion: Motion;
  readonly tone: Tone;
}

/** A generator of the entry's own. */
function generatorOf({ seed, epoch, entry, turn }: DrawKey): Random {
  const random = new Random({ words: [seed >>> 0, epoch >>> 0, entry >>> 0, (turn + 1) >>> 0] });
  // As many rounds as a seed gets: after them each word hangs on all.
  for (let i = 0; i < 16; i++) random.nextUint32();
  return random;
}

/** Cells of the grid of a bias field: it changes slowly, as coils have it. */
const BIAS_CELLS = 2;

/** Draws what a recipe leaves to chance. */
export function drawFor(recipe: Recipe, key: DrawKey): Drawn {
  const random = generatorOf(key);
  const chance = (probability: number) => random.next() < probability;
  const either = (range: number) => range * (2 * random.next() - 1);
  const [top, left] = [random.next(), random.next()];
  const [flipX, flipY] = [chance(recipe.flipHorizontal), chance(recipe.flipVertical)];
  const affine = chance(recipe.affineProbability) ? 1 : 0;
  const rotation = affine * either(recipe.rotation);
  const scale = 1 + affine * either(recipe.scale);
  const scaleY = scale * (1 + affine * either(recipe.scaleAxes));
  const scaleX = scale * (1 + affine * either(recipe.scaleAxes));
  const [shiftY, shiftX] = [affine * either(recipe.shift), affine * either(recipe.shift)];
  const [shearX, shearY] = [affine * either(recipe.shear), affine * either(recipe.shear)];
  const bends = chance(recipe.elasticProbability) && recipe.elastic > 0;
  const toneSeeds = [random.nextUint32(), random.nextUint32(), random.nextUint32()] as const;
  const elastic = bends
    ? ([grid(recipe.elasticGrid, recipe.elastic, random), grid(recipe.elasticGrid, recipe.elastic, random)] as const)
    : undefined;
  const motion = { top, left, flipX, flipY, rotation, scaleY, scaleX, shiftY, shiftX, shearX, shearY, elastic };
  return { motion, tone: toneFor(recipe, toneSeeds) };
}

function toneFor(recipe: Recipe, [a, b, c]: readonly [number, number, number]): Tone {
  const random = new Random(a);
  const maybe = (range: number, probability: number, value: (x: number) => number): number | undefined => {
    const happens = random.next() < probability;
    const x = random.next();
    return happens && range > 0 ? value(x) : undefined;
  };
  const about = (range: number) => (x: number) => 1 + range * (2 * x - 1);
  const blur = maybe(recipe.blur, recipe.blurProbability, x => recipe.blur * x);
  const contrast = maybe(recipe.contrast, recipe.contrastProbability, about(recipe.contrast));
  const brightness = maybe(recipe.brightness, recipe.brightnessProbability, x => recipe.brightness * (2 * x - 1));
  const gamma = maybe(recipe.gamma, recipe.gammaProbability, about(recipe.gamma));
  const noise = maybe(recipe.noise, recipe.noiseProbability, x => recipe.noise * x);
  const isBiased = maybe(recipe.biasField, recipe.biasFieldProbability, () => 1) !== undefined;
  const biasField = isBiased ? grid(BIAS_CELLS, recipe.biasField, random) : undefined;
  return { blur, biasField, contrast, brightness, gamma, noise, noiseSeed: [b, c] };
}

function grid(cells: number, deviation: number, random: Random): ControlGrid {
  const values = new Float64Array((cells + 3) ** 2);
  for (let i = 0; i < values.length; i++) values[i] = random.normal(0, deviation);
  return { cells, values };
}

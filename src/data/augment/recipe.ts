/** What an augmentation does, as plain numbers that a thread can be handed: read from `augment_param`. */

import { type AugmentParameter, enumName } from '../../schema/index.js';

/** What lies beyond the edges of a picture. */
export type Border = 'CONSTANT' | 'EDGE' | 'REFLECT';

/** The ranges of every random change; plain JSON. Names and units are those of `augment_param` (docs/data.md). */
export interface Recipe {
  /** Height and width of the part that is cut out; undefined: the whole picture. */
  readonly crop: readonly [height: number, width: number] | undefined;
  readonly randomCrop: boolean;
  readonly flipHorizontal: number;
  readonly flipVertical: number;
  /** Degrees. */
  readonly rotation: number;
  readonly scale: number;
  readonly scaleAxes: number;
  /** Share of the sides of what is cut out. */
  readonly shift: number;
  /** Degrees. */
  readonly shear: number;
  readonly affineProbability: number;
  /** Share of the sides of what is cut out. */
  readonly elastic: number;
  readonly elasticGrid: number;
  readonly elasticProbability: number;
  readonly border: Border;
  readonly borderValue: number;
  readonly borderLabel: number;
  /** Pixels. */
  readonly blur: number;
  readonly blurProbability: number;
  readonly biasField: number;
  readonly biasFieldProbability: number;
  readonly contrast: number;
  readonly contrastProbability: number;
  readonly brightness: number;
  readonly brightnessProbability: number;
  readonly gamma: number;
  readonly gammaProbability: number;
  readonly noise: number;
  readonly noiseProbability: number;
}

/** The recipe of an `augment_param`, whose ranges have been checked. */
export function recipeOf(param: AugmentParameter): Recipe {
  const [height = 0, width = height] = param.crop_size;
  return {
    crop: height > 0 && width > 0 ? [height, width] : undefined,
    randomCrop: param.random_crop,
    flipHorizontal: param.flip_horizontal,
    flipVertical: param.flip_vertical,
    rotation: param.rotation,
    scale: param.scale,
    scaleAxes: param.scale_axes,
    shift: param.shift,
    shear: param.shear,
    affineProbability: param.affine_probability,
    elastic: param.elastic,
    elasticGrid: param.elastic_grid,
    elasticProbability: param.elastic_probability,
    border: enumName(param, 'border') as Border,
    borderValue: param.border_value,
    borderLabel: param.border_label,
    blur: param.blur,
    blurProbability: param.blur_probability,
    biasField: param.bias_field,
    biasFieldProbability: param.bias_field_probability,
    contrast: param.contrast,
    contrastProbability: param.contrast_probability,
    brightness: param.brightness,
    brightnessProbability: param.brightness_probability,
    gamma: param.gamma,
    gammaProbability: param.gamma_probability,
    noise: param.noise,
    noiseProbability: param.noise_probability,
  };
}

/** What of a recipe is done in TEST: the middle is cut out. */
export function inTest({ crop }: Pick<Recipe, 'crop'>): Recipe {
  return { ...NOTHING, crop };
}

/** Changes nothing. */
export const NOTHING: Recipe = {
  crop: undefined,
  randomCrop: false,
  flipHorizontal: 0,
  flipVertical: 0,
  rotation: 0,
  scale: 0,
  scaleAxes: 0,
  shift: 0,
  shear: 0,
  affineProbability: 1,
  elastic: 0,
  elasticGrid: 4,
  elasticProbability: 1,
  border: 'CONSTANT',
  borderValue: 0,
  borderLabel: 0,
  blur: 0,
  blurProbability: 1,
  biasField: 0,
  biasFieldProbability: 1,
  contrast: 0,
  contrastProbability: 1,
  brightness: 0,
  brightnessProbability: 1,
  gamma: 0,
  gammaProbability: 1,
  noise: 0,
  noiseProbability: 1,
};

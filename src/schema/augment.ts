/** What `augment_param` may say: ranges that make sense. */

import { type Diagnostic, error } from '../diagnostics/index.js';
import type { AugmentParameter } from './generated/caffe.js';
import { locate } from './parse.js';

/** Greatest values of the fields that are ranges and probabilities; from 0 on. */
const MOST = {
  flip_horizontal: 1,
  flip_vertical: 1,
  rotation: 180,
  scale: 0.95,
  scale_axes: 0.95,
  shift: 1,
  shear: 44,
  affine_probability: 1,
  elastic_probability: 1,
  blur: 50,
  blur_probability: 1,
  bias_field: 2,
  bias_field_probability: 1,
  contrast: 1,
  contrast_probability: 1,
  brightness: 10,
  brightness_probability: 1,
  gamma: 0.95,
  gamma_probability: 1,
  noise: 10,
  noise_probability: 1,
} as const;

/** Errors of an `augment_param`: `augment-range`, at the field. @param whose what messages call it: `Layer "data" (Data)` */
export function augmentFaults(param: AugmentParameter, whose: string, layer?: string): Diagnostic[] {
  const at = (field: string, message: string, hint: string): Diagnostic => {
    const location = locate(param, field);
    const about = { hint, ...(layer !== undefined && { layer }), ...(location && { location }) };
    return error('augment-range', `${whose}: augment_param ${message}.`, about);
  };
  const outside = (field: string, value: number, low: number, high: number): Diagnostic[] =>
    value >= low && value <= high
      ? []
      : [at(field, `has ${field}: ${Number(value.toPrecision(7))}`, `Give a number from ${low} to ${high}.`)];
  const { crop_size: crop, elastic, elastic_grid: cells } = param;
  const sides = crop.length > 2 || crop.includes(0);
  return [
    ...(sides ? [at('crop_size', `has crop_size: ${crop.join(', ')}`, 'Give one side, or height and width.')] : []),
    ...Object.entries(MOST).flatMap(([field, most]) => outside(field, param[field as keyof typeof MOST], 0, most)),
    ...outside('elastic_grid', cells, 1, 64),
    // Beyond half a cell the picture would fold over itself.
    ...(cells > 0 ? outside('elastic', elastic, 0, 0.5 / cells) : []),
  ];
}

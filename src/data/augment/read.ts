/** An augmentation from text: the fields of an AugmentParameter, bare or in `augment_param { … }`; and recipes by name. */

import { fail, hasErrors, MokapotError } from '../../diagnostics/index.js';
import { type AugmentParameter, augmentFaults, parseText } from '../../schema/index.js';

/**
 * Recipes by name. `cardiac`: short-axis MR, where a heart may lie any way round. `photo`: what stands upright and may face
 * either way.
 */
export const AUGMENT_PRESETS: Readonly<Record<string, string>> = {
  cardiac: `flip_horizontal: 0.5 flip_vertical: 0.5 rotation: 180 scale: 0.25 scale_axes: 0.1 shift: 0.12
elastic: 0.03 gamma: 0.4 noise: 0.1`,
  photo: `flip_horizontal: 0.5 rotation: 10 scale: 0.2 scale_axes: 0.05 shift: 0.1 border: REFLECT
contrast: 0.25 brightness: 0.25 gamma: 0.2`,
};

/**
 * @param name what diagnostics call the text
 * @throws MokapotError with what is wrong with the text; `augment-range`
 */
export function parseAugment(text: string, name = '<augment>'): AugmentParameter {
  const isLayer = /^\s*(?:#.*\n\s*)*augment_param\b/.test(text);
  const { message, diagnostics } = isLayer
    ? parseText(text, 'caffe.LayerParameter', { name })
    : parseText(text, 'caffe.AugmentParameter', { name });
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  const param = 'augment_param' in message ? message.augment_param : message;
  if (!param) throw fail('augment-empty', `${name} has no augment_param.`);
  const faults = augmentFaults(param, name);
  if (faults.length > 0) throw new MokapotError(faults);
  if (param.labels_of) {
    throw fail(
      'augment-labels',
      `${name} has labels_of, which belongs into the layer of a network that gives labels.`,
      {
        hint: 'Take it out: which layers give labels is known here.',
      },
    );
  }
  return param;
}

/** What a filler leaves in a parameter, as far as checks care. */

import type { FillerParameter } from '../../schema/index.js';

/** Whether the filler makes exact zeros; so does none at all, as Caffe's default is the constant 0. */
export function fillsZero(filler: FillerParameter | null | undefined): boolean {
  if (!filler) return true;
  switch (filler.type) {
    case 'constant':
      return filler.value === 0;
    case 'uniform':
      return filler.min === 0 && filler.max === 0;
    case 'gaussian':
      return filler.mean === 0 && filler.std === 0;
    default:
      return false;
  }
}

/** Layers that multiply by a weight, their first parameter, and add a bias, their second. */
export const WEIGHTED: ReadonlySet<string> = new Set(['Convolution', 'Deconvolution', 'InnerProduct']);

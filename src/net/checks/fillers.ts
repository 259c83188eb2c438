/** What a filler leaves in a parameter, as far as checks care. */

import { paramAt } from '../../layers/index.js';
import type { ConvolutionParameter, FillerParameter } from '../../schema/index.js';
import type { NetLayer } from '../types.js';

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

/** The parameters of a layer that upsamples through a filter which starts bilinear; undefined of any other. */
export function bilinearFilter({ type, context }: NetLayer): ConvolutionParameter | undefined {
  if (!type.weights?.spreads) return undefined;
  const param = paramAt<ConvolutionParameter>(context.param, type.weights.field);
  return param.weight_filler?.type === 'bilinear' ? param : undefined;
}

/** DepthwiseConvolution (MobileNet's forks): Convolution by another name, for kernels that other engines lack. */

import type { LayerType } from '../types.js';
import { convolution } from './convolution.js';

export const depthwiseConvolution: LayerType<1, 1> = {
  ...convolution,
  type: 'DepthwiseConvolution',
  paramFields: ['convolution_param'],
  doc: 'Convolution whose group is meant to be the number of channels; the same in all else.',
};

/** ConvolutionDepthwise (MobileNet's forks): Convolution with one filter for each channel. */

import { nth } from '../../diagnostics/index.js';
import { depthwiseDetail, depthwiseGeometry, filterWeights } from '../geometry/convolution_geometry.js';
import type { LayerType } from '../types.js';
import { convolution, convolving } from './convolution.js';

/** After conv_dw_layer.cpp of farmingyard/MobileNet and its ports: neither `group` nor `num_output` is read. */
export const convolutionDepthwise: LayerType<1, 1> = {
  ...convolution,
  ...convolving(depthwiseGeometry),
  type: 'ConvolutionDepthwise',
  paramFields: ['convolution_param'],
  doc: 'Convolution with a filter for each channel, as many outputs as channels.',
  formula:
    'y[n, c, i, j] = b[c] + Σ_{p, q} w[c, 0, p, q] · x[n, c, i · stride − pad + p · dilation, j · stride − pad + q · dilation]',
  shapeRule: 'That of a Convolution with num_output = C.',
  unusedFields: {
    ...convolution.unusedFields,
    group: 'it is the number of channels',
    num_output: 'it is the number of channels',
  },
  weights: { ...filterWeights, group: (_, shape) => nth(shape, 0) },
  detail: depthwiseDetail,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
};

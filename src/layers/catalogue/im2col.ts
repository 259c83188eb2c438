/** Im2col: the window under each place of a convolution, as channels. */

import { sizeOf } from '../../ir/index.js';
import { convolve } from '../geometry/convolution_axes.js';
import { outputSize, topShape, windowGeometry } from '../geometry/convolution_geometry.js';
import { keepsZero, readsElsewhere } from '../rules/families.js';
import type { LayerType } from '../types.js';

export const im2col: LayerType<1> = {
  type: 'Im2col',
  doc: 'The elements that each place of a convolution sees, as C · kernel channels.',
  formula: 'y[n, (c, p, q), i, j] = x[n, c, i · stride − pad + p · dilation, j · stride − pad + q · dilation]',
  shapeRule: '[N, C · kernel, …] with the spatial sizes of a Convolution.',
  paramFields: ['convolution_param'],
  unusedFields: {
    num_output: 'every place of the kernel is an output',
    bias_term: 'it learns nothing',
    weight_filler: 'it learns nothing',
    bias_filler: 'it learns nothing',
    group: 'each channel stands by itself',
    force_nd_im2col: 'there is one way for any number of axes',
    cudnn_convolution_algo_seeker: 'there is no cuDNN',
  },
  category: 'convolution',
  ...readsElsewhere,
  ...keepsZero,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const g = windowGeometry(ctx);
    return { tops: [topShape(ctx, g, outputSize(g))], params: [] };
  },
  lower(ctx, b, [x]) {
    const g = windowGeometry(ctx);
    const places = sizeOf(g.kernel);
    const one = new Float32Array(g.numOutput * places);
    for (let i = 0; i < g.numOutput; i++) one[i * places + (i % places)] = 1;
    const filter = b.constant(one, [g.numOutput, 1, ...g.kernel]);
    const out = outputSize(g);
    const windows = convolve(b, b.reshape(x, [g.batch, g.channels, ...g.spatial]), filter, g, out);
    return [b.reshape(windows, topShape(ctx, g, out))];
  },
};

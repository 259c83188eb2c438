/** Convolution: learned filters slid over the spatial axes. */

import { convolve } from '../geometry/convolution_axes.js';
import {
  convolutionDetail,
  explainConvolution,
  filterWeights,
  type Geometry,
  geometry,
  multiplyAdds,
  outputSize,
  parameters,
  topShape,
  windowMaps,
  windowReach,
} from '../geometry/convolution_geometry.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

type Convolving = Pick<LayerType<1, 1>, 'reshape' | 'lower' | 'macs' | 'coordMap' | 'reach' | 'explainShape'>;

/** Shapes and lowering of a layer that convolves with the geometry that `read` finds. */
export function convolving(read: (ctx: LayerContext<1>) => Geometry): Convolving {
  return {
    coordMap: ctx => windowMaps(read(ctx)),
    reach: ctx => windowReach(read(ctx)),
    explainShape: (ctx, top) => explainConvolution(read(ctx), top),
    reshape(ctx) {
      const g = read(ctx);
      const top = topShape(ctx, g, outputSize(g));
      return { tops: ctx.bottomShapes.map(() => top), params: parameters(ctx, g, g.numOutput, g.channels) };
    },
    lower(ctx, b, bottoms, [filter, bias]) {
      const g = read(ctx);
      const out = outputSize(g);
      return bottoms.map(x => {
        const y = convolve(b, b.reshape(x, [g.batch, g.channels, ...g.spatial]), filter, g, out);
        const biased = bias ? b.add(y, b.reshape(bias, [1, g.numOutput, ...out.map(() => 1)])) : y;
        return b.reshape(biased, topShape(ctx, g, out));
      });
    },
    macs(ctx) {
      const g = read(ctx);
      return multiplyAdds(ctx, g, outputSize(g));
    },
  };
}

export const convolution: LayerType<1, 1> = {
  type: 'Convolution',
  doc: 'Slides learned filters over the spatial axes; with group, each group of channels has its own filters.',
  formula:
    'y[n, o, i, j] = b[o] + Σ_{c, p, q} w[o, c, p, q] · x[n, c, i · stride − pad + p · dilation, j · stride − pad + q · dilation]',
  shapeRule:
    '[N, num_output, …]; along each spatial axis (in + 2·pad − dilation·(kernel − 1) − 1) / stride + 1, divided towards zero.',
  unusedFields: {
    force_nd_im2col: 'there is one way for any number of axes',
    cudnn_convolution_algo_seeker: 'there is no cuDNN',
  },
  category: 'convolution',
  ...readsElsewhere,
  weights: filterWeights,
  detail: convolutionDetail,
  bottoms: { min: 1, max: Infinity },
  tops: { min: 1, max: Infinity },
  equalBottomsAndTops: true,
  ...convolving(geometry),
};

/** Deconvolution: the transpose of Convolution; each input is stamped onto the output through the filter. */

import { nth } from '../../diagnostics/index.js';
import { deconvolve } from '../geometry/convolution_axes.js';
import {
  convolutionDetail,
  explainDeconvolution,
  filterWeights,
  type Geometry,
  geometry,
  multiplyAdds,
  parameters,
  topShape,
  windowMaps,
  windowReach,
} from '../geometry/convolution_geometry.js';
import { inverse } from '../geometry/coord_map.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerType } from '../types.js';

/** stride · (in − 1) + extent of the dilated kernel − 2 · pad (deconv_layer.cpp). */
function outputSize({ kernel, stride, pad, dilation, spatial }: Geometry): readonly number[] {
  return spatial.map(
    (d, i) => nth(stride, i) * (d - 1) + nth(dilation, i) * (nth(kernel, i) - 1) + 1 - 2 * nth(pad, i),
  );
}

export const deconvolution: LayerType<1, 1> = {
  type: 'Deconvolution',
  doc: 'The transpose of Convolution, for upsampling: stamps each input onto the output through the filter.',
  formula: 'y[n, o, i · stride − pad + p · dilation, …] += w[c, o, p, q] · x[n, c, i, j], from b[o] on',
  shapeRule: '[N, num_output, …]; along each spatial axis stride·(in − 1) + dilation·(kernel − 1) + 1 − 2·pad.',
  paramFields: ['convolution_param'],
  unusedFields: {
    force_nd_im2col: 'there is one way for any number of axes',
    cudnn_convolution_algo_seeker: 'there is no cuDNN',
  },
  category: 'deconvolution',
  ...readsElsewhere,
  weights: { ...filterWeights, spreads: true },
  coordMap: ctx => inverse(windowMaps(geometry(ctx))),
  reach(ctx) {
    const g = geometry(ctx);
    return windowReach(g).map((r, i) => r / nth(g.stride, i));
  },
  detail: convolutionDetail,
  explainShape: (ctx, top) => explainDeconvolution(geometry(ctx), top),
  bottoms: { min: 1, max: Infinity },
  tops: { min: 1, max: Infinity },
  equalBottomsAndTops: true,
  reshape(ctx) {
    const g = geometry(ctx);
    const top = topShape(ctx, g, outputSize(g));
    return { tops: ctx.bottomShapes.map(() => top), params: parameters(ctx, g, g.channels, g.numOutput) };
  },
  lower(ctx, b, bottoms, [filter, bias]) {
    const g = geometry(ctx);
    const out = outputSize(g);
    return bottoms.map(x => {
      const y = deconvolve(b, b.reshape(x, [g.batch, g.channels, ...g.spatial]), filter, g, out);
      const biased = bias ? b.add(y, b.reshape(bias, [1, g.numOutput, ...out.map(() => 1)])) : y;
      return b.reshape(biased, topShape(ctx, g, out));
    });
  },
  macs(ctx) {
    const g = geometry(ctx);
    return multiplyAdds(ctx, g, g.spatial);
  },
};

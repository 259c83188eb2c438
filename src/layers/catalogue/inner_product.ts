/** InnerProduct: a fully connected layer; everything from `axis` on is one vector. */

import { sizeOf } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { canonicalAxis, countOf } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

function geometry(ctx: LayerContext<1>) {
  const param = sub(ctx.param, 'inner_product_param');
  const shape = ctx.bottomShapes[0];
  const axis = canonicalAxis(ctx, param.axis, shape, 'inner_product_param.axis');
  return { param, lead: shape.slice(0, axis), rows: countOf(shape, 0, axis), inputs: countOf(shape, axis) };
}

export const innerProduct: LayerType<1, 1> = {
  type: 'InnerProduct',
  doc: 'Fully connected: each output is a weighted sum of all inputs from `axis` on, plus a bias.',
  formula: 'y = x · Wᵀ + b; transpose: y = x · W + b',
  shapeRule: 'The axes before `axis`, then num_output.',
  category: 'product',
  ...readsElsewhere,
  weights: {
    kind: 'matrix',
    field: 'inner_product_param',
    transposed: param => sub(param, 'inner_product_param').transpose,
  },
  detail: param => String(sub(param, 'inner_product_param').num_output),
  explainShape: ctx => `num_output ${sub(ctx.param, 'inner_product_param').num_output}`,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { param, lead, inputs } = geometry(ctx);
    const outputs = param.num_output;
    if (!(outputs > 0)) {
      throw ctx.fail('num-output', 'num_output is missing or 0.', { field: 'inner_product_param.num_output' });
    }
    const weight = { shape: param.transpose ? [inputs, outputs] : [outputs, inputs], filler: param.weight_filler };
    const bias = { shape: [outputs], filler: param.bias_filler };
    return { tops: [[...lead, outputs]], params: param.bias_term ? [weight, bias] : [weight] };
  },
  lower(ctx, b, [x], [weight, bias]) {
    const { param, lead, rows, inputs } = geometry(ctx);
    const product = b.matMul(b.reshape(x, [rows, inputs]), weight, { transposeB: !param.transpose });
    return [b.reshape(bias ? b.add(product, bias) : product, [...lead, param.num_output])];
  },
  macs: (ctx, { params }) => geometry(ctx).rows * sizeOf(params[0].shape),
};

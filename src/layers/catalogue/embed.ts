/** Embed: each whole number is replaced by a learned vector, its row of the weights. */

import { dim, sizeOf } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerType } from '../types.js';

export const embed: LayerType<1, 1> = {
  type: 'Embed',
  doc: 'Replaces each whole number by its row of the learned weights [input_dim, num_output], plus a bias.',
  formula: 'y = W[x] + b',
  shapeRule: 'The axes of the bottom, then num_output.',
  category: 'product',
  ...readsElsewhere,
  weights: { kind: 'table', field: 'embed_param' },
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  canBackward: () => false,
  reshape(ctx) {
    const { num_output, input_dim, bias_term, weight_filler, bias_filler } = sub(ctx.param, 'embed_param');
    for (const [field, value] of Object.entries({ num_output, input_dim })) {
      if (!(value > 0)) throw ctx.fail('embed-size', `${field} is missing or 0.`, { field: `embed_param.${field}` });
    }
    const weight = { shape: [input_dim, num_output], filler: weight_filler };
    const bias = { shape: [num_output], filler: bias_filler };
    return { tops: [[...ctx.bottomShapes[0], num_output]], params: bias_term ? [weight, bias] : [weight] };
  },
  lower(_, b, [x], [weight, bias]) {
    const width = dim(weight.shape, 1);
    const vectors = b.gather(weight, b.floor(b.reshape(x, [sizeOf(x.shape), 1])), 0);
    return [b.reshape(bias ? b.add(vectors, bias) : vectors, [...x.shape, width])];
  },
};

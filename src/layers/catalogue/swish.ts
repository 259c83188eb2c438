/** Swish: x · sigmoid(beta · x). */

import { sub } from '../../schema/index.js';
import { keepsZero } from '../rules/families.js';
import { neuron } from '../rules/neuron.js';

export const swish = neuron({
  type: 'Swish',
  doc: 'x · sigmoid(beta · x).',
  formula: 'y = x / (1 + exp(−beta · x))',
  ...keepsZero,
  apply: (ctx, b, x) => b.mul(x, b.sigmoid(b.mul(x, sub(ctx.param, 'swish_param').beta))),
});

/** ReLU: x where positive, else negative_slope · x. */

import { sub } from '../../schema/index.js';
import { keepsZero } from '../rules/families.js';
import { neuron } from '../rules/neuron.js';

export const relu = neuron({
  type: 'ReLU',
  doc: 'x where positive, else negative_slope · x (0).',
  formula: 'y = x for x > 0, else negative_slope · x',
  ...keepsZero,
  activation: 'relu',
  blocksAtZero: ctx => sub(ctx.param, 'relu_param').negative_slope === 0,
  apply: (ctx, b, x) => b.relu(x, sub(ctx.param, 'relu_param').negative_slope),
});

/** Threshold: 1 where x is greater than the threshold, else 0. */

import { sub } from '../../schema/index.js';
import { neuron } from '../rules/neuron.js';

export const threshold = neuron({
  type: 'Threshold',
  doc: '1 where x > threshold, else 0; without a gradient.',
  formula: 'y = 1 for x > threshold, else 0',
  apply: (ctx, b, x) => b.greater(x, sub(ctx.param, 'threshold_param').threshold),
});

/** ELU: x where positive, else alpha · (exp(x) − 1). */

import { sub } from '../../schema/index.js';
import { keepsZero } from '../rules/families.js';
import { neuron } from '../rules/neuron.js';

/** The exponential sees no positive x, so that it cannot overflow where it does not count. */
export const elu = neuron({
  type: 'ELU',
  doc: 'x where positive, else alpha · (exp(x) − 1).',
  formula: 'y = x for x > 0, else alpha · (exp(x) − 1)',
  ...keepsZero,
  gradientReadsTop: true,
  apply(ctx, b, x) {
    const { alpha } = sub(ctx.param, 'elu_param');
    return b.add(b.relu(x), b.mul(b.sub(b.exp(b.min(x, 0)), 1), alpha));
  },
});

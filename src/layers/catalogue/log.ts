/** Log: log of shift + scale · x to `base`, base e where it is −1. */

import { sub } from '../../schema/index.js';
import { checkBase } from '../rules/log_base.js';
import { neuron } from '../rules/neuron.js';

export const log = neuron({
  type: 'Log',
  doc: 'Logarithm of shift + scale · x to `base`; base −1, the default, stands for e.',
  formula: 'y = log_base(shift + scale · x)',
  check: ctx => checkBase(ctx, 'log_param'),
  apply(ctx, b, x) {
    const { base, scale, shift } = sub(ctx.param, 'log_param');
    return b.mul(b.log(b.add(b.mul(x, scale), shift)), base === -1 ? 1 : 1 / Math.log(base));
  },
});

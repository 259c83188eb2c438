/** Exp: base ^ (shift + scale · x), base e where it is −1. */

import { sub } from '../../schema/index.js';
import { checkBase } from '../rules/log_base.js';
import { neuron } from '../rules/neuron.js';

export const exp = neuron({
  type: 'Exp',
  doc: 'base ^ (shift + scale · x); base −1, the default, stands for e.',
  formula: 'y = base ^ (shift + scale · x)',
  check: ctx => checkBase(ctx, 'exp_param'),
  gradientReadsTop: true,
  apply(ctx, b, x) {
    const { base, scale, shift } = sub(ctx.param, 'exp_param');
    const logBase = base === -1 ? 1 : Math.log(base);
    return b.mul(b.exp(b.mul(x, logBase * scale)), Math.exp(logBase * shift));
  },
});

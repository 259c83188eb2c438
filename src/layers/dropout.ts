/** Dropout: zeroes a random share of the elements while training and scales the others up; the identity in TEST. */

import { sub } from '../schema/index.js';
import { neuron } from './neuron.js';

export const dropout = neuron({
  type: 'Dropout',
  doc: 'While training, zeroes each element with probability dropout_ratio and divides the others by 1 − dropout_ratio.',
  formula: 'y = x · m / (1 − ratio) with m = 1 in 1 − ratio of all cases, else 0; TEST: y = x',
  check(ctx) {
    const { dropout_ratio: ratio } = sub(ctx.param, 'dropout_param');
    if (ratio >= 0 && ratio < 1) return;
    throw ctx.fail('dropout-ratio', `dropout_ratio is ${ratio}.`, {
      field: 'dropout_param.dropout_ratio',
      hint: 'It is the share of elements to drop: at least 0 and less than 1.',
    });
  },
  apply(ctx, b, x) {
    const { dropout_ratio: ratio } = sub(ctx.param, 'dropout_param');
    if (ctx.phase === 'TEST' || ratio === 0) return x;
    const kept = b.random(`${ctx.name}/mask`, x.shape, { kind: 'bernoulli', p: 1 - ratio });
    return b.mul(x, b.mul(kept, 1 / (1 - ratio)));
  },
});

/**
 * Dropout: zeroes a random share of the elements while training and scales the others up; the identity in TEST. Forks
 * scale in TEST instead (scale_train: false of caffe-fast-rcnn), or drop there too (sample_weights_test of Bayesian SegNet).
 */

import { sub } from '../../schema/index.js';
import { keepsZero } from '../rules/families.js';
import { neuron } from '../rules/neuron.js';

export const dropout = neuron({
  type: 'Dropout',
  doc: 'While training, zeroes each element with probability dropout_ratio and divides the others by 1 − dropout_ratio. Of forks: scale_train: false multiplies all by it in TEST instead; sample_weights_test drops in TEST too.',
  formula: 'y = x · m / (1 − ratio) with m = 1 in 1 − ratio of all cases, else 0; TEST: y = x',
  ...keepsZero,
  trainOnly: true,
  detail: param => String(Number(sub(param, 'dropout_param').dropout_ratio.toPrecision(4))),
  check(ctx) {
    const { dropout_ratio: ratio } = sub(ctx.param, 'dropout_param');
    if (ratio >= 0 && ratio < 1) return;
    throw ctx.fail('dropout-ratio', `dropout_ratio is ${ratio}.`, {
      field: 'dropout_param.dropout_ratio',
      hint: 'It is the share of elements to drop: at least 0 and less than 1.',
    });
  },
  apply(ctx, b, x) {
    const { dropout_ratio: ratio, scale_train, sample_weights_test } = sub(ctx.param, 'dropout_param');
    if (ratio === 0) return x;
    if (ctx.phase === 'TEST' && !sample_weights_test) return scale_train ? x : b.mul(x, 1 - ratio);
    const kept = b.random(`${ctx.name}/mask`, x.shape, { kind: 'bernoulli', p: 1 - ratio });
    return b.mul(x, scale_train ? b.mul(kept, 1 / (1 - ratio)) : kept);
  },
});

/** Power: (shift + scale · x) ^ power. */

import { sub } from '../../schema/index.js';
import { neuron } from '../rules/neuron.js';

/** Where power · scale is 0 the top is constant and no gradient flows (power_layer.cpp). */
export const power = neuron({
  type: 'Power',
  doc: '(shift + scale · x) ^ power.',
  formula: 'y = (shift + scale · x) ^ power',
  differences:
    'Where shift + scale · x is 0 and power is positive, but neither 1 nor 2, Caffe’s gradient is 0/0, NaN; here it is the true one, 0 above 1 and ∞ below.',
  zeroTops: (ctx, [zero]) => zero === true && sub(ctx.param, 'power_param').shift === 0,
  apply(ctx, b, x) {
    const { power: exponent, scale, shift } = sub(ctx.param, 'power_param');
    if (exponent * scale === 0) return b.broadcast(b.scalar(exponent === 0 ? 1 : shift ** exponent), x.shape);
    return b.power(b.add(b.mul(x, scale), shift), exponent);
  },
});

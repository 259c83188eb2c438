/** Power: (shift + scale · x) ^ power. */

import { sub } from '../schema/index.js';
import { neuron } from './neuron.js';

/**
 * Where power · scale is 0 the top is constant and no gradient flows (power_layer.cpp). The gradient at a base of 0 is
 * the true one: Caffe divides y by the base there and gets NaN for powers other than 0, 1 and 2.
 */
export const power = neuron({
  type: 'Power',
  doc: '(shift + scale · x) ^ power.',
  apply(ctx, b, x) {
    const { power: exponent, scale, shift } = sub(ctx.param, 'power_param');
    if (exponent * scale === 0) return b.broadcast(b.scalar(exponent === 0 ? 1 : shift ** exponent), x.shape);
    return b.power(b.add(b.mul(x, scale), shift), exponent);
  },
});

/** Mish: x · tanh(log(1 + exp(x))). */

import { neuron } from '../rules/neuron.js';
import { softplus } from '../rules/softplus.js';

/** After mish_layer.cpp of synopsys-caffe, whose own backward takes its top for its bottom: here it is the derivative. */
export const mish = neuron({
  type: 'Mish',
  doc: 'x · tanh(log(1 + exp(x))).',
  formula: 'y = x · tanh(log(1 + exp(x)))',
  differences: 'The gradient is the derivative; synopsys-caffe computes it from y in the place of x.',
  apply: (_, b, x) => b.mul(x, b.tanh(softplus(b, x))),
});

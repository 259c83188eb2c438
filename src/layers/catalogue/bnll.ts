/** BNLL (binomial normal log likelihood): log(1 + exp(x)). */

import { neuron } from '../rules/neuron.js';
import { softplus } from '../rules/softplus.js';

export const bnll = neuron({
  type: 'BNLL',
  doc: 'log(1 + exp(x)).',
  formula: 'y = log(1 + exp(x))',
  apply: (_, b, x) => softplus(b, x),
});

/** BNLL (binomial normal log likelihood): log(1 + exp(x)). */

import { neuron } from './neuron.js';

/** With m = max(x, 0), held fixed for the gradient: m + log(exp(−m) + exp(x − m)), where no term can overflow. */
export const bnll = neuron({
  type: 'BNLL',
  doc: 'log(1 + exp(x)).',
  apply(_, b, x) {
    const m = b.stopGradient(b.relu(x));
    return b.add(m, b.log(b.add(b.exp(b.neg(m)), b.exp(b.sub(x, m)))));
  },
});

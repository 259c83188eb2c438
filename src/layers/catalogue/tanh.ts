/** TanH: the hyperbolic tangent. */

import { neuron } from '../rules/neuron.js';

export const tanh = neuron({
  type: 'TanH',
  doc: 'The hyperbolic tangent.',
  formula: 'y = tanh(x)',
  apply: (_, b, x) => b.tanh(x),
});

/** TanH: the hyperbolic tangent. */

import { keepsZero } from '../rules/families.js';
import { neuron } from '../rules/neuron.js';

export const tanh = neuron({
  type: 'TanH',
  doc: 'The hyperbolic tangent.',
  formula: 'y = tanh(x)',
  ...keepsZero,
  gradientReadsTop: true,
  apply: (_, b, x) => b.tanh(x),
});

/** ReLU6 (MobileNet's forks): x held between 0 and 6. */

import { neuron } from './neuron.js';

export const relu6 = neuron({
  type: 'ReLU6',
  doc: 'x held between 0 and 6.',
  apply: (_, b, x) => b.min(b.relu(x), 6),
});

/** Sigmoid: 1 / (1 + exp(−x)). */

import { neuron } from '../rules/neuron.js';

export const sigmoid = neuron({
  type: 'Sigmoid',
  doc: '1 / (1 + exp(−x)).',
  formula: 'y = 1 / (1 + exp(−x))',
  activation: 'sigmoid',
  gradientReadsTop: true,
  apply: (_, b, x) => b.sigmoid(x),
});

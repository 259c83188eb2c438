/** AbsVal: |x|. */

import { keepsZero } from '../rules/families.js';
import { neuron } from '../rules/neuron.js';

export const absval = neuron({
  type: 'AbsVal',
  doc: '|x|.',
  formula: 'y = |x|',
  ...keepsZero,
  apply: (_, b, x) => b.abs(x),
});

/** AbsVal: |x|. */

import { neuron } from '../rules/neuron.js';

export const absval = neuron({ type: 'AbsVal', doc: '|x|.', formula: 'y = |x|', apply: (_, b, x) => b.abs(x) });

/** LSTM: long short-term memory, the cell's gates in the order input, forget, output, candidate. */

import { lstmUnit } from '../rules/lstm_rule.js';
import { recurrent } from '../rules/recurrent.js';

export const lstm = recurrent({
  type: 'LSTM',
  doc: 'Long short-term memory over [T, N, …]; its gates stand in the order input, forget, output, candidate.',
  formula:
    '[i f o g] = W_xc · x + b_c (+ W_xc_static · static) + W_hc · (cont · h), i, f, o through σ, g through tanh; c = cont · f · c + i · g; h = o · tanh(c)',
  gates: 4,
  hasOutput: false,
  states: 2,
  step(b, { input, states: [h, c], cont, hidden }) {
    const gates = b.add(input, b.matMul(h!, hidden, { transposeB: true }));
    const next = lstmUnit(b, c!, gates, cont);
    return { output: next.h, states: [next.h, next.c] };
  },
});

/** LSTM: long short-term memory, the cell's gates in the order input, forget, output, candidate. */

import { lstmUnit } from './lstm_rule.js';
import { recurrent } from './recurrent.js';

export const lstm = recurrent({
  type: 'LSTM',
  doc: 'Long short-term memory over [T, N, …]; its gates stand in the order input, forget, output, candidate.',
  gates: 4,
  hasOutput: false,
  states: 2,
  step(b, { input, states: [h, c], cont, hidden }) {
    const gates = b.add(input, b.matMul(h!, hidden, { transposeB: true }));
    const next = lstmUnit(b, c!, gates, cont);
    return { output: next.h, states: [next.h, next.c] };
  },
});

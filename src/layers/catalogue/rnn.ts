/** RNN: the plain recurrent net, h = tanh(W·h + V·x), output tanh(U·h). */

import { recurrent } from '../rules/recurrent.js';

export const rnn = recurrent({
  type: 'RNN',
  doc: 'Recurrent net over [T, N, …]: h = tanh(W_hh·h + W_xh·x + b_h), output tanh(W_ho·h + b_o).',
  formula: 'h = tanh(W_xh · x + b_h (+ W_xh_static · static) + W_hh · (cont · h)); y = tanh(W_ho · h + b_o)',
  gates: 1,
  hasOutput: true,
  states: 1,
  step(b, { input, states: [h], hidden, output: [weight, bias] }) {
    const next = b.tanh(b.add(input, b.matMul(h!, hidden, { transposeB: true })));
    const output = b.tanh(b.add(b.matMul(next, weight!, { transposeB: true }), bias!));
    return { output, states: [next] };
  },
});

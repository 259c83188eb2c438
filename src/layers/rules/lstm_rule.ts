/** One step of an LSTM's cell, the rule that LSTM and LSTMUnit share (lstm_unit_layer.cpp). */

import type { Builder, Value } from '../../ir/index.js';

/** c [N, D], gates [N, 4·D] (input, forget, output, candidate, before their functions), cont [N, 1] → next c and h. */
export function lstmUnit(b: Builder, c: Value, gates: Value, cont: Value): { c: Value; h: Value } {
  const [samples, width] = c.shape as readonly [number, number];
  const gate = (k: number) => b.slice(gates, [0, k * width], [samples, width]);
  const remembered = b.mul(b.mul(b.sigmoid(gate(1)), cont), c);
  const next = b.add(remembered, b.mul(b.sigmoid(gate(0)), b.tanh(gate(3))));
  return { c: next, h: b.mul(b.sigmoid(gate(2)), b.tanh(next)) };
}

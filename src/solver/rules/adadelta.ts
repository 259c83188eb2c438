/** AdaDelta (Caffe: adadelta_solver.cpp; Zeiler 2012). `momentum` is the decay of both running means. */

import type { UpdateRule } from './rule.js';

export const adadelta: UpdateRule = {
  type: 'AdaDelta',
  averages: true,
  doc: 'h = μ·h + (1 − μ)·g²; s = g·√((u + delta) / (h + delta)); u = μ·u + (1 − μ)·s²; w −= rate·s.',
  slots: 2,
  remembersFrozen: true,
  update(b, { param, gradient, history, rate }) {
    const { momentum, delta } = param;
    const mean = (square: typeof gradient, old: typeof gradient) =>
      b.add(b.mul(square, 1 - momentum), b.mul(old, momentum));
    const squares = mean(b.mul(gradient, gradient), history[0]!);
    const ratio = b.div(b.add(history[1]!, delta), b.add(squares, delta));
    const scaled = b.mul(gradient, b.sqrt(ratio));
    return { step: b.mul(scaled, rate), history: [squares, mean(b.mul(scaled, scaled), history[1]!)] };
  },
};

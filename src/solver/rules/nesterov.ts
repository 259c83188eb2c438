/** Nesterov's accelerated gradient (Caffe: nesterov_solver.cpp; Sutskever et al. 2013). */

import type { UpdateRule } from './rule.js';

export const nesterov: UpdateRule = {
  type: 'Nesterov',
  doc: "v' = momentum·v + rate·g; w −= (1 + momentum)·v' − momentum·v.",
  slots: 1,
  remembersFrozen: false,
  update(b, { param, gradient, history, rate }) {
    const old = history[0]!;
    const velocity = b.add(b.mul(gradient, rate), b.mul(old, param.momentum));
    const step = b.sub(b.mul(velocity, 1 + param.momentum), b.mul(old, param.momentum));
    return { step, history: [velocity] };
  },
};

/** SGD with momentum (Caffe: sgd_solver.cpp). */

import type { UpdateRule } from './rule.js';

export const sgd: UpdateRule = {
  type: 'SGD',
  doc: 'v = momentum·v + rate·g; w −= v.',
  slots: 1,
  remembersFrozen: false,
  update(b, { param, gradient, history, rate }) {
    const scaled = b.mul(gradient, rate);
    const velocity = param.momentum === 0 ? scaled : b.add(scaled, b.mul(history[0]!, param.momentum));
    return { step: velocity, history: [velocity] };
  },
};

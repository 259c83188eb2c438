/** AdaGrad (Caffe: adagrad_solver.cpp; Duchi et al. 2011). */

import { refuseMomentum } from './no_momentum.js';
import type { UpdateRule } from './rule.js';

export const adagrad: UpdateRule = {
  type: 'AdaGrad',
  doc: 'h += g²; w −= rate·g / (√h + delta).',
  slots: 1,
  remembersFrozen: true,
  check: refuseMomentum,
  update(b, { param, gradient, history, rate }) {
    const squares = b.add(b.mul(gradient, gradient), history[0]!);
    const scaled = b.div(gradient, b.add(b.sqrt(squares), param.delta));
    return { step: b.mul(scaled, rate), history: [squares] };
  },
};

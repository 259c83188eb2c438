/** Adam (Caffe: adam_solver.cpp; Kingma and Ba 2015). β₁ is `momentum`, β₂ `momentum2`, ε `delta`. */

import type { UpdateRule } from './rule.js';

export const adam: UpdateRule = {
  type: 'Adam',
  averages: true,
  doc: 'm = β₁·m + (1 − β₁)·g; v = β₂·v + (1 − β₂)·g²; w −= rate·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m / (√v + ε).',
  slots: 2,
  remembersFrozen: true,
  scalars({ momentum, momentum2 }, iter) {
    const t = iter + 1;
    return { correction: Math.sqrt(1 - momentum2 ** t) / (1 - momentum ** t) };
  },
  update(b, { param, gradient, history, rate, scalar }) {
    const { momentum, momentum2, delta } = param;
    const first = b.add(b.mul(gradient, 1 - momentum), b.mul(history[0]!, momentum));
    const square = b.mul(gradient, gradient);
    const second = b.add(b.mul(square, 1 - momentum2), b.mul(history[1]!, momentum2));
    const scaled = b.div(first, b.add(b.sqrt(second), delta));
    return { step: b.mul(scaled, b.mul(rate, scalar('correction'))), history: [first, second] };
  },
};

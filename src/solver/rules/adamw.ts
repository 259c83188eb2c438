/** AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW computes it. β₁ is `momentum`, β₂ `momentum2`, ε `delta`. Caffe has none. */

import { type Diagnostic, error } from '../../diagnostics/index.js';
import { locate, type SolverParameter } from '../../schema/index.js';
import type { UpdateRule } from './rule.js';

export const adamw: UpdateRule = {
  type: 'AdamW',
  averages: true,
  doc: 'm = β₁·m + (1 − β₁)·g; v = β₂·v + (1 − β₂)·g²; w −= rate·(m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε) + weight_decay·w).',
  slots: 2,
  remembersFrozen: true,
  decouplesDecay: true,
  check: refuseL1,
  /** Both corrections are taken out of the arrays: √(v / c) + ε = (√v + ε·√c) / √c. */
  scalars({ momentum, momentum2, delta }, iter) {
    const t = iter + 1;
    const root = Math.sqrt(1 - momentum2 ** t);
    return { correction: root / (1 - momentum ** t), epsilon: delta * root };
  },
  update(b, { param, weight, gradient, decay, history, rate, scalar }) {
    const { momentum, momentum2 } = param;
    const first = b.add(b.mul(gradient, 1 - momentum), b.mul(history[0]!, momentum));
    const second = b.add(b.mul(b.mul(gradient, gradient), 1 - momentum2), b.mul(history[1]!, momentum2));
    const scaled = b.div(first, b.add(b.sqrt(second), scalar('epsilon')));
    const step = b.mul(scaled, b.mul(rate, scalar('correction')));
    const shrunk = decay === 0 ? step : b.add(step, b.mul(weight, b.mul(rate, decay)));
    return { step: shrunk, history: [first, second] };
  },
};

function refuseL1(param: SolverParameter): readonly Diagnostic[] {
  if (param.regularization_type !== 'L1' || param.weight_decay === 0) return [];
  const location = locate(param, 'regularization_type');
  return [
    error('solver-decay', 'A solver of type "AdamW" shrinks weights by a share of themselves: it has no L1.', {
      hint: 'Remove regularization_type, or use "Adam", whose decay is a part of the gradient.',
      ...(location && { location }),
    }),
  ];
}

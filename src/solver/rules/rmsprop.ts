/** RMSProp (Caffe: rmsprop_solver.cpp; Tieleman and Hinton 2012). */

import { error } from '../../diagnostics/index.js';
import { locate } from '../../schema/index.js';
import { refuseMomentum } from './no_momentum.js';
import type { UpdateRule } from './rule.js';

export const rmsprop: UpdateRule = {
  type: 'RMSProp',
  doc: 'h = rms_decay·h + (1 − rms_decay)·g²; w −= rate·g / (√h + delta).',
  slots: 1,
  remembersFrozen: true,
  check(param) {
    const problems = refuseMomentum(param);
    if (param.rms_decay >= 0 && param.rms_decay < 1) return problems;
    const location = locate(param, 'rms_decay');
    const range = error('solver-rms-decay', `rms_decay is ${param.rms_decay}.`, {
      hint: 'It is the share of the running mean that is kept: at least 0 and less than 1.',
      ...(location && { location }),
    });
    return [...problems, range];
  },
  update(b, { param, gradient, history, rate }) {
    const fresh = b.mul(b.mul(gradient, gradient), 1 - param.rms_decay);
    const squares = b.add(fresh, b.mul(history[0]!, param.rms_decay));
    const scaled = b.div(gradient, b.add(b.sqrt(squares), param.delta));
    return { step: b.mul(scaled, rate), history: [squares] };
  },
};

/** AdaGrad and RMSProp scale by the history alone: Caffe refuses a momentum beside them. */

import { type Diagnostic, error } from '../../diagnostics/index.js';
import { locate, type SolverParameter } from '../../schema/index.js';

export function refuseMomentum(param: SolverParameter): Diagnostic[] {
  if (param.momentum === 0) return [];
  const location = locate(param, 'momentum');
  return [
    error('solver-momentum', `A solver of type "${param.type}" takes no momentum.`, {
      hint: 'Remove it, or use "Adam", which has both.',
      ...(location && { location }),
    }),
  ];
}

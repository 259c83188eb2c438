/** The base of Exp and Log. */

import { sub } from '../../schema/index.js';
import type { LayerContext } from '../types.js';

/** Throws where the base is neither −1 (for e) nor positive. */
export function checkBase(ctx: LayerContext, field: 'exp_param' | 'log_param'): void {
  const { base } = sub(ctx.param, field);
  if (base === -1 || base > 0) return;
  throw ctx.fail('log-base', `base is ${base}.`, { field: `${field}.base`, hint: 'It must be positive, or −1 for e.' });
}

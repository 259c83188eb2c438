/** The exponential moving average of a run's weights (Polyak and Juditsky 1992): whether there is one, and how fast it forgets. */

import type { SolverParameter } from '../schema/index.js';

/** Whether the solver averages its weights. */
export function averagesWeights({ mokapot_param: own }: SolverParameter): boolean {
  return own !== null && own.ema_decay !== 0;
}

/**
 * What of the average stays at iteration `iter` (from 0 on): 0 up to `ema_start`, so that the average is the weights
 * themselves; then `ema_decay`, or with `ema_ramp` (1 + t) / (10 + t) where that is less, t iterations after the start, as
 * TensorFlow's ExponentialMovingAverage with num_updates.
 */
export function averageDecay({ mokapot_param: own }: SolverParameter, iter: number): number {
  if (!own) return 0;
  const t = iter - own.ema_start;
  if (t <= 0) return 0;
  return Math.fround(own.ema_ramp ? Math.min(own.ema_decay, (1 + t) / (10 + t)) : own.ema_decay);
}

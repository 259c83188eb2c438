/** Smooth L1, the rule that SmoothL1Loss and SmoothL1LossOHEM share. */

import type { Builder, Value } from '../../ir/index.js';
import { slopeOf } from './slope_of.js';

/** σ²d²/2 where |d| < 1/σ², else |d| − 1/(2σ²); `square` is σ². */
export function smoothL1(b: Builder, d: Value, square: number): Value {
  const size = b.abs(d);
  return b.select(b.greater(1 / square, size), b.mul(b.mul(d, d), square / 2), b.sub(size, 0.5 / square));
}

/** `value`, whose gradient is that of `source`: weights of 0 or 1 that the older layers leave out of their gradient. */
export function held(b: Builder, value: Value, source: Value): Value {
  return b.add(b.stopGradient(value), slopeOf(b, source));
}

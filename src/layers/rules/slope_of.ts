/** Gradients that are not those of their values, as Caffe's layers have some: what is added to a value that passes none. */

import type { Builder, Value } from '../../ir/index.js';

/** 0, with the gradient of `x`, which is finite. */
export function slopeOf(b: Builder, x: Value): Value {
  return b.sub(x, b.stopGradient(x));
}

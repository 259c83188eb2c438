/** Softmax along an axis, the rule that the Softmax layer and its losses share. */

import type { Builder, Value } from '../../ir/index.js';

export interface Softmax {
  /** x less its maximum along the axis. */
  readonly shifted: Value;
  /** e to the power of `shifted`. */
  readonly exponentials: Value;
  /** Their sum along the axis, which is kept with size 1. */
  readonly total: Value;
}

/** exponentials / total is the softmax of x; log total − shifted is −log of it, without loss of precision. */
export function softmaxParts(b: Builder, x: Value, axis: number): Softmax {
  const shifted = b.sub(x, b.stopGradient(b.reduceMax(x, [axis], true)));
  const exponentials = b.exp(shifted);
  return { shifted, exponentials, total: b.sum(exponentials, [axis], true) };
}

/** log(1 + exp(x)), the rule that BNLL and SigmoidCrossEntropyLoss share. */

import type { Builder, Value } from '../../ir/index.js';

/** With m = max(x, 0), held fixed for the gradient: m + log(exp(−m) + exp(x − m)), where no term can overflow. */
export function softplus(b: Builder, x: Value): Value {
  const m = b.stopGradient(b.relu(x));
  return b.add(m, b.log(b.add(b.exp(b.neg(m)), b.exp(b.sub(x, m)))));
}

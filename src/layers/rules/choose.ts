/** Choosing samples by index, the rule that BatchReindex and Filter share. */

import type { Builder, Value } from '../../ir/index.js';
import { countOf } from '../geometry/axis.js';

/** x[index[i]] for each i, along the first axis; an index that x lacks gives zeros. Gradients add up where one repeats. */
export function chooseSamples(b: Builder, x: Value, index: Value): Value {
  const samples = x.shape[0]!;
  const rows = b.reshape(x, [samples, countOf(x.shape, 1)]);
  return b.reshape(b.matMul(b.oneHot(index, 1, samples), rows), [index.shape[0]!, ...x.shape.slice(1)]);
}

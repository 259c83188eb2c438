/** Choosing samples, the rules of BatchReindex and Filter. */

import { type Builder, dim, type Value } from '../../ir/index.js';

/** x[index[i]] for each i, along the first axis; an index that x lacks gives zeros. Gradients add up where one repeats. */
export function chooseSamples(b: Builder, x: Value, index: Value): Value {
  return b.gather(x, alongFirst(b, index, x), 0);
}

/** Those samples of x at the places that `index` gives them among `count`; what it gives none goes nowhere. */
export function placeSamples(b: Builder, x: Value, index: Value, count: number): Value {
  return b.scatterAdd(x, alongFirst(b, index, x), { axis: 0, size: count });
}

function alongFirst(b: Builder, index: Value, x: Value): Value {
  return b.reshape(index, [dim(index.shape, 0), ...x.shape.slice(1).map(() => 1)]);
}

/** Of a list of ones and zeros: of each 1 how many stand before it, of each 0 −1. */
export function rankAmong(b: Builder, ones: Value): Value {
  const n = dim(ones.shape, 0);
  let sums = ones;
  // Sums of the last 1, 2, 4, … numbers.
  for (let step = 1; step < n; step *= 2) sums = b.add(sums, b.pad(b.slice(sums, [0], [n - step]), [step], [0]));
  return b.select(ones, b.sub(sums, 1), -1);
}

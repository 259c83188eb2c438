/** STOCHASTIC pooling (Zeiler and Fergus 2013), the rule that Pooling and SPP share (pooling_layer.cu). */

import { nth } from '../../diagnostics/index.js';
import { type Builder, dim, nchw, type PoolAttrs, type Value, windowPlaces } from '../../ir/index.js';
import type { LayerContext } from '../types.js';

/** The least normal float, which Caffe adds to a sum it divides by. */
const FLT_MIN = 2 ** -126;

/** Throws where padding would be needed: Caffe pads for MAX and AVE only. */
export function checkStochastic(ctx: LayerContext, { pad }: PoolAttrs, field: string): void {
  if (pad.every(p => p === 0)) return;
  throw ctx.fail('pool-stochastic', `STOCHASTIC pooling knows no padding, and here it is ${pad.join('×')}.`, {
    field,
    hint: 'Use MAX or AVE, or no padding.',
  });
}

/**
 * In TRAIN each window yields one of its elements, chosen with a probability proportional to its value (values are
 * meant not to be negative); in TEST the mean of the elements weighted by themselves.
 */
export function stochasticPool(ctx: LayerContext, b: Builder, x: Value, attrs: PoolAttrs): Value {
  if (ctx.phase === 'TEST')
    return b.div(
      b.avePool(b.mul(x, x), attrs),
      b.add(b.avePool(x, attrs), FLT_MIN / attrs.kernel[0] / attrs.kernel[1]),
    );
  const shape = [dim(x.shape, 0), dim(x.shape, 1), ...attrs.outSize];
  const name = `${ctx.name}/choice ${attrs.outSize.join('×')}`;
  const chance = b.random(name, shape, { kind: 'uniform' });
  return choose(b, x, chance, attrs);
}

/** Of each window the element at which the running sum of its elements, row by row, reaches `chance` of the whole. */
function choose(b: Builder, x: Value, chance: Value, attrs: PoolAttrs): Value {
  const [n, c, height, width] = nchw(x.shape);
  const count = attrs.outSize[0] * attrs.outSize[1];
  const planes = b.reshape(x, [n, c, height * width]);
  const places = windowPlaces(attrs, height, width).map(place => place.indices);
  const elements = places.map(at => b.gather(planes, b.constant(at, [1, 1, count]), 2));
  const sums: Value[] = [];
  for (const v of elements) sums.push(sums.length > 0 ? b.add(sums.at(-1)!, v) : v);
  const threshold = b.mul(b.reshape(chance, [n, c, count]), sums.at(-1)!);
  // From the last place to the first: so the first that reaches it stays. None does where there are no numbers.
  const chosen = elements.reduceRight<Value>(
    (later, v, k) => {
      const reached = b.greaterEqual(nth(sums, k), threshold);
      const inside = places[k]!.includes(-1) ? b.mul(reached, inPlane(b, places[k]!)) : reached;
      return b.select(inside, v, later);
    },
    b.zeros([n, c, count]),
  );
  return b.reshape(chosen, [n, c, ...attrs.outSize]);
}

/** 1 where the window has the place. */
function inPlane(b: Builder, places: Float32Array): Value {
  return b.constant(
    places.map(p => Number(p >= 0)),
    [1, 1, places.length],
  );
}

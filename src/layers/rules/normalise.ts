/** A batch's numbers less their mean over their deviation, channel by channel, with the gradient that Caffe writes out. */

import { type Builder, sizeOf, type Value } from '../../ir/index.js';

/** A blob's numbers less the mean of their channel, and that channel's root of variance + eps, laid along the blob's axes. */
export interface Centred {
  readonly x: Value;
  readonly centred: Value;
  readonly deviation: Value;
}

/**
 * centred / deviation, where both follow from `x`. The rules of its parts, applied one after the other, would pass over the
 * blob eleven times; dx = (dy − mean(dy) − y · mean(dy · y)) / deviation takes four (batch_norm_layer.cpp, Backward_cpu).
 */
export function normalise(b: Builder, { x, centred, deviation }: Centred): Value {
  const y = b.div(centred, deviation);
  const channels = sizeOf(deviation.shape);
  const axes = x.shape.map((_, i) => i).filter(i => i !== 1 || x.shape.length === 1);
  const share = channels / sizeOf(x.shape);
  return b.withGradient(y, [x], gradient => {
    const { dy, factor } = beforeFactor(gradient, channels);
    const scale = factor ? b.div(factor, deviation) : b.div(1, deviation);
    const mean = b.mul(b.sum(dy, axes, true), share);
    const along = b.mul(b.sum(b.mul(dy, y), axes, true), share);
    return [b.sub(b.mul(dy, scale), b.add(b.mul(y, b.mul(along, scale)), b.mul(mean, scale)))];
  });
}

/**
 * A gradient that is another one times a factor by channel, as behind a Scale: the factor may be taken after the sums, and
 * the sums are then those that Scale's own gradients need.
 */
function beforeFactor(gradient: Value, channels: number): { readonly dy: Value; readonly factor?: Value } {
  const { node, shape } = gradient;
  if (node.op !== 'mul' || shape.length < 2) return { dy: gradient };
  for (const [dy, factor] of [node.inputs, [node.inputs[1], node.inputs[0]]] as const) {
    const isByChannel = sizeOf(factor.shape) === channels && factor.shape.at(1 - shape.length) === channels;
    if (isByChannel && dy.shape.length === shape.length && sizeOf(dy.shape) === sizeOf(shape)) return { dy, factor };
  }
  return { dy: gradient };
}

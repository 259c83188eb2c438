/** Reverse (CTC's ports, synopsys-caffe): the elements along an axis, last one first. */

import { type Builder, dim, type Value } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { canonicalAxis } from '../geometry/axis.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** The axes to go along: the first where none is named. */
function axesOf(ctx: LayerContext<1>): readonly number[] {
  const { axis } = sub(ctx.param, 'reverse_param');
  const named = axis.length > 0 ? axis : [0];
  return named.map(a => canonicalAxis(ctx, a, ctx.bottomShapes[0], 'reverse_param.axis'));
}

function reversed(b: Builder, x: Value, axis: number): Value {
  const size = dim(x.shape, axis);
  const backwards = Float32Array.from({ length: size }, (_, i) => size - 1 - i);
  const index = x.shape.map((_, i) => (i === axis ? size : 1));
  return b.gather(x, b.constant(backwards, index), axis);
}

/**
 * One axis in CTC's ports (reverse_layer.cpp of crnn.caffe), the first unless told otherwise; several in synopsys-caffe,
 * each once however often it is named.
 */
export const reverse: LayerType<1> = {
  type: 'Reverse',
  doc: 'The elements along each of `axis` in reverse order.',
  formula: 'y[…, i, …] = x[…, n − 1 − i, …] along each axis',
  shapeRule: 'That of the bottom.',
  differences: 'Without `axis` it is the first axis, as in CTC’s ports; in synopsys-caffe it is none.',
  ...arrangement,
  ...keepsZero,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    axesOf(ctx);
    return { tops: [ctx.bottomShapes[0]], params: [] };
  },
  lower: (ctx, b, [x]) => [[...new Set(axesOf(ctx))].reduce((y, axis) => reversed(b, y, axis), x)],
};

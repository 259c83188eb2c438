/** ArgMax: which classes score highest, with their scores if asked for. */

import { nth } from '../../diagnostics/index.js';
import { type Builder, dim, type Shape, type Value } from '../../ir/index.js';
import { isSet, sub } from '../../schema/index.js';
import { alignAt, canonicalAxis, countOf, showBottom } from '../geometry/axis.js';
import { arrangement } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** The axis asked for; undefined where each sample is one flat list. */
function axisOf(ctx: LayerContext<1>): number | undefined {
  const param = sub(ctx.param, 'argmax_param');
  if (!isSet(param, 'axis')) return undefined;
  return canonicalAxis(ctx, param.axis, ctx.bottomShapes[0], 'argmax_param.axis');
}

/** One after the other the `k` greatest along `axis`: their positions and values, the axis kept with size k. */
function greatest(b: Builder, x: Value, axis: number, k: number): { positions: Value; values: Value } {
  const size = dim(x.shape, axis);
  const index = b.constant(
    Float32Array.from({ length: size }, (_, i) => i),
    alignAt([size], axis, x.shape.length),
  );
  const positions: Value[] = [];
  const values: Value[] = [];
  for (let left = x, i = 0; i < k; i++) {
    const value = b.reduceMax(left, [axis], true);
    const position = b.reduceMax(b.select(b.equal(left, value), index, -1), [axis], true);
    values.push(value);
    positions.push(position);
    left = b.select(b.equal(index, position), Number.NEGATIVE_INFINITY, left);
  }
  return { positions: b.concat(positions, axis), values: b.concat(values, axis) };
}

/**
 * With an axis, the top has its places replaced by the top_k positions, or, with out_max_val, by the values. Without, a
 * sample is one flat list and the top is N×1×k or, with out_max_val, N×2×k: positions, then values (argmax_layer.cpp).
 * Of equals Caffe puts the last one first, and so does this.
 */
export const argmax: LayerType<1> = {
  type: 'ArgMax',
  doc: 'Positions of the top_k greatest elements, along `axis` or of each whole sample, and with out_max_val their values.',
  formula: 'y = argmax_c x_c',
  shapeRule: 'With `axis`: top_k along it. Without: [N, 1, top_k], or [N, 2, top_k] with out_max_val.',
  ...arrangement,
  endsNet: true,
  numbersChannels(layer) {
    const { axis, top_k, out_max_val } = sub(layer, 'argmax_param');
    return axis === 1 && top_k === 1 && !out_max_val;
  },
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  canBackward: () => false,
  reshape(ctx) {
    const { top_k: k, out_max_val } = sub(ctx.param, 'argmax_param');
    const shape = ctx.bottomShapes[0];
    const axis = axisOf(ctx);
    const batch = canonicalAxis(ctx, 0, shape, 'argmax_param.axis');
    const size = axis === undefined ? countOf(shape, 1) : dim(shape, axis);
    if (!(k >= 1 && k <= size)) {
      throw ctx.fail(
        'top-k',
        `top_k is ${k}, and there are ${size} elements to choose from in ${showBottom(ctx, 0)}.`,
        {
          field: 'argmax_param.top_k',
          hint: `It may go from 1 to ${size}.`,
        },
      );
    }
    if (axis !== undefined) return { tops: [shape.map((d, i) => (i === axis ? k : d))], params: [] };
    const wide = new Array<number>(Math.max(0, shape.length - 3)).fill(1);
    const top: Shape = [dim(shape, batch), out_max_val ? 2 : 1, k, ...wide];
    return { tops: [top], params: [] };
  },
  lower(ctx, b, [x]) {
    const { top_k: k, out_max_val } = sub(ctx.param, 'argmax_param');
    const axis = axisOf(ctx);
    const flat = axis === undefined ? b.reshape(x, [dim(x.shape, 0), countOf(x.shape, 1)]) : x;
    const along = axis ?? 1;
    const { positions, values } = greatest(b, flat, along, k);
    if (axis !== undefined) return [out_max_val ? values : positions];
    const all = out_max_val ? b.concat([positions, values], 1) : positions;
    return [b.reshape(all, nth(argmax.reshape(ctx).tops, 0))];
  },
};

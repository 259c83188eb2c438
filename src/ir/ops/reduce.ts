/** Reductions and sliding sums. */

import type { Shape } from '../types.js';
import type { OpTable } from './definition.js';

function reduced(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  return keepDims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
}

export const reductions: OpTable<'reduceSum' | 'reduceMax' | 'argMax' | 'windowSum'> = {
  reduceSum: {
    shapes: ([x], { axes, keepDims }) => [reduced(x, axes, keepDims)],
    gradient(b, node, [dy]) {
      const x = node.inputs[0];
      return [b.broadcast(b.reshape(dy, reduced(x.shape, node.attrs.axes, true)), x.shape)];
    },
  },
  reduceMax: {
    shapes: ([x], { axes, keepDims }) => [reduced(x, axes, keepDims)],
    // Every element that equals the maximum has the gradient.
    gradient(b, node, [dy]) {
      const x = node.inputs[0];
      const kept = reduced(x.shape, node.attrs.axes, true);
      return [b.select(b.equal(x, b.reshape(node.outputs[0], kept)), b.reshape(dy, kept), 0)];
    },
  },
  argMax: { shapes: ([x], { axis }) => [reduced(x, [axis], false)] },
  windowSum: {
    shapes: ([x]) => [x],
    // The window is symmetric, so the sum is its own adjoint.
    gradient: (b, node, [dy]) => [b.windowSum(dy, node.attrs.axis, node.attrs.size)],
  },
};

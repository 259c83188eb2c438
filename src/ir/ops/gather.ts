/**
 * Elements by computed index, and back: `gather` reads, `scatterAdd` adds up, each the adjoint of the other. Both are as
 * NumPy's take_along_axis and ONNX's GatherElements are: index and data go side by side along every axis but one, and an
 * axis of 1 of the index stands for all places there (an index [M, 1] on data [V, D] takes M whole rows).
 */

import { dim, showShape } from '../shape.js';
import type { Shape } from '../types.js';
import type { OpTable } from './definition.js';

/** `data` with its axis as long as the index's. */
function picked(data: Shape, index: Shape, axis: number): Shape {
  const fits = data.length === index.length && index.every((d, i) => i === axis || d === 1 || d === data[i]);
  if (!fits || axis < 0 || axis >= data.length)
    throw new Error(`IR: indices ${showShape(index)} do not go with ${showShape(data)} along axis ${axis}`);
  return data.map((d, i) => (i === axis ? dim(index, axis) : d));
}

export const gathering: OpTable<'gather' | 'scatterAdd'> = {
  gather: {
    shapes: ([x, index], { axis }) => [picked(x, index, axis)],
    gradient(b, node, [dy]) {
      const [x, index] = node.inputs;
      const { axis } = node.attrs;
      return [b.scatterAdd(dy, index, { axis, size: dim(x.shape, axis) }), undefined];
    },
  },
  scatterAdd: {
    shapes([x, index], { axis, size }) {
      if (picked(x, index, axis)[axis] !== x[axis])
        throw new Error(`IR: ${index[axis]} indices for ${x[axis]} elements along axis ${axis}`);
      return [x.map((d, i) => (i === axis ? size : d))];
    },
    gradient: (b, node, [dy]) => [b.gather(dy, node.inputs[1], node.attrs.axis), undefined],
  },
};

/** Where the gradient stops, where the graph leaves the engine for user code, and fused elementwise ops. */

import { nth } from '../../diagnostics/index.js';
import { sizeOf } from '../shape.js';
import type { OpTable } from './definition.js';

export const control: OpTable<'stopGradient' | 'hostCall' | 'fused'> = {
  stopGradient: { shapes: ([x]) => [x] },
  hostCall: {
    shapes: (_, { outputs }) => outputs,
    gradient(b, node, dy, wanted) {
      const { backward, gradient, name } = node.attrs;
      if (gradient) return gradient(b, node, dy);
      if (!backward) return node.inputs.map(() => undefined);
      const shapes = node.inputs.map(x => x.shape);
      const given = dy.map((d, i) => d ?? b.zeros(nth(node.outputs, i).shape));
      return b.hostCall([...node.inputs, ...node.outputs, ...given], {
        name: `${name}'`,
        outputs: shapes,
        run: async arrays => {
          const gradients = await backward(arrays, wanted);
          return shapes.map((shape, i) => (gradients[i]?.length ? gradients[i] : new Float32Array(sizeOf(shape))));
        },
      });
    },
  },
  fused: { shapes: (_, { results: [, ...others], shape }) => [shape, ...others.map(() => shape)] },
};

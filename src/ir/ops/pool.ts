/** Pooling and its gradients. */

import { dim } from '../shape.js';
import type { PoolAttrs, Shape } from '../types.js';
import type { OpTable } from './definition.js';

function pooled(x: Shape, { outSize }: PoolAttrs): Shape {
  return [dim(x, 0), dim(x, 1), ...outSize];
}

export const pooling: OpTable<'maxPool' | 'maxPoolGrad' | 'avePool' | 'avePoolGrad'> = {
  maxPool: {
    shapes: ([x], attrs) => [pooled(x, attrs), pooled(x, attrs)],
    gradient(b, node, [dy]) {
      const [, , h, w] = node.inputs[0].shape;
      return [dy && b.maxPoolGrad(dy, node.outputs[1], { inputSize: [h!, w!] })];
    },
  },
  maxPoolGrad: { shapes: ([dy], { inputSize }) => [[dim(dy, 0), dim(dy, 1), ...inputSize]] },
  avePool: {
    shapes: ([x], attrs) => [pooled(x, attrs)],
    gradient(b, node, [dy]) {
      const [, , h, w] = node.inputs[0].shape;
      return [b.avePoolGrad(dy, { ...node.attrs, inputSize: [h!, w!] })];
    },
  },
  avePoolGrad: {
    shapes: ([dy], { inputSize }) => [[dim(dy, 0), dim(dy, 1), ...inputSize]],
    gradient: (b, node, [g]) => [b.avePool(g, node.attrs)],
  },
};

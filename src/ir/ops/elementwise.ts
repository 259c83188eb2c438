/** Elementwise ops on one, two or three values. */

import type { Builder } from '../builder.js';
import { broadcastShapes, sameShape } from '../shape.js';
import type { ElementwiseOp, Shape, Value } from '../types.js';
import type { OpDefinition, OpTable } from './definition.js';

/** Sums `dy` over the axes along which an operand of `shape` was stretched. */
export function unbroadcast(b: Builder, dy: Value, shape: Shape): Value {
  if (sameShape(dy.shape, shape)) return dy;
  const lead = dy.shape.length - shape.length;
  const axes = dy.shape.map((_, i) => i).filter(i => i < lead || (shape[i - lead] === 1 && dy.shape[i] !== 1));
  return b.reshape(b.sum(dy, axes, true), shape);
}

/** Ops without attributes, on one value and on two. */
type Unary = Exclude<ElementwiseOp, Binary | 'relu' | 'power' | 'select'>;
type Binary = 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'greater' | 'greaterEqual' | 'equal';

type UnaryGradient = (b: Builder, dy: Value, x: Value, y: Value) => Value;

function unary(gradient?: UnaryGradient): OpDefinition<Unary> {
  return {
    shapes: ([x]) => [x],
    gradient: gradient && ((b, node, [dy]) => [gradient(b, dy, node.inputs[0], node.outputs[0])]),
  };
}

type BinaryGradient = (b: Builder, dy: Value, x: Value, z: Value, y: Value) => readonly [() => Value, () => Value];

function binary(gradient?: BinaryGradient): OpDefinition<Binary> {
  return {
    shapes: shapes => [broadcastShapes(...shapes)],
    gradient:
      gradient &&
      ((b, node, [dy], wanted) => {
        const [x, z] = node.inputs;
        const [dx, dz] = gradient(b, dy, x, z, node.outputs[0]);
        return [
          wanted[0] ? unbroadcast(b, dx(), x.shape) : undefined,
          wanted[1] ? unbroadcast(b, dz(), z.shape) : undefined,
        ];
      }),
  };
}

export const elementwise: OpTable<ElementwiseOp> = {
  neg: unary((b, dy) => b.neg(dy)),
  abs: unary((b, dy, x) => b.mul(dy, b.sign(x))),
  sign: unary(),
  exp: unary((b, dy, _, y) => b.mul(dy, y)),
  log: unary((b, dy, x) => b.div(dy, x)),
  sqrt: unary((b, dy, _, y) => b.div(b.mul(dy, 0.5), y)),
  tanh: unary((b, dy, _, y) => b.mul(dy, b.sub(1, b.mul(y, y)))),
  sigmoid: unary((b, dy, _, y) => b.mul(dy, b.mul(y, b.sub(1, y)))),
  floor: unary(),

  relu: {
    shapes: ([x]) => [x],
    gradient(b, node, [dy]) {
      const { slope } = node.attrs;
      // y has x's sign wherever slope ≥ 0, and reading y lets x go at once (an in-place ReLU, as Caffe has it).
      const seen = slope >= 0 ? node.outputs[0] : node.inputs[0];
      const positive = b.greater(seen, 0);
      return [slope === 0 ? b.select(positive, dy, 0) : b.select(positive, dy, b.mul(dy, slope))];
    },
  },
  power: {
    shapes: ([x]) => [x],
    gradient(b, node, [dy]) {
      const { exponent } = node.attrs;
      return [b.mul(dy, b.mul(b.power(node.inputs[0], exponent - 1), exponent))];
    },
  },

  add: binary((_, dy) => [() => dy, () => dy]),
  sub: binary((b, dy) => [() => dy, () => b.neg(dy)]),
  mul: binary((b, dy, x, z) => [() => b.mul(dy, z), () => b.mul(dy, x)]),
  div: binary((b, dy, _, z, y) => [() => b.div(dy, z), () => b.neg(b.div(b.mul(dy, y), z))]),
  // Equal operands: the first one has the gradient.
  max: binary((b, dy, x, z) => [
    () => b.select(b.greaterEqual(x, z), dy, 0),
    () => b.select(b.greaterEqual(x, z), 0, dy),
  ]),
  min: binary((b, dy, x, z) => [
    () => b.select(b.greaterEqual(z, x), dy, 0),
    () => b.select(b.greaterEqual(z, x), 0, dy),
  ]),
  greater: binary(),
  greaterEqual: binary(),
  equal: binary(),

  select: {
    shapes: shapes => [broadcastShapes(...shapes)],
    gradient(b, node, [dy], wanted) {
      const [mask, x, z] = node.inputs;
      return [
        undefined,
        wanted[1] ? unbroadcast(b, b.select(mask, dy, 0), x.shape) : undefined,
        wanted[2] ? unbroadcast(b, b.select(mask, 0, dy), z.shape) : undefined,
      ];
    },
  },
};

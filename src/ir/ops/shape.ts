/** Ops that move elements about. */

import { nth } from '../../diagnostics/index.js';
import { broadcastShapes, dim, sameShape, showShape, sizeOf } from '../shape.js';
import type { Shape } from '../types.js';
import type { OpTable } from './definition.js';
import { unbroadcast } from './elementwise.js';

type ShapeOp = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad' | 'oneHot';

export const shapes: OpTable<ShapeOp> = {
  reshape: {
    shapes([x], { shape }) {
      if (sizeOf(x) !== sizeOf(shape)) throw new Error(`IR: cannot reshape ${showShape(x)} to ${showShape(shape)}`);
      return [shape];
    },
    gradient: (b, node, [dy]) => [b.reshape(dy, node.inputs[0].shape)],
  },
  transpose: {
    shapes: ([x], { perm }) => [perm.map(axis => dim(x, axis))],
    gradient(b, node, [dy]) {
      const { perm } = node.attrs;
      return [
        b.transpose(
          dy,
          perm.map((_, i) => perm.indexOf(i)),
        ),
      ];
    },
  },
  broadcast: {
    shapes([x], { shape }) {
      if (!sameShape(broadcastShapes(x, shape), shape))
        throw new Error(`IR: cannot broadcast ${showShape(x)} to ${showShape(shape)}`);
      return [shape];
    },
    gradient: (b, node, [dy]) => [unbroadcast(b, dy, node.inputs[0].shape)],
  },
  concat: {
    shapes(inputs, { axis }) {
      const out = [...nth(inputs, 0)];
      out[axis] = inputs.reduce((sum, s) => sum + dim(s, axis), 0);
      return [out];
    },
    gradient(b, node, [dy], wanted) {
      const { axis } = node.attrs;
      let at = 0;
      return node.inputs.map((x, i) => {
        const begin = x.shape.map((_, k) => (k === axis ? at : 0));
        at += dim(x.shape, axis);
        return wanted[i] ? b.slice(dy, begin, x.shape) : undefined;
      });
    },
  },
  slice: {
    shapes([x], { begin, size }) {
      if (x.some((d, i) => nth(begin, i) < 0 || nth(begin, i) + nth(size, i) > d))
        throw new Error(`IR: slice ${showShape(begin)}+${showShape(size)} leaves ${showShape(x)}`);
      return [size];
    },
    gradient(b, node, [dy]) {
      const { begin, size } = node.attrs;
      const after: Shape = node.inputs[0].shape.map((d, i) => d - nth(begin, i) - nth(size, i));
      return [b.pad(dy, begin, after, 0)];
    },
  },
  pad: {
    shapes: ([x], { before, after }) => [x.map((d, i) => d + nth(before, i) + nth(after, i))],
    gradient: (b, node, [dy]) => [b.slice(dy, node.attrs.before, node.inputs[0].shape)],
  },
  oneHot: { shapes: ([x], { axis, depth }) => [[...x.slice(0, axis), depth, ...x.slice(axis)]] },
};

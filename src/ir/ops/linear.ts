/** Matrix product, convolution and its two gradients: each one's gradient is made of the others. */

import { nth } from '../../diagnostics/index.js';
import { convOutput, dim, sameShape, showShape } from '../shape.js';
import type { ConvAttrs, Shape } from '../types.js';
import type { OpTable } from './definition.js';

function pick({ stride, pad, dilation, groups }: ConvAttrs): ConvAttrs {
  return { stride, pad, dilation, groups };
}

function plane(shape: Shape): readonly [number, number] {
  return [dim(shape, 2), dim(shape, 3)];
}

export const linear: OpTable<'matMul' | 'conv2d' | 'convInputGrad' | 'convFilterGrad'> = {
  matMul: {
    shapes([a, c], { transposeA, transposeB }) {
      const lead = a.slice(0, -2);
      const [m, k] = transposeA ? [dim(a, -1), dim(a, -2)] : [dim(a, -2), dim(a, -1)];
      const [k2, n] = transposeB ? [dim(c, -1), dim(c, -2)] : [dim(c, -2), dim(c, -1)];
      if (k !== k2 || !sameShape(lead, c.slice(0, -2)))
        throw new Error(`IR: matMul of ${showShape(a)} and ${showShape(c)} does not fit`);
      return [[...lead, m, n]];
    },
    gradient(b, node, [dy], wanted) {
      const [a, c] = node.inputs;
      const { transposeA: ta, transposeB: tb } = node.attrs;
      const mm = (x: typeof a, y: typeof a, transposeA: boolean, transposeB: boolean) =>
        b.matMul(x, y, { transposeA, transposeB });
      return [
        wanted[0] ? (ta ? mm(c, dy, tb, true) : mm(dy, c, false, !tb)) : undefined,
        wanted[1] ? (tb ? mm(dy, a, true, ta) : mm(a, dy, !ta, false)) : undefined,
      ];
    },
  },

  conv2d: {
    shapes([x, w], { stride, pad, dilation, groups }) {
      if (dim(w, 1) * groups !== dim(x, 1) || dim(w, 0) % groups !== 0)
        throw new Error(`IR: filter ${showShape(w)} in ${groups} groups does not fit ${showShape(x)}`);
      const out = [0, 1].map(i =>
        convOutput(dim(x, i + 2), dim(w, i + 2), nth(stride, i), nth(pad, i), nth(dilation, i)),
      );
      return [[dim(x, 0), dim(w, 0), ...out]];
    },
    gradient(b, node, [dy], wanted) {
      const [x, w] = node.inputs;
      const geometry = pick(node.attrs);
      return [
        wanted[0] ? b.convInputGrad(dy, w, { ...geometry, inputSize: plane(x.shape) }) : undefined,
        wanted[1] ? b.convFilterGrad(x, dy, { ...geometry, kernel: plane(w.shape) }) : undefined,
      ];
    },
  },

  convInputGrad: {
    shapes: ([dy, w], { groups, inputSize }) => [[dim(dy, 0), dim(w, 1) * groups, ...inputSize]],
    gradient(b, node, [g], wanted) {
      const [dy, w] = node.inputs;
      const geometry = pick(node.attrs);
      return [
        wanted[0] ? b.conv2d(g, w, geometry) : undefined,
        wanted[1] ? b.convFilterGrad(g, dy, { ...geometry, kernel: plane(w.shape) }) : undefined,
      ];
    },
  },

  convFilterGrad: {
    shapes: ([x, dy], { groups, kernel }) => [[dim(dy, 1), dim(x, 1) / groups, ...kernel]],
    gradient(b, node, [g], wanted) {
      const [x, dy] = node.inputs;
      const geometry = pick(node.attrs);
      return [
        wanted[0] ? b.convInputGrad(dy, g, { ...geometry, inputSize: plane(x.shape) }) : undefined,
        wanted[1] ? b.conv2d(x, g, geometry) : undefined,
      ];
    },
  },
};

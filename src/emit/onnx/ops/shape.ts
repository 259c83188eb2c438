/** Ops that move elements about. */

import { nth } from '../../../diagnostics/index.js';
import { ElementType } from '../schema.js';
import type { EmitterTable } from './emitter.js';

type ShapeOp = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad' | 'oneHot' | 'stopGradient';

/** Bound of a slice that goes to the end. */
const END = 2 ** 31 - 1;

export const shapes: EmitterTable<ShapeOp> = {
  reshape(s, node) {
    const [from, to] = [node.inputs[0], node.outputs[0]];
    return [s.w.reshape(s.float(from), from.shape, to.shape)];
  },

  stopGradient: (s, { inputs: [x] }) => [s.float(x)],

  transpose: (s, { inputs: [x], attrs }) => [s.w.op('Transpose', [s.float(x)], { attrs: { perm: attrs.perm } })],

  broadcast: (s, node) => [s.w.op('Expand', [s.float(node.inputs[0]), s.w.ints(node.outputs[0].shape)])],

  concat: (s, { inputs, attrs }) => [s.w.op('Concat', inputs.map(s.float), { attrs: { axis: attrs.axis } })],

  slice(s, node) {
    const { begin, size } = node.attrs;
    const x = node.inputs[0];
    const axes = x.shape.flatMap((d, i) => (begin[i] === 0 && size[i] === d ? [] : [i]));
    const ends = axes.map(i => (nth(begin, i) + nth(size, i) === x.shape[i] ? END : nth(begin, i) + nth(size, i)));
    return [s.w.op('Slice', [s.float(x), s.w.ints(axes.map(i => nth(begin, i))), s.w.ints(ends), s.w.ints(axes)])];
  },

  pad: (s, { inputs: [x], attrs }) => [
    s.w.op('Pad', [s.float(x), s.w.ints([...attrs.before, ...attrs.after]), s.w.scalar(attrs.value)]),
  ],

  /** As a comparison: ONNX's OneHot counts negative indices from the end. */
  oneHot(s, { inputs: [x], attrs: { axis, depth } }) {
    const places = Float32Array.from({ length: depth }, (_, i) => i);
    const shape = [depth, ...new Array<number>(x.shape.length - axis).fill(1)];
    const widened = s.w.op('Unsqueeze', [s.float(x), s.w.ints([axis])]);
    return [s.w.op('Equal', [widened, s.w.floats(places, shape)], { type: ElementType.BOOL })];
  },
};

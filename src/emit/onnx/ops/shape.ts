/** Ops that move elements about. */

import { nth } from '../../../diagnostics/index.js';
import { sameShape } from '../../../ir/shape.js';
import type { NodeOf } from '../../../ir/types.js';
import { ElementType } from '../schema.js';
import type { EmitterTable, Scope } from './emitter.js';

type ShapeOp = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad' | 'oneHot' | 'stopGradient';

/** Bound of a slice that goes to the end. */
const END = 2 ** 31 - 1;

export const shapes: EmitterTable<ShapeOp> = {
  reshape(s, node) {
    const [from, to] = [node.inputs[0], node.outputs[0]];
    return [s.w.reshape(s.float(from), from.shape, to.shape)];
  },

  stopGradient: (s, { inputs: [x] }) => [s.float(x)],

  transpose: (s, node) => [
    s.onCpu && dealsPhases(node)
      ? phases(s, node)
      : s.w.op('Transpose', [s.float(node.inputs[0])], { attrs: { perm: node.attrs.perm } }),
  ],

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

/** The axes of [N, C, H/s, s, W/s, s] in the order that brings the phases of a stride s to the front. */
const PHASES_FIRST = [3, 5, 0, 1, 2, 4];

function dealsPhases({ inputs: [x], attrs: { perm } }: NodeOf<'transpose'>): boolean {
  return sameShape(perm, PHASES_FIRST) && x.shape[3] === x.shape[5];
}

/** [s, s, N, C, H/s, W/s] by SpaceToDepth: 96 channels of 8×114² in 5 ms, where one Transpose of all axes takes 29. */
function phases({ w, float }: Scope, { inputs: [x] }: NodeOf<'transpose'>): string {
  const [n, c, height, s, width] = x.shape as readonly [number, number, number, number, number];
  const picture = w.op('Reshape', [float(x), w.ints([n, c, height * s, width * s])]);
  const deep = w.op('SpaceToDepth', [picture], { attrs: { blocksize: s } });
  const byPicture = w.op('Reshape', [deep, w.ints([n, s, s, c, height, width])]);
  return w.op('Transpose', [byPicture], { attrs: { perm: [1, 2, 0, 3, 4, 5] } });
}

/** Ops that move elements about. Sizes that change with the batch are left to ONNX to infer. */

import { fail } from '../../../diagnostics/index.js';
import { showShape } from '../../../ir/shape.js';
import type { Node, Value } from '../../../ir/types.js';
import { ElementType } from '../schema.js';
import type { EmitterTable, Scope } from './emitter.js';

type ShapeOp = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad' | 'oneHot' | 'stopGradient';

/** Bound of a slice that goes to the end. */
const END = 2 ** 31 - 1;

export const shapes: EmitterTable<ShapeOp> = {
  reshape(s, node) {
    const [from, to] = [node.inputs[0]!, node.outputs[0]!];
    const x = s.float(from);
    if (!s.varying(to).includes(true)) return [s.w.reshape(x, from.shape, to.shape)];
    return [s.w.op('Reshape', [x, s.w.ints(reshapeTarget(s, node))])];
  },

  stopGradient: (s, { inputs: [x] }) => [s.float(x!)],

  transpose: (s, { inputs: [x], attrs }) => [s.w.op('Transpose', [s.float(x!)], { attrs: { perm: attrs.perm } })],

  broadcast: (s, node) => [s.w.op('Expand', [s.float(node.inputs[0]!), s.w.ints(expandTarget(s, node))])],

  concat: (s, { inputs, attrs }) => [s.w.op('Concat', inputs.map(s.float), { attrs: { axis: attrs.axis } })],

  slice(s, node) {
    const { begin, size } = node.attrs;
    const x = node.inputs[0]!;
    const varying = s.varying(x);
    const axes = x.shape.flatMap((d, i) => (begin[i] === 0 && size[i] === d ? [] : [i]));
    if (axes.some(i => varying[i])) throw boundToBatch(node, 'cuts the batch at a fixed place');
    const ends = axes.map(i => (begin[i]! + size[i]! === x.shape[i] ? END : begin[i]! + size[i]!));
    return [s.w.op('Slice', [s.float(x), s.w.ints(axes.map(i => begin[i]!)), s.w.ints(ends), s.w.ints(axes)])];
  },

  pad: (s, { inputs: [x], attrs }) => [
    s.w.op('Pad', [s.float(x!), s.w.ints([...attrs.before, ...attrs.after]), s.w.scalar(attrs.value)]),
  ],

  /** As a comparison: ONNX's OneHot counts negative indices from the end. */
  oneHot(s, { inputs: [x], attrs: { axis, depth } }) {
    const places = Float32Array.from({ length: depth }, (_, i) => i);
    const shape = [depth, ...new Array<number>(x!.shape.length - axis).fill(1)];
    const widened = s.w.op('Unsqueeze', [s.float(x!), s.w.ints([axis])]);
    return [s.w.op('Equal', [widened, s.w.floats(places, shape)], { type: ElementType.BOOL })];
  },
};

function reshapeTarget(s: Scope, node: Node): readonly number[] {
  const [from, to] = [node.inputs[0]!, node.outputs[0]!];
  const varying = s.varying(to);
  if (varying.filter(v => v).length <= 1) return to.shape.map((d, i) => (varying[i] ? -1 : d));
  const before = s.varying(from);
  const target = to.shape.map((d, i) => (varying[i] ? (before[i] && from.shape[i] === d ? 0 : -1) : d));
  if (target.filter(d => d === -1).length > 1) throw boundToBatch(node, 'spreads the batch over several axes');
  return target;
}

/** A 1 leaves an axis as it comes. */
function expandTarget(s: Scope, node: Node): readonly number[] {
  const [from, to] = [node.inputs[0]!, node.outputs[0]!];
  const lead = to.shape.length - from.shape.length;
  const [before, after] = [s.varying(from), s.varying(to)];
  return to.shape.map((d, i) => {
    if (!after[i]) return d;
    if (!before[i - lead]) throw boundToBatch(node, 'repeats something for each entry of the batch');
    return 1;
  });
}

/** What stops a graph from taking batches of any size. */
export function boundToBatch(node: Node, why: string) {
  const shape = showShape((node.outputs[0] as Value).shape);
  return fail(
    'onnx-fixed-batch',
    `Layer "${node.label}" ${why} (its values are ${shape}), so the graph cannot take batches of any size.`,
    { layer: node.label, hint: 'Export it for one batch size.' },
  );
}

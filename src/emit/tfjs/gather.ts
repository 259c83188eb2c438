/**
 * Reading and adding up by index, with TensorFlow's ops: GatherV2 and ScatterNd, which go along the first or the last of
 * a matrix's axes. What an index out of range names is replaced by 0: they would fail on it, or read elsewhere.
 */

import { nth } from '../../diagnostics/index.js';
import { isConstant, type Samples } from '../../ir/passes/generalise.js';
import { isSharedIndex, sameShape } from '../../ir/shape.js';
import type { Node, NodeOf, Value } from '../../ir/types.js';
import type { Emit, Emitter } from './emitter.js';
import { attr } from './graph_def.js';

const toFloat = { SrcT: attr.type('DT_INT32'), DstT: attr.type('DT_FLOAT') };
const toInt = { SrcT: attr.type('DT_FLOAT'), DstT: attr.type('DT_INT32') };

/** The indices as whole numbers of 0 … size − 1, and which of them were so. */
function inRange(e: Emitter, index: Value, size: Samples, node: Node) {
  const given = e.operand(index, 'caffe');
  const before = size.map(d => d - 1);
  const last = isConstant(before) ? e.def.scalar(nth(before, 0)) : e.def.add('Cast', [e.size(before, node)], toFloat);
  const clipped = e.def.add('Minimum', [e.def.add('Maximum', [given, e.def.scalar(0)]), last]);
  const at = e.def.add('Cast', [clipped], toInt);
  const isMeant = e.def.add('Equal', [e.def.add('Cast', [at], toFloat), given]);
  return { at, isMeant };
}

/** Only where `mask` holds, else 0. */
function where(e: Emitter, mask: string, x: string): string {
  return e.def.add('SelectV2', [mask, x, e.def.scalar(0)]);
}

/** One index for every element of `v`. */
function expanded(e: Emitter, at: string, index: Value, v: Value, node: Node): string {
  if (sameShape(index.shape, v.shape)) return at;
  return e.def.add('BroadcastTo', [at, e.sizes(e.general.shape(v), node)]);
}

/** The order of axes with `axis` moved to the end or the start. */
function moved(rank: number, axis: number, to: 'end' | 'start'): readonly number[] {
  const others = Array.from({ length: rank }, (_, i) => i).filter(i => i !== axis);
  return to === 'end' ? [...others, axis] : [axis, ...others];
}

function transposed(e: Emitter, x: string, perm: readonly number[]): string {
  return perm.every((axis, i) => axis === i) ? x : e.def.add('Transpose', [x, e.def.ints(perm)]);
}

/** What was made with its axes in the order `perm`, of the value's own shape again. */
function restored(e: Emitter, made: string, value: Value, perm: readonly number[], node: Node): string {
  const sizes = e.general.shape(value);
  const shaped = e.def.add('Reshape', [
    made,
    e.sizes(
      perm.map(axis => nth(sizes, axis)),
      node,
    ),
  ]);
  return transposed(
    e,
    shaped,
    perm.map((_, i) => perm.indexOf(i)),
  );
}

/** [places, along the axis]. */
function asRows(e: Emitter, x: string, perm: readonly number[], along: Samples, node: Node): string {
  return e.def.add('Reshape', [transposed(e, x, perm), e.sizes([[-1], along], node)]);
}

export const gather: Emit<'gather'> = (e, node) => {
  const [x, index] = node.inputs;
  const y = node.outputs[0];
  const { axis } = node.attrs;
  const size = e.general.axis(x, axis);
  const { at, isMeant } = inRange(e, index, size, node);
  const from = e.operand(x, 'caffe');
  const read = (indices: string, along: number, batch: number, data: string) =>
    e.def.add('GatherV2', [data, indices, e.axis(along)], { batch_dims: attr.int(batch) });
  if (isSharedIndex(index.shape, axis)) {
    const flat = e.def.add('Reshape', [at, e.def.ints([-1])]);
    e.hold(y, where(e, isMeant, read(flat, axis, 0, from)), 'caffe');
    return;
  }
  const perm = moved(x.shape.length, axis, 'end');
  const indices = asRows(e, expanded(e, at, index, y, node), perm, e.general.axis(y, axis), node);
  const made = read(indices, 1, 1, asRows(e, from, perm, size, node));
  e.hold(y, where(e, isMeant, restored(e, made, y, perm, node)), 'caffe');
};

export const scatterAdd: Emit<'scatterAdd'> = (e, node) => {
  const [x, index] = node.inputs;
  const y = node.outputs[0];
  const { axis } = node.attrs;
  const { at, isMeant } = inRange(e, index, e.general.axis(y, axis), node);
  const updates = where(e, isMeant, e.operand(x, 'caffe'));
  const made = isSharedIndex(index.shape, axis) ? addRows(e, node, at, updates) : addElements(e, node, at, updates);
  e.hold(y, made, 'caffe');
};

function others(e: Emitter, value: Value, axis: number): Samples {
  const sizes = e.general.shape(value).filter((_, i) => i !== axis);
  return sizes.reduce(
    (a, b) => a.map((n, k) => n * b[k]!),
    e.general.axis(value, axis).map(() => 1),
  );
}

/** One index for whole rows. */
function addRows(e: Emitter, node: NodeOf<'scatterAdd'>, at: string, updates: string): string {
  const y = node.outputs[0];
  const { axis } = node.attrs;
  const perm = moved(y.shape.length, axis, 'start');
  const width = others(e, y, axis);
  const rows = e.def.add('Reshape', [transposed(e, updates, perm), e.sizes([[-1], width], node)]);
  const places = e.def.add('Reshape', [at, e.def.ints([-1, 1])]);
  const made = e.def.add('ScatterNd', [places, rows, e.sizes([e.general.axis(y, axis), width], node)]);
  return restored(e, made, y, perm, node);
}

/** An index for each element: counted through the whole array, row after row. */
function addElements(e: Emitter, node: NodeOf<'scatterAdd'>, at: string, updates: string): string {
  const [x, index] = node.inputs;
  const y = node.outputs[0];
  const { axis } = node.attrs;
  const perm = moved(y.shape.length, axis, 'end');
  const [along, size, rows] = [e.general.axis(x, axis), e.general.axis(y, axis), others(e, y, axis)];
  const total = e.sizes([rows.map((n, k) => n * size[k]!)], node);
  const number = (samples: Samples) =>
    e.def.add('Reshape', [e.size(samples, node), e.def.constant(new Int32Array(0), [0])]);
  const starts = e.def.add(
    'Range',
    [e.axis(0), e.def.add('Reshape', [total, e.def.constant(new Int32Array(0), [0])]), number(size)],
    { Tidx: attr.type('DT_INT32') },
  );
  const inRow = asRows(e, expanded(e, at, index, x, node), perm, along, node);
  const flat = e.def.add('AddV2', [inRow, e.def.add('Reshape', [starts, e.def.ints([-1, 1])])]);
  const places = e.def.add('Reshape', [flat, e.def.ints([-1, 1])]);
  const values = e.def.add('Reshape', [transposed(e, updates, perm), e.def.ints([-1])]);
  return restored(e, e.def.add('ScatterNd', [places, values, total]), y, perm, node);
}

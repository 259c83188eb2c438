/**
 * Reading and adding up by index. ONNX fails on an index out of range or counts it from the end; here it is brought into
 * range, and what it named is replaced by 0.
 */

import { dim, isSharedIndex, sameShape } from '../../../ir/shape.js';
import type { NodeOf, Value } from '../../../ir/types.js';
import { ElementType } from '../schema.js';
import type { EmitterTable, Scope } from './emitter.js';

type IndexNode = NodeOf<'gather'> | NodeOf<'scatterAdd'>;

/** Where sizes come from: the node itself, or a run (general.ts). */
export interface IndexSizes {
  /** The shape of a value as a list of 64-bit integers. */
  shape(v: Value): string;
  /** The last place of an axis of a value, as one number of `type`. */
  last(v: Value, axis: number, type: ElementType): string;
}

/** How indices are emitted: the types and ops that a device has. */
export interface IndexForm {
  readonly type: ElementType;
  readonly sizes: IndexSizes;
}

/** Sizes that the nodes themselves tell. */
export function fixedSizes({ w }: Scope): IndexSizes {
  return {
    shape: v => w.ints(v.shape),
    last: (v, axis, type) => {
      const last = dim(v.shape, axis) - 1;
      return type === ElementType.INT64 ? w.ints([last], []) : w.scalar(last);
    },
  };
}

/** The indices of `size` places as whole numbers in range, and which of them were so. */
function inRange(s: Scope, index: Value, last: string, { type }: IndexForm) {
  const { w } = s;
  const given = s.float(index);
  // Rounded to whole numbers first: so that NaN, too, comes into range.
  const clip = (x: string, zero: string, t: ElementType) => w.op('Clip', [x, zero, last], { type: t });
  const at =
    type === ElementType.INT64
      ? clip(w.cast(given, type), w.ints([0], []), type)
      : w.cast(clip(given, w.scalar(0), ElementType.FLOAT), type);
  const isMeant = w.op('Equal', [w.cast(at, ElementType.FLOAT), given], { type: ElementType.BOOL });
  return { at, isMeant };
}

/** One index for every element of `v`. */
function expanded(s: Scope, at: string, index: Value, v: Value, { type, sizes }: IndexForm): string {
  return sameShape(index.shape, v.shape) ? at : s.w.op('Expand', [at, sizes.shape(v)], { type });
}

export function emitGather(s: Scope, node: NodeOf<'gather'>, form: IndexForm): readonly string[] {
  const { w } = s;
  const { axis } = node.attrs;
  const [x, index] = node.inputs;
  const { at, isMeant } = inRange(s, index, form.sizes.last(x, axis, form.type), form);
  const read = isSharedIndex(index.shape, axis)
    ? w.op('Gather', [s.float(x), w.op('Reshape', [at, w.ints([-1])], { type: form.type })], { attrs: { axis } })
    : w.op('GatherElements', [s.float(x), expanded(s, at, index, node.outputs[0], form)], { attrs: { axis } });
  return [w.op('Where', [isMeant, read, w.scalar(0)])];
}

export function emitScatterAdd(s: Scope, node: NodeOf<'scatterAdd'>, form: IndexForm): readonly string[] {
  const { w } = s;
  const { axis } = node.attrs;
  const [x, index] = node.inputs;
  const y = node.outputs[0];
  const { at, isMeant } = inRange(s, index, form.sizes.last(y, axis, form.type), form);
  const updates = w.op('Where', [isMeant, s.float(x), w.scalar(0)]);
  const zeros = w.op('Expand', [w.scalar(0), form.sizes.shape(y)]);
  const indices = expanded(s, at, index, x, form);
  return [w.op('ScatterElements', [zeros, indices, updates], { attrs: { axis, reduction: 'add' } })];
}

function fixed(s: Scope, type: ElementType = ElementType.INT64): IndexForm {
  return { type, sizes: fixedSizes(s) };
}

export const gathering: EmitterTable<IndexNode['op']> = {
  gather: (s, node) => emitGather(s, node, fixed(s)),
  scatterAdd: (s, node) => emitScatterAdd(s, node, fixed(s)),
};

/** For WebGPU, whose kernels have no Cast to 64-bit integers. */
export const gatheringOnWebgpu: EmitterTable<IndexNode['op']> = {
  gather: (s, node) => emitGather(s, node, fixed(s, ElementType.INT32)),
  scatterAdd: (s, node) => emitScatterAdd(s, node, fixed(s, ElementType.INT32)),
};

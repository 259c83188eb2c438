/** IR → ONNX: `emitGraph` writes a list of nodes to a `GraphWriter`, for the engine as for files (general.ts). */

import { fail, need, nth } from '../../diagnostics/index.js';
import { sizeOf } from '../../ir/shape.js';
import type { Node, OpName, Value } from '../../ir/types.js';
import { type Emitter, emitterOf, fitsOnnx, type Scope } from './ops/index.js';
import { type Lowering, patternAt } from './patterns.js';
import { ElementType, encodeModel, type GraphProto } from './schema.js';
import type { GraphWriter } from './writer.js';

/** 18: ReduceMax takes its axes as it takes ReduceSum's. IR version 8 is the one that came with it. */
export const OPSET = 18;
export const IR_VERSION = 8;

/** protobuf's own limit for one file. */
export const GREATEST_FILE = 2 ** 31 - 1;

/** A graph as a file. */
export function writeModel(
  graph: GraphProto,
  {
    doc,
    version,
    domains = [],
  }: { readonly doc?: string; readonly version?: string; readonly domains?: readonly string[] } = {},
): Uint8Array {
  return encodeModel({
    ir_version: IR_VERSION,
    producer_name: 'mokapot',
    ...(version !== undefined && { producer_version: version }),
    ...(doc !== undefined && { doc_string: doc }),
    graph,
    opset_import: [{ domain: '', version: OPSET }, ...domains.map(domain => ({ domain, version: 1 }))],
  });
}

export interface GraphOptions {
  /** Values that have a name already: inputs, initializers. */
  readonly known: ReadonlyMap<Value, string>;
  readonly wanted: readonly Value[];
  /** Channels in a block of onnxruntime's own layout: only for its CPU kernels. Absent: ONNX's ops alone. */
  readonly block?: number | undefined;
  /** Whether the graph is for onnxruntime's CPU kernels; false. */
  readonly onCpu?: boolean;
  /**
   * Whether a factor and a sum by channel become one BatchNormalization. It is faster on a CPU, but where both are constants
   * onnxruntime folds product and sum into a convolution instead, and cuDNN wants an epsilon. False.
   */
  readonly isAffineOne?: boolean;
  /** Another emitter of a node; undefined: the usual one. */
  readonly instead?: (node: Node) => Emitter<OpName> | undefined;
}

/** Emits `nodes` (in their order) to `w`. Returns how to find a wanted value's name, as floats. */
export function emitGraph(w: GraphWriter, nodes: readonly Node[], options: GraphOptions): (v: Value) => string {
  const lowerings = planLowerings(nodes, options);
  const read = new Set([...lowerings.values()].flatMap(l => l.needs).concat(options.wanted));
  const names = new Map(options.known);
  const casts = new Map<string, string>();
  const any = (v: Value) => {
    const name = names.get(v);
    if (name === undefined) throw new Error(`ONNX: ${v.node.label}/${v.node.op} is read before it is emitted`);
    return name;
  };
  const as = (type: ElementType) => (v: Value) => {
    const name = w.inPlanes(any(v));
    if (w.typeOf(name) === type) return name;
    const key = `${type} ${name}`;
    if (!casts.has(key)) casts.set(key, w.cast(name, type));
    return need(casts, key);
  };
  const scope: Scope = {
    w,
    block: options.block,
    onCpu: options.onCpu ?? false,
    any,
    float: as(ElementType.FLOAT),
    bool: as(ElementType.BOOL),
    int: as(ElementType.INT64),
    isRead: v => read.has(v),
    isEmitted: v => names.has(v),
  };
  for (const node of nodes) {
    const lowering = lowerings.get(node);
    if (!lowering) continue;
    w.setLabel(node.label);
    lowering.emit(scope).forEach((name, i) => {
      names.set(nth(node.outputs, i), name);
    });
  }
  return scope.float;
}

/** How each node that is needed is emitted, a group of nodes by its last one. */
function planLowerings(
  nodes: readonly Node[],
  { known, wanted, instead, onCpu = false, isAffineOne = false }: GraphOptions,
): Map<Node, Lowering> {
  const readers = new Map<Value, number>();
  for (const node of nodes) for (const v of node.inputs) readers.set(v, (readers.get(v) ?? 0) + 1);
  for (const v of wanted) readers.set(v, Number.POSITIVE_INFINITY);
  const isPrivate = (v: Value) => readers.get(v) === 1 && !known.has(v);
  const inside = new Set(nodes);
  const isInside = (node: Node) => inside.has(node);
  const needed = new Set<Value>(wanted);
  const lowerings = new Map<Node, Lowering>();
  for (const node of [...nodes].reverse()) {
    if (node.outputs.every(v => !needed.has(v) || known.has(v))) continue;
    const lowering = patternAt(node, isPrivate, isInside, { onCpu, isAffineOne }) ?? plain(node, instead);
    for (const v of lowering.needs) needed.add(v);
    lowerings.set(node, lowering);
  }
  return lowerings;
}

function plain(node: Node, instead: GraphOptions['instead']): Lowering {
  const other = instead?.(node);
  if (other) return { needs: node.inputs, emit: s => other(s, node as never) };
  if (node.op === 'constant') return { needs: [], emit: s => [s.w.floats(node.attrs.data, node.attrs.shape)] };
  const emit = emitterOf(node);
  return { needs: node.inputs, emit: s => emit(s, node as never) };
}

/** Ops that only host code can do, and geometries that ONNX does not support. */
export function isSupported(node: Node): boolean {
  switch (node.op) {
    case 'hostCall':
      return node.attrs.onnx !== undefined;
    case 'input':
    case 'variable':
    case 'constant':
      return true;
    default:
      return [...node.inputs, ...node.outputs].every(v => sizeOf(v.shape) > 0) && fitsOnnx(node);
  }
}

export function unsupported(node: Node) {
  const what =
    node.op === 'hostCall'
      ? `runs user code (${node.attrs.name})`
      : `needs ${node.op} on ${[...node.inputs, ...node.outputs].map(v => `[${v.shape}]`).join(', ')}`;
  return fail('onnx-unsayable', `Layer "${node.label}" ${what}, for which ONNX has no op.`, {
    layer: node.label,
    hint: 'Make a model of what comes before it (--output with the blobs it reads), or leave the layer out.',
  });
}

export function tooLarge(bytes: number) {
  return fail(
    'onnx-too-large',
    `The parameters take ${Math.ceil(bytes / 2 ** 20)} MB, and an ONNX file holds 2 GiB at most.`,
    {
      hint: 'Export the net in parts.',
    },
  );
}

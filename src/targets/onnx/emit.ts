/**
 * IR → ONNX. `emitOnnx` makes a whole model file of a graph: what `convert --to onnx` writes. `emitGraph` is the part that
 * the engine shares: it says a list of nodes in a `GraphWriter`.
 */

import { fail } from '../../diagnostics/index.js';
import { pruneDead } from '../../ir/passes/dead_code.js';
import { sameShape, sizeOf } from '../../ir/shape.js';
import type { Graph, Node, OpName, Value } from '../../ir/types.js';
import { type Emitter, emitterOf, fitsOnnx, type Scope } from './ops/index.js';
import { type Lowering, patternAt } from './patterns.js';
import { ElementType, encodeModel, type GraphProto } from './schema.js';
import { type Dims, GraphWriter } from './writer.js';

/** 18: ReduceMax takes its axes as it takes ReduceSum's. IR version 8 is the one that came with it. */
export const OPSET = 18;
export const IR_VERSION = 8;

export interface EmitOptions {
  /** The model's name, for people. */
  readonly name?: string;
  /** A text that goes into the file: where it comes from. */
  readonly doc?: string;
  /** Version of the program that writes it. */
  readonly version?: string;
  /**
   * Numbers of a variable (a parameter, by its key), in the IR's layout: they become initializers. A variable for which
   * it gives undefined becomes an input of the model.
   */
  readonly weights: (variable: string) => Float32Array | undefined;
  /** Which of the graph's outputs to keep. Default: all. */
  readonly outputs?: readonly string[];
  /**
   * The same net lowered for another batch size. Given, the model takes batches of any size: axes whose size differs
   * between the two graphs are called `batch`.
   */
  readonly otherBatch?: Graph;
}

/** protobuf's own limit for one file. */
export const GREATEST_FILE = 2 ** 31 - 1;

/**
 * The graph as an ONNX file (opset 18), its inputs and outputs under their names. `graph` is what `lowerNet` gives, not
 * fused:
 *
 *     const { graph } = lowerNet(net, { updates: false });
 *     const bytes = emitOnnx(graph, { name: net.name, weights: key => net.store.get(key).values });
 *
 * With `otherBatch: lowerNet(netForAnotherBatch, …).graph` the batch size stays open.
 *
 * @throws MokapotError `onnx-unsayable` (a Python layer, an op that ONNX lacks), `onnx-fixed-batch`, `onnx-too-large`
 */
export function emitOnnx(graph: Graph, options: EmitOptions): Uint8Array {
  const kept = options.outputs ?? [...graph.outputs.keys()];
  const wanted = kept.map(name => [name, outputOf(graph, name)] as const);
  const nodes = pruneDead(
    graph.nodes,
    wanted.map(([, v]) => v),
  );
  const unsayable = nodes.find(n => !canSay(n));
  if (unsayable) throw cannotSay(unsayable);
  const w = new GraphWriter();
  for (const [name] of wanted) w.reserve(name);
  for (const node of nodes) if (node.op === 'input') w.reserve(node.attrs.name);
  const values = new Map<Value, string>();
  const varying = varyingAxes(graph, options.otherBatch);
  const dims = (v: Value): Dims => v.shape.map((d, i) => (varying(v)[i] ? 'batch' : d));
  let bytes = 0;
  for (const node of nodes) {
    if (node.op !== 'input' && node.op !== 'variable') continue;
    const value = node.outputs[0]!;
    const { name } = node.attrs;
    const data = node.op === 'variable' ? options.weights(name) : undefined;
    if (data) {
      values.set(value, w.floats(data, node.attrs.shape, name));
      bytes += data.byteLength;
    } else {
      if (node.op === 'variable') w.reserve(name);
      w.addInput(name, dims(value));
      values.set(value, name);
    }
  }
  if (bytes > GREATEST_FILE - 2 ** 20) throw tooLarge(bytes);
  const names = emitGraph(w, nodes, { known: values, wanted: wanted.map(([, v]) => v), varying });
  for (const [name, value] of wanted) w.addOutput(name, names(value), dims(value));
  return writeModel(w.finish(options.name || 'net'), options);
}

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
  readonly varying?: (v: Value) => readonly boolean[];
  /** Another way to say a node; undefined: the usual one. */
  readonly instead?: (node: Node) => Emitter<OpName> | undefined;
}

/** Says `nodes` (in their order) in `w`. Returns how to find a wanted value's name, as floats. */
export function emitGraph(w: GraphWriter, nodes: readonly Node[], options: GraphOptions): (v: Value) => string {
  const lowerings = planLowerings(nodes, options);
  const read = new Set([...lowerings.values()].flatMap(l => l.needs).concat(options.wanted));
  const names = new Map(options.known);
  const casts = new Map<string, string>();
  const any = (v: Value) => {
    const name = names.get(v);
    if (name === undefined) throw new Error(`ONNX: ${v.node.label}/${v.node.op} is read before it is said`);
    return name;
  };
  const as = (type: ElementType) => (v: Value) => {
    const name = w.inPlanes(any(v));
    if (w.typeOf(name) === type) return name;
    const key = `${type} ${name}`;
    if (!casts.has(key)) casts.set(key, w.cast(name, type));
    return casts.get(key)!;
  };
  const none: readonly boolean[] = [];
  const scope: Scope = {
    w,
    any,
    float: as(ElementType.FLOAT),
    bool: as(ElementType.BOOL),
    int: as(ElementType.INT64),
    varying: options.varying ?? (() => none),
    isRead: v => read.has(v),
    isSaid: v => names.has(v),
  };
  for (const node of nodes) {
    const lowering = lowerings.get(node);
    if (!lowering) continue;
    w.setLabel(node.label);
    lowering.emit(scope).forEach((name, i) => {
      names.set(node.outputs[i]!, name);
    });
  }
  return scope.float;
}

/** How each node that is needed is said, a group of nodes by its last one. */
function planLowerings(nodes: readonly Node[], { known, wanted, instead }: GraphOptions): Map<Node, Lowering> {
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
    const lowering = patternAt(node, isPrivate, isInside) ?? plain(node, instead);
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

/** Ops that only host code can do, and odd geometries that ONNX has no words for. */
export function canSay(node: Node): boolean {
  switch (node.op) {
    case 'hostCall':
      return false;
    case 'input':
    case 'variable':
    case 'constant':
      return true;
    default:
      return [...node.inputs, ...node.outputs].every(v => sizeOf(v.shape) > 0) && fitsOnnx(node);
  }
}

function outputOf(graph: Graph, name: string): Value {
  const value = graph.outputs.get(name);
  if (!value) throw fail('unknown-output', `The graph has no output ${JSON.stringify(name)}.`);
  return value;
}

/** By comparison with the same graph for another batch: which axes are the batch's. */
function varyingAxes(graph: Graph, other: Graph | undefined): (v: Value) => readonly boolean[] {
  if (!other) return v => v.shape.map(() => false);
  const twins = new Map<Value, Value>();
  const same = graph.nodes.length === other.nodes.length && graph.nodes.every((n, i) => n.op === other.nodes[i]!.op);
  if (!same) throw fixedBatch('the net is built otherwise for another batch size', undefined);
  graph.nodes.forEach((node, i) => {
    const twin = other.nodes[i]!;
    node.outputs.forEach((v, k) => {
      twins.set(v, twin.outputs[k]!);
    });
    if (node.op !== 'constant' || twin.op !== 'constant') return;
    const equal =
      sameShape(node.attrs.shape, twin.attrs.shape) &&
      node.attrs.data.every((x, k) => Object.is(x, twin.attrs.data[k]));
    if (!equal) throw fixedBatch('a number in it depends on the batch size', node.label);
  });
  return v => v.shape.map((d, i) => d !== twins.get(v)!.shape[i]);
}

function fixedBatch(why: string, layer: string | undefined) {
  return fail(
    'onnx-fixed-batch',
    `${layer ? `Layer "${layer}"` : 'The net'} cannot take batches of any size: ${why}.`,
    {
      ...(layer !== undefined && { layer }),
      hint: 'Export it for one batch size.',
    },
  );
}

export function cannotSay(node: Node) {
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

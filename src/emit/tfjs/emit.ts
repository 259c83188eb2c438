/** A graph as a GraphDef that TensorFlow.js's graph executor runs. */

import type { GeneralGraph } from '../../ir/passes/generalise.js';
import { isConstant } from '../../ir/passes/generalise.js';
import type { Node, OpName, Shape, Value } from '../../ir/types.js';
import type { Parameters } from '../constants.js';
import { emitElementwise, isElementwiseOp } from './elementwise.js';
import { cannotExport, type Emit, Emitter, type Layout, orderedIn } from './emitter.js';
import { gather, scatterAdd } from './gather.js';
import { attr, type NodeDef, type Weight } from './graph_def.js';
import { conv2d, convInputGrad, matMul } from './linear.js';
import {
  argMax,
  broadcast,
  concat,
  constant,
  oneHot,
  pad,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  transpose,
  windowSum,
} from './move.js';
import { avePool, maxPool } from './pool.js';

/** What the model takes or gives under a blob's name; −1 is a size that each run may choose. */
export interface Endpoint {
  readonly blob: string;
  /** The node of the GraphDef. */
  readonly node: string;
  readonly shape: Shape;
}

export interface TfjsGraph {
  readonly inputs: readonly Endpoint[];
  readonly outputs: readonly Endpoint[];
  readonly nodes: readonly NodeDef[];
  readonly weights: readonly Weight[];
}

export interface EmitOptions {
  /** Order of axes of inputs and outputs that have four. Default `NCHW`, Caffe's own. */
  readonly layout?: 'NCHW' | 'NHWC';
}

const emitters: Partial<{ readonly [K in OpName]: Emit<K> }> = {
  constant,
  reshape,
  stopGradient,
  transpose,
  broadcast,
  concat,
  slice,
  pad,
  oneHot,
  gather,
  scatterAdd,
  reduceSum,
  reduceMax,
  argMax,
  windowSum,
  matMul,
  conv2d,
  convInputGrad,
  maxPool,
  avePool,
};

/**
 * @throws MokapotError `cannot-export` where an op has no equal in TensorFlow.js
 * @throws NotGeneral where a size varies in a way that the graph cannot express; a graph of one size never does
 */
export function emitTfjsGraph(general: GeneralGraph, parameters: Parameters, { layout }: EmitOptions = {}): TfjsGraph {
  const e = new Emitter(general, parameters);
  const borders: Layout = layout === 'NHWC' ? 'image' : 'caffe';
  const inputs: Endpoint[] = [];
  for (const node of general.graph.nodes) {
    if (e.isDone(node)) continue;
    e.def.scope = node.label;
    if (node.op === 'input') emitInput(e, node, borders, inputs);
    else if (isElementwiseOp(node)) emitElementwise(e, node);
    else emitOther(e, node);
  }
  const outputs = [...general.graph.outputs].map(([blob, value]): Endpoint => {
    const own = value.shape.length === 4 ? borders : 'caffe';
    const node = e.def.named(blob, 'Identity', [e.operand(value, own)]);
    return { blob, node, shape: openShape(general, value, own) };
  });
  return { inputs, outputs, ...e.def.needed(outputs.map(o => o.node)) };
}

function emitInput(e: Emitter, node: Node & { op: 'input' }, borders: Layout, inputs: Endpoint[]): void {
  const value = node.outputs[0];
  const { name: blob, unfed } = node.attrs;
  if (unfed !== undefined) {
    const sizes = e.sizes(e.general.shape(value), node);
    e.hold(value, e.def.add('Fill', [sizes, e.def.scalar(unfed)]), 'caffe');
    return;
  }
  const own = value.shape.length === 4 ? borders : 'caffe';
  const shape = openShape(e.general, value, own);
  const name = e.def.named(blob, 'Placeholder', [], { dtype: attr.type('DT_FLOAT'), shape: attr.shape(shape) });
  e.hold(value, name, own);
  inputs.push({ blob, node: name, shape });
}

function emitOther(e: Emitter, node: Node): void {
  const emit = emitters[node.op] as Emit<OpName> | undefined;
  if (emit) emit(e, node as never);
  else if (node.op === 'hostCall')
    throw cannotExport(
      node.label,
      'it is computed by code of its own, not by a graph',
      'Make a model of what comes before it: --output with the blobs it reads.',
    );
  else throw cannotExport(node.label, `TensorFlow.js has nothing for "${node.op}"`);
}

function openShape(general: GeneralGraph, value: Value, layout: Layout): Shape {
  return orderedIn(
    layout,
    general.shape(value).map(samples => (isConstant(samples) ? samples[0]! : -1)),
  );
}

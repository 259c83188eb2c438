/**
 * One kernel per primitive, in plain TypeScript on arrays: the reference, and what other targets run for the ops their
 * library lacks or does slower. A kernel fills its outputs whole; their former contents do not matter.
 */

import type { Node, NodeOf, OpName } from '../ir/types.js';
import type { Inputs, Outputs } from './arrays.js';
import { gather, scatterAdd } from './gather.js';
import { conv2d, convFilterGrad, convInputGrad, matMul } from './linear.js';
import { compileLoop, expressionOf, type Loop } from './loops.js';
import { concat, oneHot, pad, slice, transpose } from './move.js';
import { avePool, avePoolGrad, maxPool, maxPoolGrad } from './pool.js';
import { argMax, reduceMax, reduceSum, windowSum } from './reduce.js';

export type Kernel = (inputs: readonly Float32Array[], outputs: readonly Float32Array[]) => void;

/** Ops an executor handles itself: leaves, aliases, user code. */
export type ExecutorOp = 'input' | 'variable' | 'constant' | 'reshape' | 'stopGradient' | 'hostCall';

type NodeKernel<K extends OpName> = (node: NodeOf<K>, inputs: Inputs<K>, outputs: Outputs<K>) => void;

type Moving = Exclude<OpName, ExecutorOp | 'fused' | 'broadcast' | import('../ir/types.js').ElementwiseOp>;

const kernels: { readonly [K in Moving]: NodeKernel<K> } = {
  reduceSum,
  reduceMax,
  argMax,
  windowSum,
  transpose,
  concat,
  slice,
  pad,
  oneHot,
  gather,
  scatterAdd,
  matMul,
  conv2d,
  convInputGrad,
  convFilterGrad,
  maxPool,
  maxPoolGrad,
  avePool,
  avePoolGrad,
};

/** The kernel of a node. */
export function hostKernel(node: Node): Kernel {
  if (node.op in kernels) {
    const kernel = kernels[node.op as Moving] as unknown as NodeKernel<OpName>;
    return (inputs, outputs) => kernel(node as never, inputs as never, outputs as never);
  }
  return elementwiseKernel(node);
}

function elementwiseKernel(node: Node): Loop {
  const shapes = node.inputs.map(v => v.shape);
  if (node.op === 'broadcast') return compileLoop({ steps: [], results: [0], shape: node.attrs.shape }, shapes);
  return compileLoop(expressionOf(node), shapes);
}

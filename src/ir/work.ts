/** How much work a graph is, by its shapes alone: arithmetic operations and bytes moved. The same on every machine. */

import { dim, sizeOf } from './shape.js';
import type { Node } from './types.js';

export interface Work {
  /** Floating-point operations of the products (a multiply and an add are two); one a number for every other op. */
  readonly operations: number;
  /** Bytes read and written, were each input and output moved once. */
  readonly bytes: number;
}

export function workOf(nodes: Iterable<Node>): Work {
  let [operations, bytes] = [0, 0];
  for (const node of nodes) {
    if (MOVES_NOTHING.has(node.op)) continue;
    operations += operationsOf(node);
    for (const v of [...node.inputs, ...node.outputs]) bytes += 4 * sizeOf(v.shape);
  }
  return { operations, bytes };
}

const MOVES_NOTHING: ReadonlySet<string> = new Set(['input', 'variable', 'constant', 'reshape', 'stopGradient']);

function operationsOf(node: Node): number {
  switch (node.op) {
    case 'matMul': {
      const [a] = node.inputs;
      return 2 * sizeOf(node.outputs[0].shape) * dim(a.shape, node.attrs.transposeA ? -2 : -1);
    }
    case 'conv2d': {
      const [, w] = node.inputs;
      return (2 * sizeOf(node.outputs[0].shape) * sizeOf(w.shape)) / dim(w.shape, 0);
    }
    case 'convInputGrad': {
      const [dy, w] = node.inputs;
      return (2 * sizeOf(dy.shape) * sizeOf(w.shape)) / dim(w.shape, 0);
    }
    case 'convFilterGrad': {
      const [, dy] = node.inputs;
      const filter = node.outputs[0].shape;
      return (2 * sizeOf(dy.shape) * sizeOf(filter)) / dim(filter, 0);
    }
    default:
      return node.outputs.reduce((n, v) => n + sizeOf(v.shape), 0);
  }
}

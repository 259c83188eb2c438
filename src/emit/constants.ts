/** What of a graph is known before it runs, parameters once they stay as they are: computed now, by the host's kernels. */

import { need, nth } from '../diagnostics/index.js';
import type { GeneralGraph } from '../ir/passes/generalise.js';
import { sameConstant } from '../ir/passes/generalise.js';
import { sizeOf } from '../ir/shape.js';
import type { Graph, Node, Shape, Value } from '../ir/types.js';
import { hostKernel } from '../kernels/index.js';

export interface KnownArray {
  readonly shape: Shape;
  readonly data: Float32Array;
  /** Made of parameters. */
  readonly isParameter: boolean;
}

/** Parameters by the name of their variable. */
export type Parameters = (variable: string) => Float32Array;

/**
 * The values of a graph that do not depend on its inputs. Nothing that is made larger by it is kept, so that a constant
 * stretched over a picture is still stretched at run time.
 */
export function knownValues(general: GeneralGraph, parameters: Parameters): ReadonlyMap<Value, KnownArray> {
  const known = new Map<Value, KnownArray>();
  const readers = readersOf(general.graph);
  for (const node of general.graph.nodes) {
    const value = node.outputs[0];
    switch (node.op) {
      case 'variable':
        known.set(value, { shape: node.attrs.shape, data: parameters(node.attrs.name), isParameter: true });
        break;
      case 'constant':
        if (sameConstant(general, node)) known.set(value, { ...node.attrs, isParameter: false });
        break;
      default:
        if (canFold(general, node, known)) fold(node, known);
    }
  }
  return new Map([...known].filter(([value]) => readers.has(value)));
}

function readersOf({ nodes, outputs }: Graph): ReadonlySet<Value> {
  return new Set([...nodes.flatMap(n => n.inputs), ...outputs.values()]);
}

function canFold(general: GeneralGraph, node: Node, known: ReadonlyMap<Value, KnownArray>): boolean {
  if (node.op === 'hostCall' || node.op === 'broadcast' || node.inputs.length === 0) return false;
  return node.inputs.every(x => known.has(x)) && node.outputs.every(y => general.isFixed(y));
}

function fold(node: Node, known: Map<Value, KnownArray>): void {
  const inputs = node.inputs.map(x => need(known, x));
  const isParameter = inputs.some(x => x.isParameter);
  const alias = node.op === 'reshape' || node.op === 'stopGradient';
  const arrays = alias ? [nth(inputs, 0).data] : node.outputs.map(y => new Float32Array(sizeOf(y.shape)));
  if (!alias) {
    hostKernel(node)(
      inputs.map(x => x.data),
      arrays,
    );
  }
  node.outputs.forEach((y, k) => {
    known.set(y, { shape: y.shape, data: arrays[k]!, isParameter });
  });
}

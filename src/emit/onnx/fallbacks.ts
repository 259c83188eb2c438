/** What of a graph runs on the host when the engine is onnx: told before anything is run. */

import type { Graph } from '../../ir/types.js';
import { isSupported } from './emit.js';

export interface HostNode {
  /** The layer, with `'` behind it for its gradient. */
  readonly layer: string;
  /** The IR's op; `hostCall` is code of the layer's own. */
  readonly op: string;
}

/** Nodes between which the onnx engine has to leave its session, each kind once a layer. */
export function nodesOnHost(graph: Graph): readonly HostNode[] {
  const found = new Map<string, HostNode>();
  for (const node of graph.nodes)
    if (!isSupported(node)) found.set(`${node.label} ${node.op}`, { layer: node.label, op: node.op });
  return [...found.values()];
}

/** Dead code: what nothing asks for is not computed. */

import type { Node, Value } from '../types.js';

/** The nodes, in their order, that the wanted values or a side effect need. */
export function pruneDead(nodes: readonly Node[], wanted: readonly Value[]): readonly Node[] {
  const live = new Set<Node>();
  const stack = wanted.map(v => v.node);
  for (const node of nodes) if (node.op === 'hostCall' && node.attrs.sideEffects) stack.push(node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (live.has(node)) continue;
    live.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return nodes.filter(node => live.has(node));
}

/** A solver's updates within a graph: the elementwise nodes at its end that lead to nothing but assignments. */

import type { Node, Value } from '../types.js';
import { isElementwise } from './fuse.js';

/** `kept` are values that are wanted for themselves, `assigned` those that variables take. */
export function elementwiseTail(
  nodes: readonly Node[],
  kept: ReadonlySet<Value>,
  assigned: ReadonlySet<Value>,
): ReadonlySet<Node> {
  const readers = new Map<Value, Node[]>();
  for (const node of nodes)
    for (const v of node.inputs) {
      const list = readers.get(v);
      if (list) list.push(node);
      else readers.set(v, [node]);
    }
  const tail = new Set<Node>();
  const leads = (v: Value) => {
    const users = readers.get(v) ?? [];
    return !kept.has(v) && (users.length > 0 || assigned.has(v)) && users.every(n => tail.has(n));
  };
  for (const node of [...nodes].reverse())
    if ((isElementwise(node) || node.op === 'fused') && node.outputs.every(leads)) tail.add(node);
  return tail;
}

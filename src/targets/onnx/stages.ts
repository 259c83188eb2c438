/**
 * Cuts a graph into stages that run one after the other: what ONNX says, in as few sessions as can be, and between them
 * what only the host does, user code and the odd node that ONNX has no words for.
 */

import type { Node, Value } from '../../ir/types.js';
import { canSay } from './emit.js';

export interface Stage {
  readonly kind: 'onnx' | 'host';
  /** In the graph's order; constants and aliases that they read among them. */
  readonly nodes: readonly Node[];
  /** What it reads that is made elsewhere, aliases aside. */
  readonly inputs: readonly Value[];
  /** What of it is read elsewhere, aliases aside. */
  readonly outputs: readonly Value[];
}

function isLeaf(node: Node): boolean {
  return node.op === 'input' || node.op === 'variable' || node.op === 'constant';
}

function isAlias(node: Node): boolean {
  return node.op === 'reshape' || node.op === 'stopGradient';
}

/** The value itself, where it is another's under a new shape. */
export function rootOf(v: Value): Value {
  let value = v;
  while (isAlias(value.node)) value = value.node.inputs[0]!;
  return value;
}

/** Even stages are ONNX's, odd ones the host's; a node's is the first that all it reads comes before. */
export function cutIntoStages(nodes: readonly Node[], wanted: readonly Value[]): readonly Stage[] {
  const place = new Map<Node, number>();
  for (const node of nodes) {
    if (isLeaf(node) || isAlias(node)) continue;
    const odd = canSay(node) ? 0 : 1;
    const last = Math.max(0, ...node.inputs.map(v => place.get(rootOf(v).node) ?? 0));
    place.set(node, last % 2 === odd ? last : last + 1);
  }
  const count = 1 + Math.max(-1, ...place.values());
  const members = Array.from({ length: count }, (_, i) => nodes.filter(n => place.get(n) === i));
  return members.flatMap((own, i) => {
    if (own.length === 0) return [];
    const readLater = members.slice(i + 1).flatMap(later => later.flatMap(n => n.inputs));
    return [stageOf(nodes, own, i % 2 === 0 ? 'onnx' : 'host', new Set([...readLater, ...wanted].map(rootOf)))];
  });
}

function stageOf(
  all: readonly Node[],
  own: readonly Node[],
  kind: Stage['kind'],
  readLater: ReadonlySet<Value>,
): Stage {
  const inside = new Set(own);
  const brought = new Set<Node>();
  for (const v of own.flatMap(n => n.inputs)) {
    let { node } = v;
    for (; isAlias(node); node = node.inputs[0]!.node) brought.add(node);
    if (node.op === 'constant') brought.add(node);
  }
  const roots = new Set(own.flatMap(n => n.inputs).map(rootOf));
  return {
    kind,
    nodes: all.filter(n => inside.has(n) || brought.has(n)),
    inputs: [...roots].filter(v => !inside.has(v.node) && v.node.op !== 'constant'),
    outputs: own.flatMap(n => n.outputs).filter(v => readLater.has(v)),
  };
}

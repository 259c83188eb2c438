/**
 * Partitions a graph into subgraphs that run one after the other: what ONNX supports, in as few sessions as possible, and
 * between them what only the host computes: user code and the few nodes that ONNX has no ops for.
 */

import { nth } from '../../diagnostics/index.js';
import { isSupported } from '../../emit/onnx/emit.js';
import type { Node, Value } from '../../ir/types.js';

export interface Subgraph {
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
  while (isAlias(value.node)) value = nth(value.node.inputs, 0);
  return value;
}

/**
 * Even subgraphs are the host's, odd ones ONNX's; a node goes into the first one that comes after all it reads. So user code
 * that reads what is fed runs before the first session and cuts none.
 * @param apart nodes that are done between sessions too, and what they read
 */
export function partition(
  nodes: readonly Node[],
  wanted: readonly Value[],
  apart: ReadonlyMap<Node, readonly Value[]> = new Map(),
): readonly Subgraph[] {
  const inputsOf = (node: Node) => apart.get(node) ?? node.inputs;
  const place = new Map<Node, number>();
  for (const node of nodes) {
    if (isLeaf(node) || isAlias(node)) continue;
    const parity = isSupported(node) && !apart.has(node) ? 1 : 0;
    const last = Math.max(0, ...inputsOf(node).map(v => place.get(rootOf(v).node) ?? 0));
    place.set(node, last % 2 === parity ? last : last + 1);
  }
  const count = 1 + Math.max(-1, ...place.values());
  const members = Array.from({ length: count }, (_, i) => nodes.filter(n => place.get(n) === i));
  return members.flatMap((own, i) => {
    if (own.length === 0) return [];
    const readLater = members.slice(i + 1).flatMap(later => later.flatMap(inputsOf));
    const readBehind = new Set([...readLater, ...wanted].map(rootOf));
    return [subgraphOf(nodes, own, i % 2 === 1 ? 'onnx' : 'host', readBehind, inputsOf)];
  });
}

function subgraphOf(
  all: readonly Node[],
  own: readonly Node[],
  kind: Subgraph['kind'],
  readLater: ReadonlySet<Value>,
  inputsOf: (node: Node) => readonly Value[],
): Subgraph {
  const inside = new Set(own);
  const brought = new Set<Node>();
  for (const v of own.flatMap(inputsOf)) {
    let { node } = v;
    for (; isAlias(node); node = nth(node.inputs, 0).node) brought.add(node);
    if (node.op === 'constant') brought.add(node);
  }
  const roots = new Set(own.flatMap(inputsOf).map(rootOf));
  return {
    kind,
    nodes: all.filter(n => inside.has(n) || brought.has(n)),
    inputs: [...roots].filter(v => !inside.has(v.node) && v.node.op !== 'constant'),
    outputs: own.flatMap(n => n.outputs).filter(v => readLater.has(v)),
  };
}

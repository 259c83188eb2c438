/**
 * Recomputation: what the backward pass reads of the forward pass is computed there once more instead of being kept, where
 * memory is short (Chen et al., "Training deep nets with sublinear memory cost", 2016). Chance is an input and user code is
 * never called twice, so that the numbers are the same to the bit.
 */

import { need } from '../../diagnostics/index.js';
import type { Graph, Node, OpName, Value } from '../types.js';

/** Ops whose results are worth their memory: with these kept, what lies between is soon made again. */
const EXPENSIVE: ReadonlySet<OpName> = new Set<OpName>(['conv2d', 'convInputGrad', 'matMul']);

/** Never done twice: leaves, and user code. */
const KEPT: ReadonlySet<OpName> = new Set<OpName>(['input', 'variable', 'constant', 'hostCall']);

const isBackward = (node: Node) => node.label.endsWith("'");

/** What an engine makes of a graph, with the bytes that it takes at its worst moment. */
export interface Planned {
  readonly peakBytes: number;
}

/**
 * The plan of a graph that does the same within `room` bytes: of those that keep every expensive value, every second, every
 * third and so on, the first that fits; if none does, the one that takes the least, which may be the graph itself.
 */
export function planWithin<P extends Planned>(
  graph: Graph,
  room: number,
  planOf: (graph: Graph) => P,
): { readonly graph: Graph; readonly plan: P } {
  let best = { graph, plan: planOf(graph) };
  const expensive = expensiveValues(graph.nodes);
  for (
    let every = 1;
    best.plan.peakBytes > room && every <= Math.max(1, expensive.length);
    every = Math.ceil(every * 1.3 + 0.5)
  ) {
    const kept = new Set(expensive.filter((_, i) => i % every === 0));
    const lighter = recompute(graph, kept);
    const plan = planOf(lighter);
    if (plan.peakBytes < best.plan.peakBytes) best = { graph: lighter, plan };
  }
  return best;
}

function expensiveValues(nodes: readonly Node[]): readonly Value[] {
  return nodes.filter(n => !isBackward(n) && EXPENSIVE.has(n.op)).map(n => n.outputs[0]);
}

/** The graph with backward nodes reading values of the forward pass that are recomputed from those of `kept`. */
export function recompute(graph: Graph, kept: ReadonlySet<Value>): Graph {
  const position = new Map(graph.nodes.map((n, i) => [n, i]));
  const wanted = new Set([...graph.outputs.values(), ...graph.assignments.map(a => a.value)]);
  const ids = new Ids(graph.nodes);
  /** Of values of the forward pass, what the backward pass reads instead. */
  const again = new Map<Value, Value>();
  /** Of values of the backward pass and behind it, what became of them. */
  const now = new Map<Value, Value>();
  const compared = comparedForEquality(graph.nodes);
  const isThere = (v: Value) =>
    kept.has(v) ||
    compared.has(v) ||
    wanted.has(v) ||
    again.has(v) ||
    now.has(v) ||
    isBackward(v.node) ||
    KEPT.has(v.node.op);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (isBackward(node))
      for (const lacking of lackingFor(node, isThere, position))
        nodes.push(copied(lacking, v => again.get(v) ?? v, again, ids));
    const read = (v: Value) => now.get(v) ?? (isBackward(node) ? again.get(v) : undefined) ?? v;
    const changes = node.inputs.some(v => read(v) !== v);
    nodes.push(changes ? copied(node, read, now, ids) : node);
  }
  const last = (v: Value) => now.get(v) ?? v;
  return {
    ...graph,
    nodes,
    outputs: new Map([...graph.outputs].map(([name, v]) => [name, last(v)])),
    assignments: graph.assignments.map(a => ({ ...a, value: last(a.value) })),
  };
}

/**
 * What is looked for as equal to something (a maximum, in the gradient of reduceMax) must be the very numbers of the forward
 * pass: made again within a fused loop they may differ in the last bit, and then nothing would be found.
 */
function comparedForEquality(nodes: readonly Node[]): ReadonlySet<Value> {
  return new Set(nodes.flatMap(n => (n.op === 'equal' ? n.inputs.filter(v => !isBackward(v.node)) : [])));
}

/** The nodes that must be done again before `node`, in order. */
function lackingFor(node: Node, isThere: (v: Value) => boolean, position: ReadonlyMap<Node, number>): readonly Node[] {
  const found = new Set<Node>();
  const stack = node.inputs.filter(v => !isThere(v)).map(v => v.node);
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    for (const v of next.inputs) if (!isThere(v)) stack.push(v.node);
  }
  return [...found].sort((a, b) => need(position, a) - need(position, b));
}

/** Numbers for new nodes and values. */
class Ids {
  private node: number;
  private value: number;

  constructor(nodes: readonly Node[]) {
    this.node = 1 + nodes.reduce((most, n) => Math.max(most, n.id), 0);
    this.value = 1 + nodes.reduce((most, n) => Math.max(most, ...n.outputs.map(v => v.id)), 0);
  }

  nextNode(): number {
    return this.node++;
  }

  nextValue(): number {
    return this.value++;
  }
}

/** A copy of a node that reads other values; those that it makes instead are noted in `made`. It belongs to the backward pass. */
function copied(node: Node, read: (v: Value) => Value, made: Map<Value, Value>, ids: Ids): Node {
  const outputs: Value[] = [];
  const isForward = !isBackward(node) && !node.label.startsWith('@');
  const label = isForward ? `${node.label}'` : node.label;
  const copy = { ...node, id: ids.nextNode(), inputs: node.inputs.map(read), outputs, label } as Node;
  for (const v of node.outputs) {
    const value: Value = { id: ids.nextValue(), shape: v.shape, node: copy, index: v.index };
    outputs.push(value);
    made.set(v, value);
  }
  return copy;
}

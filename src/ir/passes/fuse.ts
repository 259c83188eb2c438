/**
 * Fusion: elementwise ops that feed one another become one pass over the elements. A producer joins its consumer where
 * every reader of it is in the same group (so no outside node can stand between them) and both run over the same shape;
 * scalar constants become numbers in the formula. Training a net is mostly memory traffic outside its products: this is
 * what makes an SGD update, v = μv + lr(g + λw); w −= v, one loop.
 */

import { sameShape, sizeOf } from '../shape.js';
import type { ElementwiseOp, FusedStep, Graph, Node, OutputsOf, Value } from '../types.js';

const ELEMENTWISE: ReadonlySet<string> = new Set<ElementwiseOp>([
  'neg',
  'abs',
  'sign',
  'exp',
  'log',
  'sqrt',
  'tanh',
  'sigmoid',
  'floor',
  'relu',
  'power',
  'add',
  'sub',
  'mul',
  'div',
  'max',
  'min',
  'greater',
  'greaterEqual',
  'equal',
  'select',
]);

/** More inputs than this in one loop, and registers spill. */
const MAX_INPUTS = 10;
const MAX_STEPS = 40;

export function isElementwise(node: Node): boolean {
  return ELEMENTWISE.has(node.op);
}

/** The number an elementwise op carries besides its operands. */
export function parameterOf(node: Node): number {
  if (node.op === 'relu') return node.attrs.slope;
  if (node.op === 'power') return node.attrs.exponent;
  return 0;
}

export interface FuseOptions {
  /**
   * Whether groups that read the same node become one with it. Only for a graph in which nothing lies between
   * elementwise nodes: else the joined node might wait for itself.
   */
  readonly joinReaders?: boolean;
}

/** The graph with its elementwise chains fused. Values that stay keep their identity in `outputs` and `assignments`. */
export function fuse(graph: Graph, { joinReaders = false }: FuseOptions = {}): Graph {
  const groups = findGroups(graph, joinReaders);
  const replaced = new Map<Value, Value>();
  const now = (v: Value) => replaced.get(v) ?? v;
  const nodes: Node[] = [];
  const emitted = new Set<readonly Node[]>();
  const last = new Map([...new Set(groups.values())].map(g => [g, g.at(-1)!]));
  let nextValue = 1 + Math.max(0, ...graph.nodes.flatMap(n => n.outputs.map(v => v.id)));
  const wanted = new Set([...graph.outputs.values(), ...graph.assignments.map(a => a.value)]);
  for (const node of graph.nodes) {
    const group = groups.get(node);
    if (group && group.length > 1) {
      if (node !== last.get(group) || emitted.has(group)) continue;
      emitted.add(group);
      nodes.push(
        fuseGroup(
          group,
          wanted,
          now,
          v => replaced.set(...v),
          () => nextValue++,
        ),
      );
    } else if (node.inputs.some(v => replaced.has(v))) {
      nodes.push(
        withInputs(
          node,
          node.inputs.map(now),
          v => replaced.set(...v),
          () => nextValue++,
        ),
      );
    } else nodes.push(node);
  }
  const outputs = new Map([...graph.outputs].map(([name, v]) => [name, now(v)]));
  const assignments = graph.assignments.map(a => ({ ...a, value: now(a.value) }));
  return {
    ...graph,
    nodes: pruneConstants(nodes, [...outputs.values(), ...assignments.map(a => a.value)]),
    outputs,
    assignments,
  };
}

type Replace = (pair: readonly [Value, Value]) => void;

function withInputs(node: Node, inputs: readonly Value[], replace: Replace, nextId: () => number): Node {
  const outputs: Value[] = [];
  const copy = { ...node, inputs, outputs } as Node;
  for (const v of node.outputs) {
    const value: Value = { id: nextId(), shape: v.shape, node: copy, index: v.index };
    outputs.push(value);
    replace([v, value]);
  }
  return copy;
}

/** Which group each elementwise node belongs to; groups list their nodes in order. */
function findGroups(graph: Graph, joinReaders: boolean): Map<Node, Node[]> {
  const readers = new Map<Value, Node[]>();
  for (const node of graph.nodes)
    for (const v of new Set(node.inputs)) {
      const list = readers.get(v);
      if (list) list.push(node);
      else readers.set(v, [node]);
    }
  const position = new Map(graph.nodes.map((n, i) => [n, i]));
  const groups = new Map<Node, Node[]>();
  for (const node of [...graph.nodes].reverse()) {
    if (!isElementwise(node)) continue;
    const shape = node.outputs[0].shape;
    const users = readers.get(node.outputs[0]) ?? [];
    const around = new Set(users.map(u => groups.get(u)));
    const group = [node, ...[...around].flatMap(g => g ?? [])];
    const joins =
      users.length > 0 &&
      !around.has(undefined) &&
      (joinReaders || around.size === 1) &&
      group.every(n => sameShape(shape, n.outputs[0].shape)) &&
      sizeOf(shape) > 1 &&
      group.length <= MAX_STEPS &&
      countInputs(group) <= MAX_INPUTS;
    if (!joins) groups.set(node, [node]);
    else {
      if (around.size > 1) group.sort((a, b) => position.get(a)! - position.get(b)!);
      for (const n of group) groups.set(n, group);
    }
  }
  return groups;
}

function isScalarConstant(v: Value): boolean {
  return v.node.op === 'constant' && v.node.attrs.data.length === 1 && v.shape.length === 0;
}

function countInputs(group: readonly Node[]): number {
  const inside = new Set(group);
  const inputs = new Set(group.flatMap(n => n.inputs).filter(v => !inside.has(v.node) && !isScalarConstant(v)));
  return inputs.size;
}

function fuseGroup(
  group: readonly Node[],
  wanted: ReadonlySet<Value>,
  now: (v: Value) => Value,
  replace: Replace,
  nextId: () => number,
): Node {
  const inside = new Set(group);
  const inputs = [...new Set(group.flatMap(n => n.inputs))].filter(v => !inside.has(v.node) && !isScalarConstant(v));
  const steps: FusedStep[] = [];
  const slots = new Map<Value, number>(inputs.map((v, i) => [v, i]));
  const slotOf = (v: Value): number => {
    let slot = slots.get(v);
    if (slot === undefined) {
      slot = inputs.length + steps.length;
      steps.push({ op: 'constant', args: [], parameter: (v.node as Node & { op: 'constant' }).attrs.data[0]! });
      slots.set(v, slot);
    }
    return slot;
  };
  for (const node of group) {
    const args = node.inputs.map(slotOf);
    slots.set(node.outputs[0], inputs.length + steps.length);
    steps.push({ op: node.op as ElementwiseOp, args, parameter: parameterOf(node) });
  }
  const end = group.at(-1)!;
  const results = group.map(n => n.outputs[0]).filter(v => v.node === end || wanted.has(v));
  const shape = end.outputs[0].shape;
  const outputs: Value[] = [];
  const fused: Node = {
    id: end.id,
    op: 'fused',
    inputs: inputs.map(now),
    attrs: { steps, results: results.map(v => slots.get(v)!), shape },
    outputs: outputs as unknown as OutputsOf<'fused'>,
    label: end.label,
  };
  results.forEach((old, index) => {
    const value: Value = { id: nextId(), shape, node: fused, index };
    outputs.push(value);
    replace([old, value]);
  });
  return fused;
}

/** Drops the scalar constants that went into formulas. */
function pruneConstants(nodes: readonly Node[], wanted: readonly Value[]): readonly Node[] {
  const read = new Set([...nodes.flatMap(n => n.inputs), ...wanted]);
  return nodes.filter(n => n.op !== 'constant' || n.outputs.some(v => read.has(v)));
}

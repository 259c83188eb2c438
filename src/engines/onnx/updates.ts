/**
 * The part of a training graph that only gives variables their new values, taken out of the ONNX graph: each parameter's
 * update is one formula over arrays of the parameter's shape, and those arrays are the engine's own, to be changed in place.
 *
 * A formula that is linear in its arrays (SGD, Nesterov, gradients that add up) is one product: with the gradient, the
 * history and the parameter as rows of one matrix, [v'; w'] = C · [g; v; w], where C holds the rates. onnxruntime's product
 * streams through the rows on all threads and writes over those it has read: 24 ms for fc6's 38 million parameters, or
 * 32 GB/s, where a loop in JavaScript takes 101 ms and ONNX's elementwise ops pass over memory once for each sign in the
 * formula. Other formulas (Adam, AdaGrad, L1 decay) are loops.
 */

import { need, nth } from '../../diagnostics/index.js';
import { fuse } from '../../ir/passes/fuse.js';
import { elementwiseTail } from '../../ir/passes/tail.js';
import { sizeOf } from '../../ir/shape.js';
import type { Graph, Node, Value } from '../../ir/types.js';
import { expressionOf } from '../../kernels/loops.js';

/** One formula and, by its outputs, the variables that they go to. */
export interface Update {
  readonly node: Node;
  readonly targets: readonly string[];
}

export interface Split {
  /** The rest of the graph's nodes. */
  readonly main: readonly Node[];
  /** Formulas over single numbers (rates), in order. */
  readonly scalars: readonly Node[];
  readonly updates: readonly Update[];
  /** What is assigned otherwise. */
  readonly assignments: Graph['assignments'];
  /** What updates and scalars read of the main part, leaves included. */
  readonly needs: readonly Value[];
}

/** A graph of which nothing is taken out. */
export function unsplit(nodes: readonly Node[], assignments: Graph['assignments']): Split {
  return { main: nodes, scalars: [], updates: [], assignments, needs: [] };
}

/** Takes the updates out of a graph. `kept` are values that it must still give. */
export function splitUpdates(
  nodes: readonly Node[],
  kept: ReadonlySet<Value>,
  assignments: Graph['assignments'],
): Split {
  const whole = unsplit(nodes, assignments);
  if (assignments.length === 0) return whole;
  const tail = elementwiseTail(nodes, kept, new Set(assignments.map(a => a.value)));
  const formulas = nodes.filter(n => tail.has(n) || n.op === 'constant');
  const tailGraph = { nodes: formulas, outputs: new Map(), assignments, randoms: [], states: [] };
  const fused = fuse(tailGraph, { joinReaders: true });
  const own: readonly Node[] = fused.nodes.filter(n => n.op !== 'constant');
  const targets = targetsOf(fused.assignments);
  const read = new Set(own.flatMap(n => n.inputs));
  const isUpdate = (n: Node) => n.outputs.every(v => targets.has(v) && !read.has(v));
  const scalars = own.filter(n => !isUpdate(n));
  const updates = own.filter(isUpdate).map(node => ({ node, targets: node.outputs.map(v => need(targets, v)) }));
  const onlyScalars = scalars.every(n => n.outputs.every(v => sizeOf(v.shape) === 1));
  if (!onlyScalars || readsOthers(updates)) return whole;
  const taken = new Set(updates.flatMap(u => u.node.outputs));
  const inside = new Set(own);
  return {
    main: nodes.filter(n => !tail.has(n)),
    scalars,
    updates,
    assignments: fused.assignments.filter(a => !taken.has(a.value)),
    needs: [...read].filter(v => !inside.has(v.node)),
  };
}

/** The variable that each value goes to; values that go to several are left out. */
function targetsOf(assignments: Graph['assignments']): ReadonlyMap<Value, string> {
  const targets = new Map<Value, string>();
  const twice = new Set<Value>();
  for (const { value, variable } of assignments) {
    if (targets.has(value)) twice.add(value);
    targets.set(value, variable);
  }
  for (const value of twice) targets.delete(value);
  return targets;
}

/** Whether one update reads a variable that another one changes: then they cannot be done in place, one by one. */
function readsOthers(updates: readonly Update[]): boolean {
  const owner = new Map(updates.flatMap(u => u.targets.map(name => [name, u] as const)));
  return updates.some(u =>
    u.node.inputs.some(
      v => v.node.op === 'variable' && owner.has(v.node.attrs.name) && owner.get(v.node.attrs.name) !== u,
    ),
  );
}

/** The number that fills a value of any size, where it is known beforehand. */
export function fillOf(v: Value): number | undefined {
  let value = v;
  while (['reshape', 'stopGradient', 'broadcast'].includes(value.node.op)) value = nth(value.node.inputs, 0);
  return value.node.op === 'constant' && value.node.attrs.data.length === 1 ? value.node.attrs.data[0] : undefined;
}

/** A sum of arrays, each times a factor, and a number. */
interface Affine {
  readonly factors: readonly number[];
  readonly rest: number;
}

/**
 * The formula's results as sums of its arrays: a row of factors for each, one for each of `arrays` (positions among the
 * node's inputs); undefined where it is not linear. The other inputs are `numbers`.
 */
export function linearForm(
  node: Node,
  arrays: readonly number[],
  numbers: ReadonlyMap<number, number>,
): readonly (readonly number[])[] | undefined {
  const { steps, results } = expressionOf(node);
  const plain = (rest: number): Affine => ({ factors: arrays.map(() => 0), rest });
  const values: (Affine | undefined)[] = node.inputs.map((_, i) => {
    const at = arrays.indexOf(i);
    return at < 0 ? plain(need(numbers, i)) : { factors: arrays.map((_, k) => Number(k === at)), rest: 0 };
  });
  for (const { op, args, parameter } of steps) {
    const [x, y] = args.map(a => values[a]);
    values.push(op === 'constant' ? plain(parameter) : combine(op, x, y));
  }
  const forms = results.map(r => values[r]);
  return forms.every(f => f !== undefined && f.rest === 0) ? forms.map(f => f!.factors) : undefined;
}

function isNumber({ factors }: Affine): boolean {
  return factors.every(f => f === 0);
}

function combine(op: string, x: Affine | undefined, y: Affine | undefined): Affine | undefined {
  const scaled = (v: Affine, by: number): Affine => ({ factors: v.factors.map(f => f * by), rest: v.rest * by });
  const sum = (a: Affine, b: Affine): Affine => ({
    factors: a.factors.map((f, i) => f + nth(b.factors, i)),
    rest: a.rest + b.rest,
  });
  if (!x) return undefined;
  if (op === 'neg') return scaled(x, -1);
  if (!y) return undefined;
  if (op === 'add') return sum(x, y);
  if (op === 'sub') return sum(x, scaled(y, -1));
  if (op === 'mul') return isNumber(y) ? scaled(x, y.rest) : isNumber(x) ? scaled(y, x.rest) : undefined;
  if (op === 'div') return isNumber(y) ? scaled(x, 1 / y.rest) : undefined;
  return undefined;
}

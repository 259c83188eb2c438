/** Reverse-mode differentiation on the IR: the backward graph is more IR, derived by each op's own rule. */

import { nth } from '../diagnostics/index.js';
import type { Builder } from './builder.js';
import type { OpDefinition } from './ops/definition.js';
import { ops } from './ops/index.js';
import type { Node, OpName, Value } from './types.js';

export interface Seed {
  readonly value: Value;
  /** d(objective)/d(value), of the value's shape. */
  readonly seed: Value;
}

/**
 * Gradients of Σ ⟨seed, value⟩ with respect to each value of `wrt`; undefined where none flows. Nodes that do not lie
 * between a seed and a wanted value get no gradient nodes at all.
 */
export function gradients(b: Builder, seeds: readonly Seed[], wrt: readonly Value[]): readonly (Value | undefined)[] {
  const order = reachable(seeds.map(s => s.value.node));
  const needed = dependents(order, wrt);
  const sums = new Map<Value, Value>();
  const accumulate = (value: Value, gradient: Value) => {
    const sum = sums.get(value);
    sums.set(value, sum ? b.add(sum, gradient) : gradient);
  };
  for (const { value, seed } of seeds) if (needed.has(value)) accumulate(value, seed);
  for (const node of order.reverse()) {
    const dy = node.outputs.map(v => sums.get(v));
    const wanted = node.inputs.map(v => needed.has(v));
    if (!wanted.includes(true) || dy.every(d => d === undefined)) continue;
    const label = node.label.endsWith("'") ? node.label : `${node.label}'`;
    const own = b.ruleOf(node);
    if (own) {
      b.withLabel(label, () => {
        own.gradient(nth(dy, 0)!).forEach((gradient, i) => {
          const operand = nth(own.operands, i);
          if (gradient && needed.has(operand)) accumulate(operand, gradient);
        });
      });
      continue;
    }
    const rule = ops[node.op] as unknown as OpDefinition<OpName>;
    if (!rule.gradient) continue;
    b.withLabel(label, () => {
      rule.gradient!(b, node as never, dy, wanted).forEach((gradient, i) => {
        if (gradient && wanted[i]) accumulate(nth(node.inputs, i), gradient);
      });
    });
  }
  return wrt.map(v => sums.get(v));
}

/** All nodes that the given ones stand on, in topological order. Iterative: nets may be thousands of layers deep. */
function reachable(roots: readonly Node[]): Node[] {
  const seen = new Set<Node>();
  const stack = [...roots];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const v of node.inputs) stack.push(v.node);
  }
  return [...seen].sort((x, y) => x.id - y.id);
}

/** The values a gradient must reach: those of `wrt` and every value computed from one with a gradient rule between. */
function dependents(order: readonly Node[], wrt: readonly Value[]): Set<Value> {
  const needed = new Set(wrt);
  for (const node of order) {
    if (!(ops[node.op] as OpDefinition<OpName>).gradient) continue;
    if (node.op === 'hostCall' && !node.attrs.backward && !node.attrs.gradient) continue;
    if (node.inputs.some(v => needed.has(v))) for (const v of node.outputs) needed.add(v);
  }
  return needed;
}

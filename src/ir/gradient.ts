/** Reverse-mode differentiation on the IR: the backward graph is more IR, derived by each op's own rule. */

import { nth } from '../diagnostics/index.js';
import type { Builder } from './builder.js';
import type { OpDefinition } from './ops/definition.js';
import { ops } from './ops/index.js';
import { dim } from './shape.js';
import type { Node, NodeOf, OpName, Value } from './types.js';

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
  const sums = new Sums(b);
  const accumulate = (value: Value, gradient: Value) => sums.add(value, gradient);
  for (const { value, seed } of seeds) if (needed.has(value)) accumulate(value, seed);
  for (const node of order.reverse()) {
    const wanted = node.inputs.map(v => needed.has(v));
    if (!wanted.includes(true)) continue;
    const label = node.label.endsWith("'") ? node.label : `${node.label}'`;
    const dy = node.outputs.map(v => sums.of(v));
    if (dy.every(d => d === undefined)) continue;
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
  return wrt.map(v => sums.of(v));
}

/** The gradients of values, as what flows into each is added up. */
class Sums {
  private readonly sums = new Map<Value, Value>();
  /** Gradients that slices of a value give it, each with zeros around. */
  private readonly slices = new Map<Value, NodeOf<'pad'>[]>();

  constructor(private readonly b: Builder) {}

  add(value: Value, gradient: Value): void {
    const { node } = gradient;
    if (node.op === 'pad' && node.attrs.value === 0 && axisOf(node) !== undefined) {
      const known = this.slices.get(value);
      if (known) known.push(node);
      else this.slices.set(value, [node]);
      return;
    }
    this.addUp(value, gradient);
  }

  private addUp(value: Value, gradient: Value): void {
    const sum = this.sums.get(value);
    this.sums.set(value, sum ? this.b.add(sum, gradient) : gradient);
  }

  of(value: Value): Value | undefined {
    const slices = this.slices.get(value);
    if (slices) {
      this.slices.delete(value);
      this.b.withLabel(nth(slices, 0).label, () => {
        const joined = this.joined(slices);
        for (const part of joined ? [joined] : slices.map(s => s.outputs[0])) this.addUp(value, part);
      });
    }
    return this.sums.get(value);
  }

  /**
   * Slices along one axis that do not overlap, side by side: of T steps of a sequence the sum of all with their zeros
   * would be T times as many numbers.
   */
  private joined(slices: readonly NodeOf<'pad'>[]): Value | undefined {
    const axis = axisOf(nth(slices, 0))!;
    if (slices.length === 1 || slices.some(s => axisOf(s) !== axis)) return undefined;
    const from = (s: NodeOf<'pad'>) => nth(s.attrs.before, axis);
    const inOrder = [...slices].sort((x, y) => from(x) - from(y));
    const whole = dim(nth(slices, 0).outputs[0].shape, axis);
    let end = 0;
    const parts: Value[] = [];
    for (const [i, s] of inOrder.entries()) {
      if (from(s) < end) return undefined;
      const [x] = s.inputs;
      const length = dim(x.shape, axis);
      const gap = (n: number) => x.shape.map((_, k) => (k === axis ? n : 0));
      const after = i === inOrder.length - 1 ? whole - from(s) - length : 0;
      parts.push(this.b.pad(x, gap(from(s) - end), gap(after), 0));
      end = from(s) + length;
    }
    return this.b.concat(parts, axis);
  }
}

/** The one axis along which a gradient has zeros around it; undefined where there are several, or where something is cut off. */
function axisOf({ attrs: { before, after } }: NodeOf<'pad'>): number | undefined {
  const axes = before.flatMap((n, i) => (n !== 0 || after[i] !== 0 ? [i] : []));
  return axes.length === 1 && [...before, ...after].every(n => n >= 0) ? axes[0] : undefined;
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

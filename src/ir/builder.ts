/** Builds IR graphs: one method per op, shapes inferred, trivial ops left out. */

import { nth } from '../diagnostics/index.js';
import type { ExportTarget } from './export.js';
import type { OpDefinition } from './ops/definition.js';
import { ops } from './ops/index.js';
import { pruneDead } from './passes/dead_code.js';
import { sameShape, sizeOf } from './shape.js';
import type {
  ConvAttrs,
  Graph,
  HostCallAttrs,
  InputsOf,
  Node,
  OpAttrs,
  OpName,
  OutputsOf,
  PoolAttrs,
  RandomInput,
  Shape,
  TypedHostCall,
  Value,
} from './types.js';

/** A value, or a number that stands for a scalar constant. */
export type Operand = Value | number;

/** A gradient that is not derived from a value's parts. */
export interface GradientRule {
  readonly operands: readonly Value[];
  /** Of each operand; undefined: none. */
  readonly gradient: (dy: Value) => readonly (Value | undefined)[];
}

type OneOutput = Exclude<OpName, 'maxPool' | 'hostCall' | 'fused'>;

/**
 * A graph in the making. Values come from leaves (inputs, variables, constants) and ops; `finish` keeps what is
 * needed. Elementwise ops broadcast as NumPy does; a misfit of shapes is an error of the caller's code and throws an
 * Error.
 */
export class Builder {
  private readonly nodes: Node[] = [];
  private readonly randoms: RandomInput[] = [];
  private readonly states = new Map<string, Value>();
  private readonly leaves = new Map<string, Value>();
  private readonly scalars = new Map<number, Value>();
  private readonly updates: Graph['assignments'][number][] = [];
  private readonly rules = new Map<Node, GradientRule>();
  private values = 0;
  private currentLabel = '';

  constructor(
    /** What the graph is to become a model of; undefined where an engine runs it. */
    private readonly target?: ExportTarget,
  ) {}

  /** Runs `build` with its nodes labelled, e.g. by the layer's name. */
  withLabel<T>(label: string, build: () => T): T {
    const outer = this.currentLabel;
    this.currentLabel = label;
    try {
      return build();
    } finally {
      this.currentLabel = outer;
    }
  }

  private node<K extends OpName>(op: K, inputs: InputsOf<K>, attrs: OpAttrs[K]): OutputsOf<K> {
    const definition = ops[op] as unknown as OpDefinition<OpName>;
    const shapes = definition.shapes(inputs.map(v => v.shape) as never, attrs as never);
    const outputs: Value[] = [];
    const node = { id: this.nodes.length, op, inputs, attrs, outputs, label: this.currentLabel } as unknown as Node;
    shapes.forEach((shape, index) => {
      outputs.push({ id: this.values++, shape, node, index });
    });
    this.nodes.push(node);
    return outputs as unknown as OutputsOf<K>;
  }

  private one<K extends OneOutput>(op: K, inputs: InputsOf<K>, attrs: OpAttrs[K]): Value {
    const [value]: readonly [Value] = this.node(op, inputs, attrs);
    return value;
  }

  private value(x: Operand): Value {
    return typeof x === 'number' ? this.scalar(x) : x;
  }

  // Leaves

  /** Fed at every run under `name`; the same name gives the same value. */
  input(name: string, shape: Shape): Value {
    return this.leaf(`input ${name}`, () => this.one('input', [], { name, shape }));
  }

  /** Held by the engine under `name`. */
  variable(name: string, shape: Shape): Value {
    return this.leaf(`variable ${name}`, () => this.one('variable', [], { name, shape }));
  }

  /** Drawn by the host at every run. */
  random(name: string, shape: Shape, distribution: RandomInput['distribution']): Value {
    return this.leaf(`input ${name}`, () => {
      this.randoms.push({ name, shape, distribution });
      return this.one('input', [], { name, shape });
    });
  }

  /** 0 at first, then what the run before gave to `carry` under this name. */
  state(name: string, shape: Shape): Value {
    return this.leaf(`input ${name}`, () => this.one('input', [], { name, shape, unfed: 0 }));
  }

  /** What the next run finds in the state `name`. */
  carry(name: string, value: Value): void {
    this.states.set(name, value);
  }

  private leaf(key: string, make: () => Value): Value {
    let value = this.leaves.get(key);
    if (!value) this.leaves.set(key, (value = make()));
    return value;
  }

  /** Numbers known when the graph is built: row-major, as many as the shape has places. */
  constant(data: Float32Array, shape: Shape): Value {
    return this.one('constant', [], { data, shape });
  }

  /** A constant of shape []; equal numbers give the same value. */
  scalar(x: number): Value {
    let value = this.scalars.get(x);
    if (!value) this.scalars.set(x, (value = this.constant(Float32Array.of(x), [])));
    return value;
  }

  /** Zeros of a shape. */
  zeros(shape: Shape): Value {
    return this.broadcast(this.scalar(0), shape);
  }

  /**
   * The same value, with a gradient rule of its own instead of those of what it is made of: given dy, the gradients of
   * `operands`, which it is made of. What else it is made of gets none by it.
   */
  withGradient(y: Value, operands: readonly Value[], gradient: GradientRule['gradient']): Value {
    this.rules.set(y.node, { operands, gradient });
    return y;
  }

  /** The rule that a node was given. */
  ruleOf(node: Node): GradientRule | undefined {
    return this.rules.get(node);
  }

  /** At the end of every run the variable takes this value: what a forward pass itself changes (running means). */
  update(variable: Value, value: Value): void {
    if (variable.node.op !== 'variable') throw new Error('IR: only a variable can be updated');
    this.updates.push({ variable: variable.node.attrs.name, value });
  }

  // Elementwise

  /** −x. */
  neg = (x: Value): Value => this.one('neg', [x], {});
  /** |x|. */
  abs = (x: Value): Value => this.one('abs', [x], {});
  /** −1, 0 or 1 by the sign of x. */
  sign = (x: Value): Value => this.one('sign', [x], {});
  /** eˣ. */
  exp = (x: Value): Value => this.one('exp', [x], {});
  /** The natural logarithm. */
  log = (x: Value): Value => this.one('log', [x], {});
  /** √x. */
  sqrt = (x: Value): Value => this.one('sqrt', [x], {});
  /** tanh x. */
  tanh = (x: Value): Value => this.one('tanh', [x], {});
  /** 1 / (1 + e⁻ˣ). */
  sigmoid = (x: Value): Value => this.one('sigmoid', [x], {});
  /** The greatest whole number that is not above x. */
  floor = (x: Value): Value => this.one('floor', [x], {});

  /** max(x, 0) + slope · min(x, 0). */
  relu(x: Value, slope = 0): Value {
    return slope === 1 ? x : this.one('relu', [x], { slope });
  }

  /** x to a fixed exponent. */
  power(x: Value, exponent: number): Value {
    if (exponent === 1) return x;
    if (exponent === 0) return this.broadcast(this.scalar(1), x.shape);
    if (exponent === 2) return this.mul(x, x);
    return this.one('power', [x], { exponent });
  }

  private binary(op: 'add' | 'sub' | 'mul' | 'div', x: Operand, y: Operand, neutral: number, either: boolean): Value {
    if (y === neutral && typeof x !== 'number') return x;
    if (either && x === neutral && typeof y !== 'number') return y;
    return this.one(op, [this.value(x), this.value(y)], {});
  }

  /** x + y. */
  add = (x: Operand, y: Operand): Value => this.binary('add', x, y, 0, true);
  /** x − y. */
  sub = (x: Operand, y: Operand): Value => this.binary('sub', x, y, 0, false);
  /** x · y, place by place. */
  mul = (x: Operand, y: Operand): Value => this.binary('mul', x, y, 1, true);
  /** x / y, place by place. */
  div = (x: Operand, y: Operand): Value => this.binary('div', x, y, 1, false);
  /** The greater of x and y, place by place; the gradient goes to x where they are equal. */
  max = (x: Operand, y: Operand): Value => this.one('max', [this.value(x), this.value(y)], {});
  /** The smaller of x and y, place by place. */
  min = (x: Operand, y: Operand): Value => this.one('min', [this.value(x), this.value(y)], {});
  /** 1 where x > y, else 0. No gradient. */
  greater = (x: Operand, y: Operand): Value => this.one('greater', [this.value(x), this.value(y)], {});
  /** 1 where x ≥ y, else 0. No gradient. */
  greaterEqual = (x: Operand, y: Operand): Value => this.one('greaterEqual', [this.value(x), this.value(y)], {});
  /** 1 where x = y, else 0. No gradient. */
  equal = (x: Operand, y: Operand): Value => this.one('equal', [this.value(x), this.value(y)], {});
  /** x where the mask is not 0, else y. */
  select = (mask: Value, x: Operand, y: Operand): Value => this.one('select', [mask, this.value(x), this.value(y)], {});

  // Reductions

  /** Sum over `axes` (default: all). */
  sum(x: Value, axes: readonly number[] = x.shape.map((_, i) => i), keepDims = false): Value {
    return axes.length === 0 ? x : this.one('reduceSum', [x], { axes, keepDims });
  }

  /**
   * Maximum over `axes` (default: all). With `keepDims` these axes stay, with size 1. Its gradient goes to every
   * place that has it.
   */
  reduceMax(x: Value, axes: readonly number[] = x.shape.map((_, i) => i), keepDims = false): Value {
    return axes.length === 0 ? x : this.one('reduceMax', [x], { axes, keepDims });
  }

  /** Index of the first maximum along an axis, which goes. No gradient. */
  argMax = (x: Value, axis: number): Value => this.one('argMax', [x], { axis });

  /**
   * Sums of `size` neighbours (an odd number) along an axis, centred on each place; places beyond the border count
   * 0.
   */
  windowSum(x: Value, axis: number, size: number): Value {
    return size === 1 ? x : this.one('windowSum', [x], { axis, size });
  }

  // Shape

  /** The same numbers in another shape of as many places. */
  reshape(x: Value, shape: Shape): Value {
    if (sameShape(x.shape, shape)) return x;
    const source = x.node.op === 'reshape' ? x.node.inputs[0] : x;
    return sameShape(source.shape, shape) ? source : this.one('reshape', [source], { shape });
  }

  /** Axes in another order: axis i of the result is axis `perm[i]` of x. */
  transpose(x: Value, perm: readonly number[]): Value {
    return perm.every((axis, i) => axis === i) ? x : this.one('transpose', [x], { perm });
  }

  /** x repeated to a shape that it broadcasts to. */
  broadcast(x: Value, shape: Shape): Value {
    if (sizeOf(shape) === 0) return this.constant(new Float32Array(0), shape);
    return sameShape(x.shape, shape) ? x : this.one('broadcast', [x], { shape });
  }

  /** Values joined along an axis; the other axes agree. */
  concat(xs: readonly Value[], axis: number): Value {
    return xs.length === 1 ? nth(xs, 0) : this.one('concat', xs, { axis });
  }

  /** The part from `begin` on, of `size` places along each axis. */
  slice(x: Value, begin: readonly number[], size: readonly number[]): Value {
    return sameShape(x.shape, size) ? x : this.one('slice', [x], { begin, size });
  }

  /** With `before` and `after` further places along each axis, filled with `value`. */
  pad(x: Value, before: readonly number[], after: readonly number[], value = 0): Value {
    return [...before, ...after].every(n => n === 0) ? x : this.one('pad', [x], { before, after, value });
  }

  /**
   * A new axis of `depth` places before `axis`: 1 where its index is the number that stood there, else 0. No
   * gradient.
   */
  oneHot = (x: Value, axis: number, depth: number): Value => this.one('oneHot', [x], { axis, depth });

  // Indexing

  /** x[index] along an axis: see `gather` in types.ts. */
  gather = (x: Value, index: Value, axis: number): Value => this.one('gather', [x, index], { axis });
  /** Sums of x by index along an axis. */
  scatterAdd = (x: Value, index: Value, attrs: OpAttrs['scatterAdd']): Value =>
    this.one('scatterAdd', [x, index], attrs);

  // Linear algebra

  /** Product of matrices, [M, K] × [K, N] → [M, N], either one transposed on request. */
  matMul(a: Value, c: Value, { transposeA = false, transposeB = false } = {}): Value {
    return this.product('matMul', [a, c], { transposeA, transposeB });
  }

  /** Cross-correlation as Caffe's Convolution: x [N, C, H, W], filter [O, C / groups, kh, kw] → [N, O, H', W']. */
  conv2d = (x: Value, filter: Value, attrs: ConvAttrs): Value => this.product('conv2d', [x, filter], attrs);
  /** Gradient of `conv2d` by its input, given that of its output; by itself a Deconvolution. */
  convInputGrad = (dy: Value, filter: Value, attrs: OpAttrs['convInputGrad']): Value =>
    this.product('convInputGrad', [dy, filter], attrs);
  /** Gradient of `conv2d` by its filter, given the input and the gradient of its output. */
  convFilterGrad = (x: Value, dy: Value, attrs: OpAttrs['convFilterGrad']): Value =>
    this.product('convFilterGrad', [x, dy], attrs);

  /** Of an empty operand (no sample passed a filter) a product is 0 without any engine's help: not all know such. */
  private product<K extends 'matMul' | 'conv2d' | 'convInputGrad' | 'convFilterGrad'>(
    op: K,
    operands: readonly [Value, Value],
    attrs: OpAttrs[K],
  ): Value {
    const value = this.one(op, operands, attrs);
    return operands.some(x => sizeOf(x.shape) === 0) ? this.zeros(value.shape) : value;
  }

  // Pooling

  /** The maxima and the flat index in its plane that each came from. */
  maxPool(x: Value, attrs: PoolAttrs): readonly [Value, Value] {
    return this.node('maxPool', [x], attrs);
  }

  /** Gradient of `maxPool`: each number of dy goes to the place that its maximum came from. */
  maxPoolGrad = (dy: Value, indices: Value, attrs: OpAttrs['maxPoolGrad']): Value =>
    this.one('maxPoolGrad', [dy, indices], attrs);
  /** Mean of each window; padding counts as zeros in its size, as in Caffe. */
  avePool = (x: Value, attrs: PoolAttrs): Value => this.one('avePool', [x], attrs);
  /** Gradient of `avePool`. */
  avePoolGrad = (dy: Value, attrs: OpAttrs['avePoolGrad']): Value => this.one('avePoolGrad', [dy], attrs);

  // Control

  /** x; no gradient passes. */
  stopGradient = (x: Value): Value => this.one('stopGradient', [x], {});
  /** User code, or what takes its place in a model. */
  hostCall<const I extends readonly Value[], const O extends readonly Shape[]>(
    inputs: I,
    attrs: TypedHostCall<I, O>,
  ): readonly Value[] {
    const exported = this.target && attrs.lower?.(this, inputs, this.target);
    return exported ?? this.node('hostCall', inputs, attrs as unknown as HostCallAttrs);
  }

  /** The graph of what `outputs`, `assignments` and side effects need. */
  finish({
    outputs,
    assignments: given = [],
    carry = true,
  }: {
    outputs: Readonly<Record<string, Value>> | ReadonlyMap<string, Value>;
    assignments?: Graph['assignments'];
    /** Whether what `carry` was given is computed. */
    carry?: boolean;
  }): Graph {
    const map = new Map(outputs instanceof Map ? outputs : Object.entries(outputs));
    if (carry) for (const [name, value] of this.states) map.set(`@next/${name}`, value);
    const assignments = [...this.updates, ...given];
    for (const { variable, value } of assignments) {
      const target = this.leaves.get(`variable ${variable}`);
      if (target && sizeOf(target.shape) !== sizeOf(value.shape)) throw new Error(`IR: ${variable} changes its size`);
    }
    const nodes = pruneDead(this.nodes, [...map.values(), ...assignments.map(a => a.value)]);
    const used = new Set(nodes.flatMap(n => (n.op === 'input' ? [n.attrs.name] : [])));
    const states = [...this.states]
      .filter(([name]) => used.has(name))
      .map(([name, { shape }]) => ({ name, shape, output: carry ? `@next/${name}` : undefined }));
    return { nodes, outputs: map, assignments, randoms: this.randoms.filter(r => used.has(r.name)), states };
  }
}

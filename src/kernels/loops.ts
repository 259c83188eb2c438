/**
 * Elementwise expressions as loops: one pass over the elements for any number of fused ops, with NumPy broadcasting.
 *
 * The loop is written as JavaScript source and compiled once per expression and pattern of broadcasting: a compiled loop
 * runs at about a nanosecond an element, an interpreted one at ten. Where a page forbids `new Function` (a strict content
 * security policy) the same expression is interpreted.
 */

import { parameterOf } from '../ir/passes/fuse.js';
import { sizeOf, stridesOf } from '../ir/shape.js';
import type { ElementwiseOp, FusedAttrs, FusedStep, Node, Shape } from '../ir/types.js';

export type Loop = (inputs: readonly Float32Array[], outputs: readonly Float32Array[]) => void;

/** A single elementwise node seen as an expression of one step. */
export function expressionOf(node: Node): FusedAttrs {
  if (node.op === 'fused') return node.attrs;
  const step: FusedStep = {
    op: node.op as ElementwiseOp,
    args: node.inputs.map((_, i) => i),
    parameter: parameterOf(node),
  };
  return { steps: [step], results: [node.inputs.length], shape: node.outputs[0].shape };
}

interface Plan {
  /** Extents of the loop nest, outermost first. */
  readonly sizes: readonly number[];
  /** Per input, its step along each loop. */
  readonly steps: readonly (readonly number[])[];
}

/** Loop nest for inputs that broadcast to `shape`, neighbouring axes merged where every input allows it. */
function planLoops(shape: Shape, inputs: readonly Shape[]): Plan {
  const rank = shape.length;
  const all = inputs.map(s => {
    const strides = stridesOf(s);
    return shape.map((_, i) => {
      const j = i - (rank - s.length);
      return j < 0 || s[j] === 1 ? 0 : strides[j]!;
    });
  });
  const sizes: number[] = [];
  const steps: number[][] = inputs.map(() => []);
  for (let i = rank - 1; i >= 0; i--) {
    if (shape[i] === 1) continue;
    // Merges with the loop inside it if every input goes on where the inner loop ends.
    const merges = sizes.length > 0 && all.every((s, k) => s[i] === steps[k]![0]! * sizes[0]!);
    if (merges) {
      sizes[0]! *= shape[i]!;
      continue;
    }
    sizes.unshift(shape[i]!);
    for (let k = 0; k < inputs.length; k++) steps[k]!.unshift(all[k]![i]!);
  }
  return sizes.length ? { sizes, steps } : { sizes: [1], steps: inputs.map(() => [0]) };
}

const cache = new Map<string, Loop>();

/** The loop for an expression over inputs of the given shapes. */
export function compileLoop(expression: FusedAttrs, shapes: readonly Shape[]): Loop {
  if (sizeOf(expression.shape) === 0) return () => {};
  const plan = planLoops(expression.shape, shapes);
  const key = JSON.stringify([plan, expression.steps, expression.results]);
  let loop = cache.get(key);
  if (!loop) {
    loop = generate(expression, plan, shapes.length) ?? interpret(expression, plan);
    cache.set(key, loop);
  }
  return loop;
}

// Source text of a step; x, y, z are its arguments.
const formulas: Record<ElementwiseOp, (args: readonly string[], parameter: number) => string> = {
  neg: ([x]) => `-${x}`,
  abs: ([x]) => `Math.abs(${x})`,
  sign: ([x]) => `Math.sign(${x})`,
  exp: ([x]) => `Math.exp(${x})`,
  log: ([x]) => `Math.log(${x})`,
  sqrt: ([x]) => `Math.sqrt(${x})`,
  tanh: ([x]) => `Math.tanh(${x})`,
  sigmoid: ([x]) => `1 / (1 + Math.exp(-${x}))`,
  floor: ([x]) => `Math.floor(${x})`,
  relu: ([x], slope) => (slope === 0 ? `(${x} > 0 ? ${x} : 0)` : `(${x} > 0 ? ${x} : ${x} * ${literal(slope)})`),
  power: ([x], exponent) => powerFormula(x!, exponent),
  add: ([x, y]) => `${x} + ${y}`,
  sub: ([x, y]) => `${x} - ${y}`,
  mul: ([x, y]) => `${x} * ${y}`,
  div: ([x, y]) => `${x} / ${y}`,
  max: ([x, y]) => `(${x} > ${y} ? ${x} : ${y})`,
  min: ([x, y]) => `(${x} < ${y} ? ${x} : ${y})`,
  greater: ([x, y]) => `(${x} > ${y} ? 1 : 0)`,
  greaterEqual: ([x, y]) => `(${x} >= ${y} ? 1 : 0)`,
  equal: ([x, y]) => `(${x} === ${y} ? 1 : 0)`,
  select: ([m, x, y]) => `(${m} !== 0 ? ${x} : ${y})`,
};

function literal(x: number): string {
  return x < 0 || Object.is(x, -0) ? `(${Object.is(x, -0) ? '-0' : x})` : String(x);
}

/** Quarter powers through square roots: `Math.pow` costs ten times as much, and LRN's are −0.75 and −1.75. */
function powerFormula(x: string, exponent: number): string {
  const quarters = Math.abs(exponent) * 4;
  if (!Number.isInteger(quarters) || quarters === 0 || quarters > 12) return `Math.pow(${x}, ${literal(exponent)})`;
  const factors = new Array<string>(Math.floor(quarters / 4)).fill(x);
  if (quarters % 4 >= 2) factors.push(`Math.sqrt(${x})`);
  if (quarters % 2 === 1) factors.push(`Math.sqrt(Math.sqrt(${x}))`);
  const product = factors.join(' * ');
  return exponent < 0 ? `1 / (${product})` : product;
}

function generate({ steps, results }: FusedAttrs, plan: Plan, inputs: number): Loop | undefined {
  const depth = plan.sizes.length;
  const lines: string[] = ['"use strict";'];
  for (let k = 0; k < inputs; k++) lines.push(`const in${k} = inputs[${k}];`);
  results.forEach((_, k) => {
    lines.push(`const out${k} = outputs[${k}];`);
  });
  // What does not move is read once.
  for (let k = 0; k < inputs; k++) if (plan.steps[k]!.every(s => s === 0)) lines.push(`const v${k} = in${k}[0];`);
  lines.push('let o = 0;');
  for (let d = 0; d < depth; d++) {
    lines.push(`for (let i${d} = 0; i${d} < ${plan.sizes[d]}; i${d}++) {`);
    for (let k = 0; k < inputs; k++) {
      const own = plan.steps[k]!;
      const moves = own.slice(d + 1).some(s => s !== 0);
      if (own.every(s => s === 0)) continue;
      // The offset so far, and the element itself as soon as no inner loop moves it.
      const base = d === 0 || own.slice(0, d).every(s => s === 0) ? '' : `p${k}_${d - 1} + `;
      const term = own[d] === 0 ? '0' : own[d] === 1 ? `i${d}` : `i${d} * ${own[d]}`;
      const known = d > 0 && own.slice(d).every(s => s === 0);
      if (known) continue;
      lines.push(moves ? `const p${k}_${d} = ${base}${term};` : `const v${k} = in${k}[${base}${term}];`);
    }
  }
  steps.forEach((step, n) => {
    const formula =
      step.op === 'constant'
        ? literal(step.parameter)
        : formulas[step.op](
            step.args.map(a => `v${a}`),
            step.parameter,
          );
    lines.push(`const v${inputs + n} = ${formula};`);
  });
  results.forEach((r, k) => {
    lines.push(`out${k}[o] = v${r};`);
  });
  lines.push('o++;', '}'.repeat(depth));
  try {
    return new Function('inputs', 'outputs', lines.join('\n')) as Loop;
  } catch (e) {
    if (e instanceof EvalError) return undefined;
    throw e;
  }
}

type Formula = (x: number, y: number, z: number, parameter: number) => number;

const functions: Record<ElementwiseOp, Formula> = {
  neg: x => -x,
  abs: Math.abs,
  sign: Math.sign,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  sigmoid: x => 1 / (1 + Math.exp(-x)),
  floor: Math.floor,
  relu: (x, _y, _z, slope) => (x > 0 ? x : x * slope),
  power: (x, _y, _z, exponent) => x ** exponent,
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  max: (x, y) => (x > y ? x : y),
  min: (x, y) => (y > x ? x : y),
  greater: (x, y) => (x > y ? 1 : 0),
  greaterEqual: (x, y) => (x >= y ? 1 : 0),
  equal: (x, y) => (x === y ? 1 : 0),
  select: (m, x, y) => (m !== 0 ? x : y),
};

/** The loop of `compileLoop` without generated code. */
export function interpretLoop(expression: FusedAttrs, shapes: readonly Shape[]): Loop {
  return interpret(expression, planLoops(expression.shape, shapes));
}

function interpret({ steps, results }: FusedAttrs, { sizes, steps: moves }: Plan): Loop {
  const total = sizes.reduce((a, b) => a * b, 1);
  return (inputs, outputs) => {
    const v = new Float64Array(inputs.length + steps.length);
    for (let o = 0; o < total; o++) {
      for (let k = 0; k < inputs.length; k++) {
        let rest = o;
        let at = 0;
        for (let d = sizes.length - 1; d >= 0; d--) {
          at += (rest % sizes[d]!) * moves[k]![d]!;
          rest = Math.floor(rest / sizes[d]!);
        }
        v[k] = inputs[k]![at]!;
      }
      steps.forEach(({ op, args, parameter }, n) => {
        v[inputs.length + n] =
          op === 'constant' ? parameter : functions[op](v[args[0]!]!, v[args[1]!]!, v[args[2]!]!, parameter);
      });
      results.forEach((r, k) => {
        outputs[k]![o] = v[r]!;
      });
    }
  };
}

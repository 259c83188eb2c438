/** Elementwise ops. Masks are booleans in ONNX; they become floats only where arithmetic uses them. */

import { nth } from '../../../diagnostics/index.js';
import { parameterOf } from '../../../ir/passes/fuse.js';
import type { ElementwiseOp, NodeOf, OpName } from '../../../ir/types.js';
import { ElementType } from '../schema.js';
import type { GraphWriter } from '../writer.js';
import type { Emitter, EmitterTable } from './emitter.js';

type Formula = (w: GraphWriter, x: string, y: string, z: string, parameter: number) => string;

const simple =
  (type: string): Formula =>
  (w, x) =>
    w.op(type, [x]);
const pair =
  (type: string): Formula =>
  (w, x, y) =>
    w.op(type, [x, y]);
const comparison =
  (type: string): Formula =>
  (w, x, y) =>
    w.op(type, [x, y], { type: ElementType.BOOL });

const formulas: Record<Exclude<ElementwiseOp, 'select'>, Formula> = {
  neg: simple('Neg'),
  abs: simple('Abs'),
  sign: simple('Sign'),
  exp: simple('Exp'),
  log: simple('Log'),
  sqrt: simple('Sqrt'),
  tanh: simple('Tanh'),
  sigmoid: simple('Sigmoid'),
  floor: simple('Floor'),
  relu: (w, x, _y, _z, slope) =>
    slope === 0 ? w.op('Relu', [x]) : w.op('LeakyRelu', [x], { attrs: { alpha: { float: slope } } }),
  power: (w, x, _y, _z, exponent) => power(w, x, exponent),
  add: pair('Add'),
  sub: pair('Sub'),
  mul: pair('Mul'),
  div: pair('Div'),
  max: pair('Max'),
  min: pair('Min'),
  greater: comparison('Greater'),
  greaterEqual: comparison('GreaterOrEqual'),
  equal: comparison('Equal'),
};

/** Quarter powers through square roots: a general Pow costs many times as much, and LRN's are −0.75 and −1.75. */
function power(w: GraphWriter, x: string, exponent: number): string {
  const quarters = Math.abs(exponent) * 4;
  if (!Number.isInteger(quarters) || quarters > 12) return w.op('Pow', [x, w.scalar(exponent)]);
  const root = quarters % 4 === 0 ? '' : w.op('Sqrt', [x]);
  const factors = new Array<string>(Math.floor(quarters / 4)).fill(x);
  if (quarters % 4 >= 2) factors.push(root);
  if (quarters % 2 === 1) factors.push(w.op('Sqrt', [root]));
  const product = factors.reduce((a, b) => w.op('Mul', [a, b]));
  return exponent < 0 ? w.op('Div', [w.scalar(1), product]) : product;
}

/** Numbers where a mask is true, else 0; of numbers that are not finite NaN. `Where` takes twice as long. */
export function masked(w: GraphWriter, mask: string, numbers: string): string {
  return w.op('Mul', [w.cast(mask, ElementType.FLOAT), numbers]);
}

/** Steep enough that the least normal number comes to 1. */
const STEEPEST = 3.4e38;

/** 1 where a number is positive, else 0, in one pass (less than 1 below 2.9e-39); a comparison and its cast are two. */
export function positive(w: GraphWriter, numbers: string): string {
  return w.op('HardSigmoid', [numbers], { attrs: { alpha: { float: STEEPEST }, beta: { float: 0 } } });
}

function one<K extends Exclude<ElementwiseOp, 'select'>>(op: K): Emitter<K> {
  return (s, node) => {
    const [x, y, z] = node.inputs.map(s.float);
    return [formulas[op](s.w, x!, y!, z!, parameterOf(node as NodeOf<OpName> as never))];
  };
}

const names = Object.keys(formulas) as (keyof typeof formulas)[];

export const elementwise = {
  ...(Object.fromEntries(names.map(op => [op, one(op)])) as EmitterTable<Exclude<ElementwiseOp, 'select'>>),

  select: (s, { inputs: [mask, x, y] }) => [s.w.op('Where', [s.bool(mask), s.float(x), s.float(y)])],

  /** Step by step: ONNX has no fused formula. */
  fused(s, { inputs, attrs }) {
    const names = inputs.map(s.float);
    const float = (a: number) => s.w.cast(nth(names, a), ElementType.FLOAT);
    for (const { op, args, parameter } of attrs.steps) {
      if (op === 'constant') names.push(s.w.scalar(parameter));
      else if (op === 'select')
        names.push(
          s.w.op('Where', [
            s.w.cast(nth(names, nth(args, 0)), ElementType.BOOL),
            float(nth(args, 1)),
            float(nth(args, 2)),
          ]),
        );
      else {
        const [x, y, z] = args.map(float);
        names.push(formulas[op](s.w, x!, y!, z!, parameter));
      }
    }
    return attrs.results.map(r => nth(names, r));
  },
} satisfies EmitterTable<ElementwiseOp | 'fused'>;

/**
 * Whether a layer computes each element of its tops from the same element of its bottoms alone, found out from its lowering:
 * what is then known of a layer of a user's own that says nothing of it.
 */

import { MokapotError } from '../diagnostics/index.js';
import { Builder, type OpName, type Shape, sameShape, type Value } from '../ir/index.js';
import type { LayerContext, LayerType } from './types.js';

const ELEMENTWISE: ReadonlySet<OpName> = new Set<OpName>([
  ...(['neg', 'abs', 'sign', 'exp', 'log', 'sqrt', 'tanh', 'sigmoid', 'floor', 'relu', 'power'] as const),
  ...([
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
    'stopGradient',
  ] as const),
]);

const known = new WeakMap<LayerContext, boolean>();

export function isElementwise(type: LayerType, ctx: LayerContext, paramShapes: readonly Shape[]): boolean {
  let answer = known.get(ctx);
  if (answer === undefined) known.set(ctx, (answer = findOut(type, ctx, paramShapes)));
  return answer;
}

function findOut(type: LayerType, ctx: LayerContext, paramShapes: readonly Shape[]): boolean {
  const b = new Builder();
  const bottoms = ctx.bottomShapes.map((shape, i) => b.input(`bottom${i}`, shape));
  const params = paramShapes.map((shape, i) => b.variable(`param${i}`, shape));
  if (bottoms.length === 0) return false;
  try {
    const tops = type.lower(ctx, b, bottoms, params);
    return tops.every(top => sameShape(top.shape, bottoms[0]!.shape) && followsElements(top, bottoms, new Map()));
  } catch (thrown) {
    if (thrown instanceof MokapotError) return false;
    throw thrown;
  }
}

/** Only elementwise ops lie between the value and the bottoms, none of which is broadcast. */
function followsElements(value: Value, bottoms: readonly Value[], seen: Map<Value, boolean>): boolean {
  const before = seen.get(value);
  if (before !== undefined) return before;
  const { op, inputs } = value.node;
  const own = bottoms.includes(value)
    ? true
    : ELEMENTWISE.has(op)
      ? inputs.every(
          x => !standsOn(x, bottoms) || (sameShape(x.shape, value.shape) && followsElements(x, bottoms, seen)),
        )
      : !standsOn(value, bottoms);
  seen.set(value, own);
  return own;
}

function standsOn(value: Value, bottoms: readonly Value[], seen = new Set<Value>()): boolean {
  if (bottoms.includes(value)) return true;
  if (seen.has(value)) return false;
  seen.add(value);
  return value.node.inputs.some(x => standsOn(x, bottoms, seen));
}

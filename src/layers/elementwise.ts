/**
 * Whether a layer computes each element of its tops from the same element of its bottoms alone, found out from its lowering:
 * what is then known of a layer of a user's own without these traits.
 */

import { type Builder, type Shape, sameShape, type Value } from '../ir/index.js';
import type { LayerContext, LayerType } from './types.js';

/** The builder's methods that work on each element alone. */
const ELEMENTWISE: ReadonlySet<string> = new Set([
  ...['neg', 'abs', 'sign', 'exp', 'log', 'sqrt', 'tanh', 'sigmoid', 'floor', 'relu', 'power'],
  ...['add', 'sub', 'mul', 'div', 'max', 'min', 'greater', 'greaterEqual', 'equal', 'select', 'stopGradient'],
]);

const known = new WeakMap<LayerContext, boolean>();

export function isElementwise(type: LayerType, ctx: LayerContext, paramShapes: readonly Shape[]): boolean {
  let answer = known.get(ctx);
  if (answer === undefined) known.set(ctx, (answer = findOut(type, ctx, paramShapes)));
  return answer;
}

/** In place of a value of the graph: whether it comes from a bottom is all that counts. */
interface Traced {
  readonly shape: Shape;
  readonly fromBottom: boolean;
}

function findOut(type: LayerType, ctx: LayerContext, paramShapes: readonly Shape[]): boolean {
  const [shape] = ctx.bottomShapes;
  const traced = (fromBottom: boolean) => (s: Shape) => ({ shape: s, fromBottom }) as unknown as Value;
  try {
    const shapes = [...ctx.bottomShapes, ...type.reshape(ctx).tops];
    if (!shape || !shapes.every(s => sameShape(s, shape))) return false;
    type.lower(ctx, tracer(shape), ctx.bottomShapes.map(traced(true)), paramShapes.map(traced(false)));
    return true;
  } catch {
    // Whatever else the lowering needs of a real builder, it is no plain formula.
    return false;
  }
}

/** A builder that makes nothing and throws where an op takes a bottom's elements together or apart. */
function tracer(shape: Shape): Builder {
  const call = (op: string, operands: readonly unknown[]): Traced => {
    if (!operands.flat().some(x => (x as Partial<Traced> | undefined)?.fromBottom)) {
      const given = operands.find((x): x is Shape => Array.isArray(x) && typeof x[0] === 'number');
      return { shape: given ?? (operands[0] as Partial<Traced> | undefined)?.shape ?? [], fromBottom: false };
    }
    if (!ELEMENTWISE.has(op)) throw new Error(`${op} is not elementwise`);
    return { shape, fromBottom: true };
  };
  return new Proxy(
    {},
    {
      get:
        (_, op) =>
        (...operands: unknown[]) =>
          call(String(op), operands),
    },
  ) as Builder;
}

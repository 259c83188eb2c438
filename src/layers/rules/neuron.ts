/** The family of layers that work on each element alone: one bottom, one top of the same shape, in place too. */

import type { Builder, Value } from '../../ir/index.js';
import type { LayerTraits } from '../traits.js';
import type { LayerContext, LayerType } from '../types.js';
import { elementwise } from './families.js';

/** A layer that applies one function to every number of its bottom. */
export interface Neuron extends LayerTraits {
  /** Caffe's name, e.g. `TanH`. */
  readonly type: string;
  /** One sentence: what it computes. */
  readonly doc: string;
  /** The same as a formula in plain text. */
  readonly formula: string;
  /** Where it departs from the Caffe it comes from. Absent: nowhere. */
  readonly differences?: string;
  /** Throws ctx.fail(...) where a parameter is out of its range. */
  check?(ctx: LayerContext<1>): void;
  /** The function, as IR. */
  apply(ctx: LayerContext, b: Builder, x: Value): Value;
}

/** The layer type of such a function: one bottom, one top of its shape, no parameters, in place allowed. */
export function neuron({ check, apply, ...about }: Neuron): LayerType<1> {
  return {
    category: 'activation',
    ...elementwise,
    ...about,
    shapeRule: 'That of the bottom.',
    bottoms: { min: 1, max: 1 },
    tops: { min: 1, max: 1 },
    reshape(ctx) {
      check?.(ctx);
      return { tops: [ctx.bottomShapes[0]], params: [] };
    },
    lower: (ctx, b, [x]) => [apply(ctx, b, x)],
  };
}

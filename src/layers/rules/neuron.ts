/** The family of layers that work on each element alone: one bottom, one top of the same shape, in place too. */

import type { Builder, Value } from '../../ir/index.js';
import type { LayerTraits } from '../traits.js';
import type { LayerContext, LayerType } from '../types.js';
import { elementwise } from './families.js';

export interface Neuron extends LayerTraits {
  readonly type: string;
  readonly doc: string;
  readonly formula: string;
  readonly differences?: string;
  /** Throws ctx.fail(...) where a parameter is out of its range. */
  check?(ctx: LayerContext): void;
  apply(ctx: LayerContext, b: Builder, x: Value): Value;
}

export function neuron({ check, apply, ...about }: Neuron): LayerType {
  return {
    category: 'activation',
    ...elementwise,
    ...about,
    shapeRule: 'That of the bottom.',
    bottoms: { min: 1, max: 1 },
    tops: { min: 1, max: 1 },
    reshape(ctx) {
      check?.(ctx);
      return { tops: [ctx.bottomShapes[0]!], params: [] };
    },
    lower: (ctx, b, [x]) => [apply(ctx, b, x!)],
  };
}

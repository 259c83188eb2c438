/** Layers that find their tops on the host: how many rows there are, the numbers tell. */

import { nth } from '../../diagnostics/index.js';
import { type HostArray, type HostCallAttrs, type Shape, sizeOf } from '../../ir/index.js';
import type { LayerContext, LayerType } from '../types.js';

interface Finding {
  /** Shapes of the tops where as much is found as there can be. */
  most(ctx: LayerContext): readonly Shape[];
  find(ctx: LayerContext, inputs: readonly HostArray[]): readonly HostArray[];
  /** What fills up tops of the greatest shapes. */
  readonly filler: number;
  /** What takes its place in a model, whose tops have the greatest shapes. Absent: it cannot be exported. */
  model?(ctx: LayerContext): HostCallAttrs['lower'];
}

/** The shapes found, or the greatest there can be where nobody has settled them. */
export function foundShapes(ctx: LayerContext, most: Finding['most']): readonly Shape[] {
  return ctx.settledTops ?? most(ctx);
}

/** A layer without a gradient that computes its tops from all its bottoms. */
export function foundOnHost({
  most,
  find,
  filler,
  model,
}: Finding): Required<Pick<LayerType, 'settle' | 'lower' | 'canBackward'>> {
  const filled = (data: Float32Array, size: number) => {
    if (data.length === size) return data;
    const whole = new Float32Array(size).fill(filler);
    whole.set(data.subarray(0, size));
    return whole;
  };
  return {
    canBackward: () => false,
    settle: { tops: find },
    lower(ctx, b, bottoms) {
      const outputs = foundShapes(ctx, most);
      const run = (inputs: readonly HostArray[]) =>
        find(ctx, inputs).map(({ data }, i) => filled(data, sizeOf(nth(outputs, i))));
      const lower = model?.(ctx);
      return b.hostCall(bottoms, { name: ctx.name, outputs, run, ...(lower && { lower }) });
    },
  };
}

/** Bias: adds a learned blob, or the second bottom, laid on from `axis`. */

import type { Shape } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { alignAt } from '../geometry/axis.js';
import { checkOverlay, overlayAxis, overlayShape, overlaysChannels } from '../geometry/overlay.js';
import { elementwise } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

function plan(ctx: LayerContext<1>): { axis: number; addend: Shape } {
  const param = sub(ctx.param, 'bias_param');
  const addend = ctx.bottomShapes[1] ?? overlayShape(ctx, param, 'bias_param');
  const axis = overlayAxis(ctx, param, addend, 'bias_param');
  checkOverlay(ctx, axis, addend);
  return { axis, addend };
}

export const bias: LayerType<1> = {
  type: 'Bias',
  doc: 'Adds a learned blob (or the second bottom) laid on from `axis`.',
  formula: 'y = x + b',
  shapeRule: 'That of the first bottom.',
  category: 'normalisation',
  ...elementwise,
  channelAffine(ctx, [addend]) {
    if (ctx.bottomShapes.length > 1 || !overlaysChannels(ctx, sub(ctx.param, 'bias_param'))) return undefined;
    return { factor: new Float64Array(addend!.length).fill(1), shift: Float64Array.from(addend!) };
  },
  bottoms: { min: 1, max: 2 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { addend } = plan(ctx);
    const learned = { shape: addend, filler: sub(ctx.param, 'bias_param').filler };
    return { tops: [ctx.bottomShapes[0]], params: ctx.bottomShapes.length === 1 ? [learned] : [] };
  },
  lower(ctx, b, [x, given], [learned]) {
    const { axis, addend } = plan(ctx);
    return [b.add(x, b.reshape((given ?? learned)!, alignAt(addend, axis, x.shape.length)))];
  },
};

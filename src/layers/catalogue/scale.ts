/** Scale: multiplies by a learned blob, or by the second bottom, laid on from `axis`; with bias_term adds one too. */

import { nth } from '../../diagnostics/index.js';
import type { Shape } from '../../ir/index.js';
import { create, type FillerParameter, sub } from '../../schema/index.js';
import { alignAt } from '../geometry/axis.js';
import { checkOverlay, overlayAxis, overlayShape, overlaysChannels } from '../geometry/overlay.js';
import { elementwise } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

function fillerOrOne(filler: FillerParameter | null): FillerParameter {
  return filler ?? create('caffe.FillerParameter', { type: 'constant', value: 1 });
}

/** Shapes of the factor and of the bias, with the axis they are laid on from. */
function plan(ctx: LayerContext<1>): { axis: number; factor: Shape } {
  const param = sub(ctx.param, 'scale_param');
  const factor = ctx.bottomShapes[1] ?? overlayShape(ctx, param, 'scale_param');
  const axis = overlayAxis(ctx, param, factor, 'scale_param');
  checkOverlay(ctx, axis, factor);
  return { axis, factor };
}

export const scale: LayerType<1> = {
  type: 'Scale',
  doc: 'Multiplies by a learned blob (or the second bottom) laid on from `axis`; with bias_term adds a learned one too.',
  formula: 'y = x · s (+ b)',
  shapeRule: 'That of the first bottom.',
  category: 'normalisation',
  ...elementwise,
  channelAffine(ctx, [factor, shift]) {
    if (ctx.bottomShapes.length > 1 || !overlaysChannels(ctx, sub(ctx.param, 'scale_param'))) return undefined;
    return {
      factor: Float64Array.from(factor!),
      shift: shift ? Float64Array.from(shift) : new Float64Array(factor!.length),
    };
  },
  bottoms: { min: 1, max: 2 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const param = sub(ctx.param, 'scale_param');
    const { factor } = plan(ctx);
    const learned = ctx.bottomShapes.length === 1 ? [{ shape: factor, filler: fillerOrOne(param.filler) }] : [];
    const bias = param.bias_term ? [{ shape: factor, filler: param.bias_filler }] : [];
    return { tops: [ctx.bottomShapes[0]], params: [...learned, ...bias] };
  },
  lower(ctx, b, [x, given], params) {
    const { axis, factor } = plan(ctx);
    const aligned = alignAt(factor, axis, x.shape.length);
    const blobs = given ? [given, ...params] : params;
    const scaled = b.mul(x, b.reshape(nth(blobs, 0), aligned));
    return [blobs[1] ? b.add(scaled, b.reshape(blobs[1], aligned)) : scaled];
  },
};

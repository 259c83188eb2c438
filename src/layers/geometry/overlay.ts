/** How Scale and Bias lay a smaller blob onto the first bottom from an axis on (scale_layer.cpp, bias_layer.cpp). */

import { type Shape, showShape } from '../../ir/index.js';
import type { LayerContext, OneOrMore } from '../types.js';
import { canonicalAxis, showBottom } from './axis.js';

interface OverlayParameter {
  readonly axis: number;
  readonly num_axes: number;
}

/** Shape of the learned blob: num_axes axes of the bottom from `axis` on, −1 for all, 0 for a single number. */
export function overlayShape(ctx: LayerContext<OneOrMore>, { axis, num_axes }: OverlayParameter, field: string): Shape {
  const shape = ctx.bottomShapes[0];
  const start = canonicalAxis(ctx, axis, shape, `${field}.axis`);
  if (num_axes < -1 || start + num_axes > shape.length) {
    throw ctx.misfit('axis-out-of-range', `num_axes ${num_axes} from axis ${start} leaves ${showBottom(ctx, 0)}.`, {
      field: `${field}.num_axes`,
      hint: `At most ${shape.length - start} axes follow there; −1 takes them all.`,
    });
  }
  return shape.slice(start, num_axes === -1 ? undefined : start + num_axes);
}

/** The axis it is laid on from; where it is a single number, any would do. */
export function overlayAxis(
  ctx: LayerContext<OneOrMore>,
  { axis }: OverlayParameter,
  overlay: Shape,
  field: string,
): number {
  return overlay.length === 0 ? 0 : canonicalAxis(ctx, axis, ctx.bottomShapes[0], `${field}.axis`);
}

/** Whether the learned blob has one number for each channel (axis 1). */
export function overlaysChannels(ctx: LayerContext<OneOrMore>, { axis, num_axes }: OverlayParameter): boolean {
  return (axis < 0 ? axis + ctx.bottomShapes[0].length : axis) === 1 && num_axes === 1;
}

/** Throws where a second bottom does not fit the first from `axis` on. */
export function checkOverlay(ctx: LayerContext<OneOrMore>, axis: number, overlay: Shape): void {
  const shape = ctx.bottomShapes[0];
  if (axis + overlay.length <= shape.length && overlay.every((d, i) => d === shape[axis + i])) return;
  throw ctx.misfit(
    'overlay-shapes',
    `${showBottom(ctx, 1)} does not fit ${showBottom(ctx, 0)} from axis ${axis} on, which is ${showShape(shape.slice(axis))}.`,
    { hint: 'Its axes must equal those of the first bottom, one by one, from `axis` on.' },
  );
}

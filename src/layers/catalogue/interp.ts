/** Interp (DeepLab, PSPNet): resizes each channel bilinearly, corners on corners. */

import { type Builder, dim, nchw, type Value } from '../../ir/index.js';
import { isSet, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/**
 * Size of the top along an axis of `size` elements, cropped already. Of several ways to say it, one factor alone comes
 * first, then height and width, both factors, and last a second bottom (interp_layer.cpp of DeepLab v2; v1 and PSPNet
 * know a single way at a time).
 */
function resized(ctx: LayerContext<1>, size: number, side: 'height' | 'width'): number {
  const param = sub(ctx.param, 'interp_param');
  const [shrink, zoom] = [isSet(param, 'shrink_factor'), isSet(param, 'zoom_factor')];
  if (shrink !== zoom || !(isSet(param, 'height') && isSet(param, 'width'))) {
    const small = shrink ? Math.floor((size - 1) / Math.max(1, param.shrink_factor)) + 1 : size;
    if (shrink || zoom) return small + (small - 1) * (param.zoom_factor - 1);
    const reference = ctx.bottomShapes[1];
    if (reference) return dim(reference, side === 'height' ? 2 : 3);
    throw ctx.fail('interp-size', 'it does not say how big its top is.', {
      hint: 'interp_param takes height and width, zoom_factor, or shrink_factor; or a second bottom gives the size.',
    });
  }
  return param[side];
}

interface Plan {
  readonly crop: number;
  readonly inside: readonly [number, number];
  readonly out: readonly [number, number];
}

function plan(ctx: LayerContext<1>): Plan {
  const { pad_beg, pad_end, zoom_factor, shrink_factor } = sub(ctx.param, 'interp_param');
  ctx.bottomShapes.forEach((shape, i) => {
    if (shape.length !== 4) throw ctx.misfit('interp-axes', `${showBottom(ctx, i)} must have 4 axes, N×C×H×W.`);
  });
  if (pad_beg > 0 || pad_end > 0) {
    throw ctx.fail('interp-pad', 'pad_beg and pad_end only crop: they are 0 or negative.', {
      field: `interp_param.${pad_beg > 0 ? 'pad_beg' : 'pad_end'}`,
    });
  }
  if (zoom_factor < 1 || shrink_factor < 1)
    throw ctx.fail('interp-factor', 'zoom_factor and shrink_factor are at least 1.', { field: 'interp_param' });
  const [, , height, width] = nchw(ctx.bottomShapes[0]);
  const inside = [height + pad_beg + pad_end, width + pad_beg + pad_end] as const;
  if (inside.some(d => d < 1)) throw ctx.fail('interp-size', `${showBottom(ctx, 0)} is cropped to nothing.`);
  const out = [resized(ctx, inside[0], 'height'), resized(ctx, inside[1], 'width')] as const;
  if (out.some(d => d < 1)) throw ctx.fail('interp-size', `its top would be ${out.join('×')}.`);
  return { crop: -pad_beg, inside, out };
}

/** [from, to]: what share each of `from` elements has in each of `to`, the ends on the ends. */
function shares(b: Builder, from: number, to: number): Value {
  const matrix = new Float32Array(from * to);
  const step = to > 1 ? (from - 1) / (to - 1) : 0;
  for (let i = 0; i < to; i++) {
    const below = Math.min(Math.floor(step * i), from - 1);
    const rest = step * i - below;
    matrix[below * to + i]! += 1 - rest;
    if (below + 1 < from) matrix[(below + 1) * to + i]! += rest;
  }
  return b.constant(matrix, [from, to]);
}

export const interp: LayerType<1> = {
  type: 'Interp',
  doc: 'Resizes each channel bilinearly, corners on corners, to height × width, by zoom_factor and shrink_factor, or to the second bottom.',
  formula: 'y[i, j] = x at (i · (h − 1) / (h_out − 1), j · (w − 1) / (w_out − 1)), linear between the four neighbours',
  shapeRule:
    '[N, C, …]: height × width; (in − 1) / shrink_factor + 1, then in + (in − 1)·(zoom_factor − 1); or the second bottom’s size.',
  category: 'deconvolution',
  ...readsElsewhere,
  bottoms: { min: 1, max: 2 },
  tops: { min: 1, max: 1 },
  canBackward: (_, bottom) => bottom === 0,
  reshape: ctx => ({ tops: [[...ctx.bottomShapes[0].slice(0, 2), ...plan(ctx).out]], params: [] }),
  lower(ctx, b, [x]) {
    const { crop, inside, out } = plan(ctx);
    const [n, c] = x.shape as readonly [number, number];
    const cut = b.slice(x, [0, 0, crop, crop], [n, c, ...inside]);
    const wide = b.matMul(b.reshape(cut, [n * c * inside[0], inside[1]]), shares(b, inside[1], out[1]));
    const turned = b.transpose(b.reshape(wide, [n * c, inside[0], out[1]]), [0, 2, 1]);
    const tall = b.matMul(b.reshape(turned, [n * c * out[1], inside[0]]), shares(b, inside[0], out[0]));
    return [b.reshape(b.transpose(b.reshape(tall, [n * c, out[1], out[0]]), [0, 2, 1]), [n, c, ...out])];
  },
};

/** LSTMUnit: one step of an LSTM's cell, as a layer of its own. */

import { sizeOf } from '../../ir/index.js';
import { showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { lstmUnit as rule } from '../rules/lstm_rule.js';
import type { LayerType } from '../types.js';

export const lstmUnit: LayerType<3> = {
  type: 'LSTMUnit',
  doc: 'One step of an LSTM: c [1, N, D], gates [1, N, 4·D] and cont [1, N] become the next c and h.',
  formula: 'c′ = cont · σ(f) · c + σ(i) · tanh(g); h′ = σ(o) · tanh(c′)',
  shapeRule: 'Both tops [1, N, D], as the first bottom.',
  category: 'product',
  ...readsElsewhere,
  bottoms: { min: 3, max: 3 },
  tops: { min: 2, max: 2 },
  canBackward: (_, bottom) => bottom !== 2,
  reshape(ctx) {
    const [c, gates, cont] = ctx.bottomShapes as readonly (readonly number[])[];
    const [one, samples, width] = c!;
    if (c!.length !== 3 || one !== 1) throw ctx.misfit('lstm-axes', `${showBottom(ctx, 0)} must be [1, N, D].`);
    if (gates!.join() !== [1, samples, 4 * width!].join())
      throw ctx.misfit('lstm-axes', `${showBottom(ctx, 1)} must be [1, ${samples}, ${4 * width!}].`);
    if (sizeOf(cont!) !== samples) throw ctx.misfit('lstm-axes', `${showBottom(ctx, 2)} must be [1, ${samples}].`);
    return { tops: [c!, c!], params: [] };
  },
  lower(_, b, [c, gates, cont]) {
    const [, samples, width] = c.shape as readonly [number, number, number];
    const next = rule(
      b,
      b.reshape(c, [samples, width]),
      b.reshape(gates, [samples, 4 * width]),
      b.reshape(cont, [samples, 1]),
    );
    return [b.reshape(next.c, c.shape), b.reshape(next.h, c.shape)];
  },
};

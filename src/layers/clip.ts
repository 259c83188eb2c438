/** Clip: x held between min and max. */

import { sub } from '../schema/index.js';
import { neuron } from './neuron.js';

export const clip = neuron({
  type: 'Clip',
  doc: 'x held between min and max; the gradient passes where x lies within, borders included.',
  formula: 'y = min(max(x, min), max)',
  apply(ctx, b, x) {
    const { min, max } = sub(ctx.param, 'clip_param');
    return b.min(b.max(x, min), max);
  },
});

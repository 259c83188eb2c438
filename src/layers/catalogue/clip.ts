/** Clip: x held between min and max. */

import { sub } from '../../schema/index.js';
import { neuron } from '../rules/neuron.js';

export const clip = neuron({
  type: 'Clip',
  doc: 'x held between min and max; the gradient passes where x lies within, borders included.',
  formula: 'y = max(min(x, max), min)',
  apply(ctx, b, x) {
    const { min, max } = sub(ctx.param, 'clip_param');
    return b.max(b.min(x, max), min);
  },
});

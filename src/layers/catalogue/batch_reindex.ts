/** BatchReindex: samples of the first bottom in the order, and as often as, the second says. */

import { nth } from '../../diagnostics/index.js';
import { showBottom } from '../geometry/axis.js';
import { chooseSamples } from '../rules/choose.js';
import { arrangement } from '../rules/families.js';
import type { LayerType } from '../types.js';

export const batchReindex: LayerType<2> = {
  type: 'BatchReindex',
  doc: 'The samples of its first bottom that the second names by index, in that order, repeats and all.',
  formula: 'y[i] = x[index[i]]',
  shapeRule: 'As many samples as there are indices, else that of the first bottom.',
  ...arrangement,
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  canBackward: (_, bottom) => bottom === 0,
  reshape(ctx) {
    const [x, index] = ctx.bottomShapes as readonly (readonly number[])[];
    if (index!.length !== 1)
      throw ctx.misfit('reindex-axes', `${showBottom(ctx, 1)} must be a list of indices: one axis.`);
    if (x!.length === 0) throw ctx.misfit('reindex-axes', `${showBottom(ctx, 0)} has no samples to choose from.`);
    return { tops: [[nth(index!, 0), ...x!.slice(1)]], params: [] };
  },
  lower: (_, b, [x, index]) => [chooseSamples(b, x, b.floor(index))],
};

/** Axpy (SENet): a·x + y with one factor a for each channel of each sample. */

import { sameShape } from '../../ir/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { elementwise } from '../rules/families.js';
import type { LayerType } from '../types.js';

/** After axpy_layer.cpp of hujie-frank/SENet. */
export const axpy: LayerType<3> = {
  type: 'Axpy',
  doc: 'a · x + y; its first bottom holds one factor a for each channel of each sample.',
  formula: 'z = a · x + y',
  shapeRule: 'That of the second bottom.',
  category: 'arrangement',
  ...elementwise,
  bottoms: { min: 3, max: 3 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const [a, x, y] = ctx.bottomShapes as readonly (readonly number[])[];
    if (!sameShape(a!.slice(0, 2), x!.slice(0, 2)) || a!.length < 2 || countOf(a!, 2) !== 1)
      throw ctx.misfit(
        'axpy-factor',
        `${showBottom(ctx, 0)} is not one factor for each channel of ${showBottom(ctx, 1)}.`,
      );
    if (!sameShape(x!, y!)) throw ctx.misfit('axpy-shapes', `${showBottom(ctx, 1)} and ${showBottom(ctx, 2)} differ.`);
    return { tops: [x!], params: [] };
  },
  lower(_, b, [a, x, y]) {
    const factor = b.reshape(a, [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)]);
    return [b.add(b.mul(factor, x), y)];
  },
};

/** Split: one blob under several names; its gradient is the sum of theirs. */

import { elementwise, keepsZero } from '../rules/families.js';
import type { LayerType } from '../types.js';

export const split: LayerType<1> = {
  type: 'Split',
  doc: 'Its bottom again as each of its tops.',
  formula: 'y₁ = y₂ = … = x',
  shapeRule: 'Each top that of the bottom.',
  category: 'arrangement',
  ...elementwise,
  ...keepsZero,
  copies: true,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: Infinity },
  reshape: ctx => ({ tops: Array.from({ length: ctx.topCount }, () => ctx.bottomShapes[0]), params: [] }),
  lower: (ctx, _, [x]) => Array.from({ length: ctx.topCount }, () => x),
};

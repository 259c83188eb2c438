/** Tile: its bottom several times over along an axis. */

import type { Value } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { canonicalAxis } from '../geometry/axis.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

function tileAxis(ctx: LayerContext<1>): number {
  return canonicalAxis(ctx, sub(ctx.param, 'tile_param').axis, ctx.bottomShapes[0], 'tile_param.axis');
}

export const tile: LayerType<1> = {
  type: 'Tile',
  doc: 'Its bottom `tiles` times, one behind the other along `axis`.',
  formula: 'y[i] = x[i mod size]',
  shapeRule: 'Along `axis` times `tiles`, else that of the bottom.',
  ...arrangement,
  ...keepsZero,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { tiles } = sub(ctx.param, 'tile_param');
    if (!(tiles > 0))
      throw ctx.fail('tile-count', `tiles is ${tiles}: it must be at least 1.`, { field: 'tile_param.tiles' });
    const axis = tileAxis(ctx);
    return { tops: [ctx.bottomShapes[0].map((d, i) => (i === axis ? d * tiles : d))], params: [] };
  },
  lower(ctx, b, [x]) {
    const { tiles } = sub(ctx.param, 'tile_param');
    return [b.concat(new Array<Value>(tiles).fill(x), tileAxis(ctx))];
  },
};

/** ShuffleChannel (ShuffleNet): the channels of `group` groups, interleaved. */

import { sub } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { placeAlone, staysInPlace } from '../geometry/coord_map.js';
import { arrangement } from '../rules/families.js';
import type { LayerType } from '../types.js';

/** After shuffle_channel_layer.cpp of farmingyard/ShuffleNet. */
export const shuffleChannel: LayerType<1> = {
  type: 'ShuffleChannel',
  doc: 'The channels, seen as group × C/group, in the order of that table turned over.',
  formula: 'y[j · group + i] = x[i · C / group + j]',
  shapeRule: 'That of the bottom.',
  ...arrangement,
  coordMap: staysInPlace,
  reach: placeAlone,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { group } = sub(ctx.param, 'shuffle_channel_param');
    const channels = ctx.bottomShapes[0][1] ?? 0;
    if (group > 0 && channels > 0 && channels % group === 0) return { tops: [ctx.bottomShapes[0]], params: [] };
    throw ctx.misfit('shuffle-group', `the channels of ${showBottom(ctx, 0)} do not form ${group} groups.`, {
      field: 'shuffle_channel_param.group',
      hint: 'group must divide their number.',
    });
  },
  lower(ctx, b, [x]) {
    const { group } = sub(ctx.param, 'shuffle_channel_param');
    const [n, channels] = x.shape as readonly [number, number];
    const table = b.reshape(x, [n, group, channels / group, countOf(x.shape, 2)]);
    return [b.reshape(b.transpose(table, [0, 2, 1, 3]), x.shape)];
  },
};

/** Parameter: a learned blob as a top. */

import { sub } from '../../schema/index.js';
import type { LayerType } from '../types.js';

export const parameter: LayerType = {
  type: 'Parameter',
  doc: 'A learned blob of the given shape, as a top that other layers read. It starts at 0.',
  shapeRule: 'parameter_param.shape.',
  endsNet: true,
  bottoms: { min: 0, max: 0 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const shape = sub(ctx.param, 'parameter_param').shape?.dim ?? [];
    return { tops: [shape], params: [{ shape, filler: null }] };
  },
  lower: (_ctx, _b, _bottoms, [blob]) => [blob!],
};

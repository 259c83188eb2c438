/** PReLU: x where positive, else a learned slope · x, one per channel or one for all. */

import { dim } from '../../ir/index.js';
import { create, sub } from '../../schema/index.js';
import { alignAt, showBottom } from '../geometry/axis.js';
import { elementwise, keepsZero } from '../rules/families.js';
import type { LayerType } from '../types.js';

export const prelu: LayerType<1, 1> = {
  type: 'PReLU',
  doc: 'x where positive, else slope · x; the slope is learned, one per channel or (channel_shared) one for all.',
  formula: 'y = max(x, 0) + slope · min(x, 0)',
  shapeRule: 'That of the bottom.',
  differences:
    'None from BVLC’s. On 5 axes (V-Net’s volumes) slopes go with axis 1, as there; V-Net’s own Caffe was not compared.',
  category: 'activation',
  ...elementwise,
  ...keepsZero,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const param = sub(ctx.param, 'prelu_param');
    const shape = ctx.bottomShapes[0];
    if (shape.length < 2)
      throw ctx.misfit('prelu-axes', `PReLU needs 2 axes or more, N×C×…, and gets ${showBottom(ctx, 0)}.`);
    const filler = param.filler ?? create('caffe.FillerParameter', { type: 'constant', value: 0.25 });
    return { tops: [shape], params: [{ shape: param.channel_shared ? [] : [dim(shape, 1)], filler }] };
  },
  lower(_, b, [x], [slope]) {
    const aligned = b.reshape(slope, slope.shape.length === 0 ? [] : alignAt(slope.shape, 1, x.shape.length));
    return [b.add(b.relu(x), b.mul(b.min(x, 0), aligned))];
  },
};

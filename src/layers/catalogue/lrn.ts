/** LRN: divides by the strength of the neighbourhood, across channels or within each. */

import { type Builder, dim, type Value } from '../../ir/index.js';
import { LRNParameter, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { placeAlone, staysInPlace } from '../geometry/coord_map.js';
import { pooledSize } from '../geometry/pooling_window.js';
import { keepsZero, readsElsewhere } from '../rules/families.js';
import type { LayerType } from '../types.js';

/** x · (k + α/n · Σ x²)^−β over n neighbouring channels. */
function acrossChannels(b: Builder, x: Value, { local_size: n, alpha, beta, k }: LRNParameter): Value {
  const strength = b.add(b.mul(b.windowSum(b.mul(x, x), 1, n), alpha / n), k);
  return b.mul(x, b.power(strength, -beta));
}

/** x · (1 + α · mean of x²)^−β over n×n neighbours, the mean by Pooling's AVE rule; Caffe does not use k here. */
function withinChannel(b: Builder, x: Value, { local_size: n, alpha, beta }: LRNParameter): Value {
  const pad = (n - 1) / 2;
  const size = (axis: number) => pooledSize(dim(x.shape, axis), { kernel: n, stride: 1, pad });
  const mean = b.avePool(b.mul(x, x), {
    kernel: [n, n],
    stride: [1, 1],
    pad: [pad, pad],
    outSize: [size(2), size(3)],
  });
  return b.mul(x, b.power(b.add(b.mul(mean, alpha), 1), -beta));
}

export const lrn: LayerType<1> = {
  type: 'LRN',
  doc: 'Local response normalisation: divides each element by the strength of its neighbourhood.',
  formula:
    'ACROSS_CHANNELS: y = x · (k + alpha / n · Σ x²)^(−beta) over n channels; WITHIN_CHANNEL: y = x · (1 + alpha · mean x²)^(−beta) over n × n places (padding counts in the mean, k is not used)',
  shapeRule: 'That of the bottom.',
  category: 'normalisation',
  ...readsElsewhere,
  ...keepsZero,
  coordMap: staysInPlace,
  reach(ctx) {
    const { norm_region, local_size: n } = sub(ctx.param, 'lrn_param');
    return placeAlone(ctx).map(() => (norm_region === LRNParameter.NormRegion.WITHIN_CHANNEL ? (n - 1) / 2 : 0));
  },
  gradientReadsTop: true,
  detail: param => `size ${sub(param, 'lrn_param').local_size}`,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { local_size: n } = sub(ctx.param, 'lrn_param');
    if (n % 2 !== 1) {
      throw ctx.fail('lrn-size', `local_size is ${n}.`, {
        field: 'lrn_param.local_size',
        hint: 'It must be odd, so that the element lies in the middle of its neighbours.',
      });
    }
    if (ctx.bottomShapes[0].length !== 4)
      throw ctx.misfit('lrn-axes', `LRN needs 4 axes, N×C×H×W, and gets ${showBottom(ctx, 0)}.`);
    return { tops: [ctx.bottomShapes[0]], params: [] };
  },
  lower(ctx, b, [x]) {
    const param = sub(ctx.param, 'lrn_param');
    const within = param.norm_region === LRNParameter.NormRegion.WITHIN_CHANNEL;
    return [within ? withinChannel(b, x, param) : acrossChannels(b, x, param)];
  },
};

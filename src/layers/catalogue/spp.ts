/** SPP (spatial pyramid pooling): pools into 1×1, 2×2, 4×4, … bins, so that the top's size depends on the channels alone. */

import { nth } from '../../diagnostics/index.js';
import { dim, type PoolAttrs } from '../../ir/index.js';
import { SPPParameter, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { pooledSize } from '../geometry/pooling_window.js';
import { readsElsewhere } from '../rules/families.js';
import { checkStochastic, stochasticPool } from '../rules/stochastic_pool.js';
import type { LayerContext, LayerType } from '../types.js';

const { MAX, STOCHASTIC } = SPPParameter.PoolMethod;

/** Windows that cut the plane into 2^level × 2^level bins (spp_layer.cpp). */
function windows(ctx: LayerContext<1>, level: number): PoolAttrs {
  const bins = 2 ** level;
  const along = (axis: number) => {
    const size = dim(ctx.bottomShapes[0], axis);
    const kernel = Math.ceil(size / bins);
    const pad = Math.floor((kernel * bins - size + 1) / 2);
    if (pad >= kernel) {
      throw ctx.fail('spp-bins', `${showBottom(ctx, 0)} cannot be cut into ${bins} bins along axis ${axis}.`, {
        field: 'spp_param.pyramid_height',
        hint: 'Lower pyramid_height or feed larger inputs.',
      });
    }
    return { size, kernel, pad };
  };
  const [h, w] = [along(2), along(3)];
  const padded = h.pad + w.pad > 0;
  const out = ({ size, kernel, pad }: typeof h) => pooledSize(size, { kernel, stride: kernel, pad, padded });
  const kernel = [h.kernel, w.kernel] as const;
  return { kernel, stride: kernel, pad: [h.pad, w.pad], outSize: [out(h), out(w)] };
}

function levels(ctx: LayerContext<1>): readonly PoolAttrs[] {
  const { pyramid_height: height } = sub(ctx.param, 'spp_param');
  return Array.from({ length: height }, (_, level) => windows(ctx, level));
}

/** One level leaves the pooled blob as it is; more are flattened and joined. */
export const spp: LayerType<1> = {
  type: 'SPP',
  doc: 'Pools each channel into 1, 4, 16, … bins (pyramid_height levels) and joins them.',
  formula: 'levels l = 0, 1, …: Pooling with kernel = stride = ⌈size / 2^l⌉ and pad = ⌊(kernel · 2^l − size + 1) / 2⌋',
  shapeRule: '[N, C · (1 + 4 + 16 + …)]; one level alone keeps [N, C, 1, 1].',
  category: 'pooling',
  ...readsElsewhere,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { pyramid_height: height, pool } = sub(ctx.param, 'spp_param');
    const shape = ctx.bottomShapes[0];
    if (shape.length !== 4) throw ctx.misfit('spp-axes', `SPP needs 4 axes, N×C×H×W, and gets ${showBottom(ctx, 0)}.`);
    if (!(height > 0 && height < 31))
      throw ctx.fail('spp-height', `pyramid_height is ${height}.`, { field: 'spp_param.pyramid_height' });
    const [n, c] = shape as readonly [number, number];
    const all = levels(ctx);
    if (pool === STOCHASTIC) for (const attrs of all) checkStochastic(ctx, attrs, 'spp_param.pool');
    const bins = all.reduce((sum, { outSize: [h, w] }) => sum + h * w, 0);
    return { tops: [all.length === 1 ? [n, c, ...nth(all, 0).outSize] : [n, c * bins]], params: [] };
  },
  lower(ctx, b, [x]) {
    const { pool } = sub(ctx.param, 'spp_param');
    const pooled = levels(ctx).map(attrs => {
      if (pool === STOCHASTIC) return stochasticPool(ctx, b, x, attrs);
      return pool === MAX ? b.maxPool(x, attrs)[0] : b.avePool(x, attrs);
    });
    if (pooled.length === 1) return pooled;
    const flat = pooled.map(y => b.reshape(y, [dim(y.shape, 0), dim(y.shape, 1) * dim(y.shape, 2) * dim(y.shape, 3)]));
    return [b.concat(flat, 1)];
  },
};

/** Pooling: the maximum or the mean of windows of each channel. */

import { nth } from '../../diagnostics/index.js';
import { dim, type PoolAttrs, type Shape } from '../../ir/index.js';
import { enumName, isSet, type LayerParameter, PoolingParameter, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { type CoordMap, windowMap } from '../geometry/coord_map.js';
import { pooledSize } from '../geometry/pooling_window.js';
import { joinWords, once, plusPads, sides } from '../geometry/words.js';
import { keepsZero, readsElsewhere } from '../rules/families.js';
import { checkStochastic, stochasticPool } from '../rules/stochastic_pool.js';
import type { LayerContext, LayerType } from '../types.js';

const { MAX, STOCHASTIC } = PoolingParameter.PoolMethod;

type Pair = readonly [number, number];

/** `stem` once for both axes, or its _h and _w forms, but not both. */
function pair(ctx: LayerContext<1>, param: PoolingParameter, stem: 'kernel' | 'pad' | 'stride'): Pair {
  const once = stem === 'kernel' ? 'kernel_size' : stem;
  const [h, w] = [`${stem}_h`, `${stem}_w`] as const;
  const given = [isSet(param, h), isSet(param, w)];
  if (given.includes(true) && (given.includes(false) || isSet(param, once))) {
    throw ctx.fail(
      'pool-twice',
      `of ${once}, ${h} and ${w}, ${isSet(param, once) ? 'both forms are' : 'only one of the pair is'} given.`,
      {
        field: `pooling_param.${given[0] ? h : w}`,
        hint: `Give ${once}, or both ${h} and ${w}.`,
      },
    );
  }
  return given[0] ? [param[h], param[w]] : [param[once], param[once]];
}

function globalWindow(ctx: LayerContext<1>, param: PoolingParameter, plane: Pair): PoolAttrs {
  const extra = (['kernel_size', 'kernel_h', 'kernel_w'] as const).find(field => isSet(param, field));
  const [pad, stride] = [pair(ctx, param, 'pad'), pair(ctx, param, 'stride')];
  if (extra || pad.some(p => p !== 0) || stride.some(s => s !== 1)) {
    throw ctx.fail('pool-global', `global_pooling is on, and ${extra ?? 'pad or stride'} is given.`, {
      field: extra ? `pooling_param.${extra}` : 'pooling_param.global_pooling',
      hint: 'The window is the whole plane then: leave kernel, pad and stride out.',
    });
  }
  return { kernel: plane, stride: [1, 1], pad: [0, 0], outSize: [1, 1] };
}

/** Checks the parameters and places the windows on the bottom's planes. */
function windows(ctx: LayerContext<1>): PoolAttrs {
  const param = sub(ctx.param, 'pooling_param');
  const shape = ctx.bottomShapes[0];
  if (shape.length !== 4) {
    throw ctx.misfit('pool-axes', `Pooling needs 4 axes, N×C×H×W, and ${showBottom(ctx, 0)} has ${shape.length}.`);
  }
  const plane: Pair = [dim(shape, 2), dim(shape, 3)];
  if (param.global_pooling) return globalWindow(ctx, param, plane);
  const [kernel, pad, stride] = [pair(ctx, param, 'kernel'), pair(ctx, param, 'pad'), pair(ctx, param, 'stride')];
  const zero = kernel.some(k => !(k > 0)) ? 'kernel_size' : stride.some(s => !(s > 0)) ? 'stride' : undefined;
  if (zero) {
    throw ctx.fail('pool-zero', `${zero} is missing or 0.`, {
      field: `pooling_param.${zero}`,
      hint: 'It must be at least 1 along both axes (or use global_pooling: true).',
    });
  }
  if (pad.some((p, i) => p >= kernel[i]!)) {
    throw ctx.fail('pool-pad', `pad ${pad.join('×')} is not smaller than the kernel, ${kernel.join('×')}.`, {
      field: 'pooling_param.pad',
      hint: 'A window could then lie in the padding alone.',
    });
  }
  const floor = param.round_mode === PoolingParameter.RoundMode.FLOOR;
  const padded = pad.some(p => p > 0);
  const size = (i: 0 | 1) => pooledSize(plane[i], { kernel: kernel[i], stride: stride[i], pad: pad[i], padded, floor });
  const outSize: Pair = [size(0), size(1)];
  if (outSize.some(d => d < 1)) {
    throw ctx.misfit(
      'pool-empty',
      `a kernel of ${kernel.join('×')} on ${showBottom(ctx, 0)} leaves ${outSize.join('×')}.`,
      {
        field: 'pooling_param.kernel_size',
        hint: 'The padded plane must be at least as big as the kernel.',
      },
    );
  }
  return { kernel, stride, pad, outSize };
}

function checkMethod(ctx: LayerContext<1>): void {
  const { pool } = sub(ctx.param, 'pooling_param');
  if (pool === STOCHASTIC) checkStochastic(ctx, windows(ctx), 'pooling_param.pad');
  if (pool !== MAX && ctx.topCount > 1) {
    const name = enumName(sub(ctx.param, 'pooling_param'), 'pool');
    throw ctx.fail('pool-mask', `the second top is the mask of MAX pooling, and the method is ${name}.`, {
      field: 'pooling_param.pool',
      hint: 'Take the second top out, or pool: MAX.',
    });
  }
}

function poolingMap(ctx: LayerContext<1>): CoordMap | undefined {
  if (sub(ctx.param, 'pooling_param').global_pooling) return undefined;
  const { kernel, stride, pad } = windows(ctx);
  return kernel.map((k, i) => windowMap(k, nth(stride, i), nth(pad, i)));
}

/** `rounded up; (112 − 3) / 2 + 1 = 56` */
function explainPooling(ctx: LayerContext<1>, top: Shape): string {
  if (sub(ctx.param, 'pooling_param').global_pooling) return 'the whole plane';
  const { kernel, stride, pad } = windows(ctx);
  const axes = kernel.map(
    (k, i) => `(${ctx.bottomShapes[0][i + 2]}${plusPads(nth(pad, i))} − ${k}) / ${stride[i]} + 1 = ${top[i + 2]}`,
  );
  const floor = sub(ctx.param, 'pooling_param').round_mode === PoolingParameter.RoundMode.FLOOR;
  return `rounded ${floor ? 'down' : 'up'}; ${once(axes)}`;
}

/** `max, 3×3, stride 2` */
function poolingDetail(layer: LayerParameter): string {
  const p = sub(layer, 'pooling_param');
  const method = enumName(p, 'pool').toLowerCase();
  if (p.global_pooling) return `${method}, global`;
  const kernel = isSet(p, 'kernel_h') ? [p.kernel_h, p.kernel_w] : [p.kernel_size];
  const stride = isSet(p, 'stride_h') ? `${p.stride_h}×${p.stride_w}` : String(p.stride);
  return joinWords([method, sides(kernel), stride === '1' ? '' : `stride ${stride}`]);
}

export const pooling: LayerType<1> = {
  type: 'Pooling',
  doc: 'The maximum (and, as a second top, where it lies), the mean or a random element of windows of each channel.',
  formula:
    'MAX: y = max of the window; AVE: Σ / number of places in the padded plane; STOCHASTIC: an element with probability x / Σ x, in TEST Σ x² / Σ x',
  shapeRule:
    '[N, C, H, W] with (in + 2·pad − kernel) / stride rounded up (round_mode FLOOR: down) + 1, less 1 where the last window would start past the padded end.',
  differences: 'STOCHASTIC runs on every engine; BVLC Caffe has it on GPUs only.',
  category: 'pooling',
  ...readsElsewhere,
  ...keepsZero,
  poolsBy: 'pooling_param',
  coordMap: poolingMap,
  reach: ctx =>
    sub(ctx.param, 'pooling_param').global_pooling ? undefined : windows(ctx).kernel.map(k => (k - 1) / 2),
  detail: poolingDetail,
  explainShape: explainPooling,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 2 },
  reshape(ctx) {
    checkMethod(ctx);
    const top = [...ctx.bottomShapes[0].slice(0, 2), ...windows(ctx).outSize];
    return { tops: Array.from({ length: ctx.topCount }, () => top), params: [] };
  },
  lower(ctx, b, [x]) {
    const { pool } = sub(ctx.param, 'pooling_param');
    if (pool === MAX) return b.maxPool(x, windows(ctx)).slice(0, ctx.topCount);
    if (pool === STOCHASTIC) return [stochasticPool(ctx, b, x, windows(ctx))];
    return [b.avePool(x, windows(ctx))];
  },
};

/** BN: batch normalisation with its scale and shift in one layer, as SegNet has it (2 blobs) or as PSPNet has it (4 blobs). */

import { type Builder, dim, type Value } from '../../ir/index.js';
import { BNParameter, create, isSet, sub } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { placeAlone } from '../geometry/coord_map.js';
import { elementwise } from '../rules/families.js';
import { normalise } from '../rules/normalise.js';
import { oncePerGraph } from '../rules/once_per_graph.js';
import type { LayerContext, LayerShapes, LayerType } from '../types.js';

/** What SegNet adds to the variance (bn_layer.cpp of caffe-segnet). */
const SEGNET_EPS = 1e-9;

const OF_SEGNET = ['scale_filler', 'shift_filler', 'bn_mode'] as const;
const OF_PSPNET = ['slope_filler', 'bias_filler', 'momentum', 'eps', 'frozen', 'engine'] as const;

/**
 * Whether it is PSPNet's: a field of PSPNet's says so, or, where bn_param says nothing, more than two param blocks.
 * Throws where fields of both are given.
 */
function isPspNet(ctx: LayerContext<1>): boolean {
  const param = sub(ctx.param, 'bn_param');
  const [segnet, pspnet] = [OF_SEGNET, OF_PSPNET].map(fields => fields.find(field => isSet(param, field)));
  if (segnet && pspnet) {
    throw ctx.fail('bn-kind', `${segnet} is a field of SegNet's BN, ${pspnet} one of PSPNet's.`, {
      field: `bn_param.${pspnet}`,
      hint: `SegNet's has ${OF_SEGNET.join(', ')}; PSPNet's ${OF_PSPNET.join(', ')}. Keep those of one.`,
    });
  }
  return pspnet !== undefined || (!segnet && ctx.param.param.length > 2);
}

/** Whether PSPNet's uses the statistics it keeps. */
function usesKept(ctx: LayerContext<1>): boolean {
  return sub(ctx.param, 'bn_param').frozen || ctx.phase === 'TEST';
}

function blobs(ctx: LayerContext<1>, channels: number): LayerShapes<2>['params'] {
  const param = sub(ctx.param, 'bn_param');
  const shape = [1, channels, 1, 1];
  if (!isPspNet(ctx))
    return [
      { shape, filler: param.scale_filler },
      { shape, filler: param.shift_filler },
    ];
  const { slope_filler, bias_filler, frozen } = param;
  const one = create('caffe.FillerParameter', { type: 'constant', value: 1 });
  return [
    { shape, filler: slope_filler, fixed: frozen },
    { shape, filler: bias_filler, fixed: frozen },
    { shape, filler: null, fixed: true },
    { shape, filler: frozen ? one : null, fixed: true },
  ];
}

/** Mean and variance of each channel of the batch, [1, C, 1, 1] each, and x less the mean. */
function statistics(b: Builder, x: Value): { mean: Value; variance: Value; centred: Value } {
  const share = dim(x.shape, 1) / countOf(x.shape, 0);
  const mean = b.mul(b.sum(x, [0, 2, 3], true), share);
  const centred = b.sub(x, mean);
  return { mean, variance: b.mul(b.sum(b.mul(centred, centred), [0, 2, 3], true), share), centred };
}

const ofBatch = (ctx: LayerContext<1>, b: Builder, x: Value) => oncePerGraph(b, ctx, () => statistics(b, x));

/**
 * SegNet's LEARN normalises by the batch's own statistics, in TEST too; INFERENCE applies scale and shift alone, into which
 * a script has worked the statistics of the training set; its further tops are the batch's mean and variance. PSPNet's
 * keeps running averages while training (momentum · kept + (1 − momentum) · batch's, the variance biased) and uses them in
 * TEST and where it is frozen, which also stops its learning (bn_layer.cpp of hszhao/PSPNet).
 */
export const bn: LayerType<1, 2> = {
  type: 'BN',
  doc: 'scale · (x − mean) / √(variance + eps) + shift by channel. SegNet’s (scale_filler, shift_filler, bn_mode): the batch’s statistics, eps 1e-9; with bn_mode INFERENCE scale · x + shift. PSPNet’s (slope_filler, bias_filler, momentum, eps, frozen): kept statistics in TEST and where frozen.',
  formula:
    'y = scale · (x − mean) / √(var + eps) + shift. PSPNet’s, training: kept ← momentum · kept + (1 − momentum) · (mean, var)',
  shapeRule: 'That of the bottom; SegNet’s second and third are the mean and the variance, [1, C, 1, 1].',
  differences:
    'Which of the two it is, the fields of bn_param say; without any it is SegNet’s, or with more than two param blocks PSPNet’s. In TEST the gradient is that of what TEST computes, where PSPNet uses the formula of TRAIN.',
  category: 'normalisation',
  ...elementwise,
  reach(ctx) {
    const isKept = isPspNet(ctx) ? usesKept(ctx) : sub(ctx.param, 'bn_param').bn_mode === BNParameter.BNMode.INFERENCE;
    return isKept ? placeAlone(ctx) : undefined;
  },
  channelAffine(ctx, [factor, shift]) {
    if (sub(ctx.param, 'bn_param').bn_mode !== BNParameter.BNMode.INFERENCE) return undefined;
    return { factor: Float64Array.from(factor!), shift: Float64Array.from(shift!) };
  },
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 3 },
  reshape(ctx) {
    const shape = ctx.bottomShapes[0];
    if (shape.length !== 4) throw ctx.misfit('bn-axes', `BN needs 4 axes, N×C×H×W, and gets ${showBottom(ctx, 0)}.`);
    if (ctx.topCount > 1 && isPspNet(ctx)) {
      throw ctx.fail('top-count', `it has ${ctx.topCount} tops, and PSPNet's BN has one.`, {
        hint: "The batch's mean and variance as further tops are SegNet's.",
      });
    }
    const statistic = [1, dim(shape, 1), 1, 1];
    return { tops: [shape, statistic, statistic].slice(0, ctx.topCount), params: blobs(ctx, dim(shape, 1)) };
  },
  lower(ctx, b, [x], [scale, shift, means, variances]) {
    const { bn_mode, eps, frozen } = sub(ctx.param, 'bn_param');
    const held = (blob: Value) => (frozen ? b.stopGradient(blob) : blob);
    const applied = (normal: Value) => b.add(b.mul(normal, held(scale)), held(shift));
    const deviation = (variance: Value, epsilon: number) => b.sqrt(b.add(variance, epsilon));
    if (means && usesKept(ctx)) {
      const centred = b.sub(x, b.stopGradient(means));
      return [applied(b.div(centred, deviation(b.stopGradient(variances!), eps)))];
    }
    if (!means && bn_mode === BNParameter.BNMode.INFERENCE) {
      const nothing = b.zeros(scale.shape);
      return [applied(x), nothing, nothing].slice(0, ctx.topCount);
    }
    const { mean, variance, centred } = ofBatch(ctx, b, x);
    const top = applied(normalise(b, { x, centred, deviation: deviation(variance, means ? eps : SEGNET_EPS) }));
    return [top, b.stopGradient(mean), b.stopGradient(variance)].slice(0, ctx.topCount);
  },
  updates(ctx, b, [x], [, , means, variances]) {
    if (!means || usesKept(ctx)) return [];
    const { momentum } = sub(ctx.param, 'bn_param');
    const { mean, variance } = ofBatch(ctx, b, x);
    const moved = (kept: Value, now: Value) => b.add(b.mul(kept, momentum), b.mul(now, 1 - momentum));
    return [undefined, undefined, moved(means, mean), moved(variances!, variance)];
  },
};

/** BatchNorm: each channel less its mean, over its deviation; while training those of the batch, else kept ones. */

import { nth } from '../../diagnostics/index.js';
import { type Builder, dim, type Value } from '../../ir/index.js';
import { isSet, sub } from '../../schema/index.js';
import { alignAt, countOf } from '../geometry/axis.js';
import { placeAlone } from '../geometry/coord_map.js';
import { elementwise } from '../rules/families.js';
import { normalise } from '../rules/normalise.js';
import { oncePerGraph } from '../rules/once_per_graph.js';
import type { ChannelAffine } from '../traits.js';
import type { LayerContext, LayerType } from '../types.js';

/** Whether the kept statistics are used: in TEST, unless use_global_stats says otherwise. */
function usesKept(ctx: LayerContext<1>): boolean {
  const param = sub(ctx.param, 'batch_norm_param');
  return isSet(param, 'use_global_stats') ? param.use_global_stats : ctx.phase === 'TEST';
}

/** Channels lie on axis 1; a blob of one axis has a single one. */
function channelsOf(shape: readonly number[]): number {
  return shape.length > 1 ? dim(shape, 1) : 1;
}

function alongChannels(x: Value, statistic: Value): readonly number[] {
  return x.shape.length > 1 ? alignAt(statistic.shape, 1, x.shape.length) : [1];
}

/** Mean and variance of each channel of the batch, [C] each, and x less the mean. */
function statistics(b: Builder, x: Value): { mean: Value; variance: Value; centred: Value } {
  const channels = channelsOf(x.shape);
  const axes = x.shape.map((_, i) => i).filter(i => i !== 1 || x.shape.length === 1);
  const share = channels / countOf(x.shape, 0);
  const mean = b.reshape(b.mul(b.sum(x, axes), share), [channels]);
  const centred = b.sub(x, b.reshape(mean, alongChannels(x, mean)));
  const variance = b.reshape(b.mul(b.sum(b.mul(centred, centred), axes), share), [channels]);
  return { mean, variance, centred };
}

const ofBatch = (ctx: LayerContext<1>, b: Builder, x: Value) => oncePerGraph(b, ctx, () => statistics(b, x));

/** By the statistics it keeps: sums, and third the sum of their weights. */
function keptAffine(
  ctx: LayerContext<1>,
  [means, variances, weights]: readonly Float32Array[],
): ChannelAffine | undefined {
  if (!usesKept(ctx) || ctx.bottomShapes[0].length < 2) return undefined;
  const { eps } = sub(ctx.param, 'batch_norm_param');
  const by = weights![0] === 0 ? 0 : 1 / weights![0]!;
  const factor = Float64Array.from(variances!, v => 1 / Math.sqrt(v * by + eps));
  return { factor, shift: Float64Array.from(means!, (m, c) => -m * by * factor[c]!) };
}

/**
 * The blobs keep a sum of means, a sum of variances and, third, the sum of their weights: each iteration multiplies all
 * three by moving_average_fraction and adds the batch's mean, its variance (unbiased) and 1 (batch_norm_layer.cpp). They have
 * no gradient.
 */
export const batchNorm: LayerType<1, 3> = {
  type: 'BatchNorm',
  doc: 'Each channel less its mean, over the root of its variance + eps; in TEST by statistics kept while training.',
  formula:
    'y = (x − mean) / √(var + eps). Training: blobs ← fraction · blobs + (mean, var · m / (m − 1), 1) for m numbers a channel; TEST: mean = blob₀ / blob₂, var = blob₁ / blob₂',
  shapeRule: 'That of the bottom.',
  differences: 'scale_filler and bias_filler, which are NVCaffe’s, are refused: a Scale layer behind it is the same.',
  category: 'normalisation',
  ...elementwise,
  reach: ctx => (usesKept(ctx) ? placeAlone(ctx) : undefined),
  channelAffine: keptAffine,
  fixedStatistics: param =>
    sub(param, 'batch_norm_param').use_global_stats ? 'batch_norm_param.use_global_stats' : undefined,
  keptStatistics(param) {
    const { use_global_stats: isGiven, moving_average_fraction: fraction } = sub(param, 'batch_norm_param');
    return isGiven ? undefined : { field: 'batch_norm_param.moving_average_fraction', fraction };
  },
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const trained = ctx.param.param.findIndex(p => p.lr_mult !== 0);
    if (trained >= 0) {
      throw ctx.fail('batch-norm-lr', `lr_mult of its statistics is ${nth(ctx.param.param, trained).lr_mult}.`, {
        field: 'param',
        hint: 'They are not learned: give param { lr_mult: 0 } three times, or none. What is learned is a Scale layer behind it.',
      });
    }
    const param = sub(ctx.param, 'batch_norm_param');
    const scaled = (['scale_filler', 'bias_filler'] as const).find(field => isSet(param, field));
    if (scaled) {
      throw ctx.fail(
        'batch-norm-scale',
        `${scaled} asks for a scale and a bias of its own, which only NVCaffe's cuDNN layer has.`,
        {
          field: `batch_norm_param.${scaled}`,
          hint: 'Put a layer { type: "Scale" scale_param { bias_term: true } } behind it, with these fillers.',
        },
      );
    }
    const shape = ctx.bottomShapes[0];
    const channels = channelsOf(shape);
    const blob = (n: number) => ({ shape: [n], filler: null, fixed: true });
    return { tops: [shape], params: [blob(channels), blob(channels), blob(1)] };
  },
  lower(ctx, b, [x], [means, variances, weight]) {
    const { eps } = sub(ctx.param, 'batch_norm_param');
    const deviation = (centred: Value, variance: Value) =>
      b.reshape(b.sqrt(b.add(variance, eps)), alongChannels(centred, variance));
    if (!usesKept(ctx)) {
      const { centred, variance } = ofBatch(ctx, b, x);
      return [normalise(b, { x, centred, deviation: deviation(centred, variance) })];
    }
    const by = b.select(b.equal(weight, 0), 0, b.div(1, b.select(b.equal(weight, 0), 1, weight)));
    const [mean, variance] = [means, variances].map(blob => b.stopGradient(b.mul(blob, by))) as [Value, Value];
    const centred = b.sub(x, b.reshape(mean, alongChannels(x, mean)));
    return [b.div(centred, deviation(centred, variance))];
  },
  updates(ctx, b, [x], [means, variances, weight]) {
    if (usesKept(ctx)) return [];
    const { moving_average_fraction: fraction } = sub(ctx.param, 'batch_norm_param');
    const { mean, variance } = ofBatch(ctx, b, x);
    const count = countOf(x.shape, 0) / channelsOf(x.shape);
    const unbiased = count > 1 ? count / (count - 1) : 1;
    const kept = [means, variances, weight].map(blob => b.mul(blob, fraction));
    return [b.add(nth(kept, 0), mean), b.add(nth(kept, 1), b.mul(variance, unbiased)), b.add(nth(kept, 2), 1)];
  },
};

/** SoftmaxWithLoss: −log of the softmax share of the right class, averaged. */

import { sizeOf } from '../ir/index.js';
import { sub } from '../schema/index.js';
import { canonicalAxis, countOf } from './axis.js';
import { atLabel, checkFirstAxis, checkLabelCount, ignored, labelsAt, normalizer } from './labels.js';
import { softmaxParts } from './softmax_rule.js';
import type { LayerContext, LayerType } from './types.js';

function softmaxAxis(ctx: LayerContext): number {
  return canonicalAxis(ctx, sub(ctx.param, 'softmax_param').axis, ctx.bottomShapes[0]!, 'softmax_param.axis');
}

/** −log of the least normal float: Caffe takes the logarithm of no share below it. */
const GREATEST = -Math.log(2 ** -126);

/**
 * The value is cut where the share falls below FLT_MIN; the gradient, share − 1 at the label, is not
 * (softmax_loss_layer.cpp). Labels that are no class (and not ignored) count as a loss of log Σ exp with no gradient.
 */
export const softmaxWithLoss: LayerType = {
  type: 'SoftmaxWithLoss',
  doc: '−log of the softmax share of the right class, averaged over the labels that count.',
  formula: '−Σ_n log softmax(x)[label_n] / normalizer',
  shapeRule: 'A scalar; a second top is the shares, as the first bottom.',
  paramFields: ['softmax_param', 'loss_param'],
  differences:
    'Labels that are no class count as a loss of log Σ exp without gradient, where Caffe reads outside its memory.',
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 2 },
  isLoss: true,
  canBackward: (_, bottom) => bottom !== 1,
  reshape(ctx) {
    checkFirstAxis(ctx);
    checkLabelCount(ctx, softmaxAxis(ctx));
    return { tops: [[], ctx.bottomShapes[0]!].slice(0, ctx.topCount), params: [] };
  },
  lower(ctx, b, [x, label]) {
    const axis = softmaxAxis(ctx);
    const { shifted, exponentials, total } = softmaxParts(b, x!, axis);
    const labels = labelsAt(b, label!, x!.shape, axis);
    const surprise = b.sub(b.reshape(b.log(total), labels.shape), atLabel(b, shifted, labels, axis));
    const skipped = ignored(b, labels, sub(ctx.param, 'loss_param'));
    const counted = skipped ? b.select(skipped, 0, surprise) : surprise;
    const cut = b.stopGradient(b.min(counted, GREATEST));
    const value = b.sum(b.add(cut, b.sub(counted, b.stopGradient(counted))));
    const outer = countOf(x!.shape, 0, axis);
    const loss = b.div(value, normalizer(ctx, b, { outer, positions: sizeOf(labels.shape), skipped }));
    return [loss, b.stopGradient(b.div(exponentials, total))].slice(0, ctx.topCount);
  },
};

/** SigmoidCrossEntropyLoss: cross entropy of independent yes-or-no targets, from the scores before the sigmoid. */

import { sizeOf } from '../../ir/index.js';
import { LossParameter, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { addedUp, checkFirstAxis, ignored, normalizationMode, normalizer } from '../rules/labels.js';
import { softplus } from '../rules/softplus.js';
import type { LayerType } from '../types.js';

/** Unlike SoftmaxWithLoss, it divides by the batch size where nothing else is said. */
export const sigmoidCrossEntropyLoss: LayerType<2> = {
  type: 'SigmoidCrossEntropyLoss',
  doc: 'Σ −t·log σ(x) − (1 − t)·log(1 − σ(x)), over the batch size unless normalization says otherwise.',
  formula: 'Σ (max(x, 0) − x · t + log(1 + exp(−|x|))) / normalizer',
  shapeRule: 'A scalar.',
  paramFields: ['loss_param', 'sigmoid_param'],
  unheededFields: {
    'loss_param.weight_by_label_freqs': 'SoftmaxWithLoss alone weighs classes',
    'loss_param.class_weighting': 'SoftmaxWithLoss alone weighs classes',
  },
  ...readsElsewhere,
  comparesElements: true,
  applies: { activation: 'sigmoid', layer: 'Sigmoid' },
  addedUp: ctx =>
    addedUp(ctx, sizeOf(ctx.bottomShapes[0]), normalizationMode(ctx, LossParameter.NormalizationMode.BATCH_SIZE)),
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  canBackward: (_, bottom) => bottom !== 1,
  reshape(ctx) {
    checkFirstAxis(ctx);
    const [x, target] = ctx.bottomShapes.map(sizeOf);
    if (x !== target) {
      throw ctx.misfit(
        'loss-shapes',
        `${showBottom(ctx, 0)} and ${showBottom(ctx, 1)} differ in size: ${x} and ${target}.`,
        {
          hint: 'There must be one target for each score.',
        },
      );
    }
    return { tops: [[]], params: [] };
  },
  lower(ctx, b, [x, given]) {
    const target = b.reshape(given, x.shape);
    const skipped = ignored(b, b.floor(target), sub(ctx.param, 'loss_param'));
    const terms = b.sub(softplus(b, x), b.mul(x, target));
    const fallback = LossParameter.NormalizationMode.BATCH_SIZE;
    const by = normalizer(ctx, b, { outer: x.shape[0] ?? 1, positions: sizeOf(x.shape), skipped, fallback });
    return [b.div(b.sum(skipped ? b.select(skipped, 0, terms) : terms), by)];
  },
};

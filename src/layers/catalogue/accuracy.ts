/** Accuracy: the share of labels among their position's top_k classes. */

import { dim, sizeOf } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { canonicalAxis, showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { atLabel, checkLabelCount, ignored, labelsAt, sumByLabel } from '../rules/labels.js';
import type { LayerContext, LayerType } from '../types.js';

function classAxis(ctx: LayerContext<2>): number {
  return canonicalAxis(ctx, sub(ctx.param, 'accuracy_param').axis, ctx.bottomShapes[0], 'accuracy_param.axis');
}

/**
 * A label counts as found where fewer than top_k other classes score as high as it or higher: ties speak against it
 * (accuracy_layer.cpp). Without labels that count, the share is 0.
 */
export const accuracy: LayerType<2> = {
  type: 'Accuracy',
  doc: 'The share of labels among their position’s top_k classes; as a second top, the same per class.',
  formula: '|{labels l: |{c: x_c ≥ x_l}| ≤ top_k}| / |{labels}|, of the labels that are not ignored',
  shapeRule: 'A scalar; a second top has one number for each class.',
  category: 'measure',
  ...readsElsewhere,
  endsNet: true,
  classLabels: { axis: param => sub(param, 'accuracy_param').axis, ignoreIn: 'accuracy_param' },
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 2 },
  canBackward: () => false,
  reshape(ctx) {
    const axis = classAxis(ctx);
    checkLabelCount(ctx, axis);
    const classes = dim(ctx.bottomShapes[0], axis);
    const { top_k } = sub(ctx.param, 'accuracy_param');
    if (!(top_k >= 1 && top_k <= classes)) {
      throw ctx.fail('top-k', `top_k is ${top_k}, and ${showBottom(ctx, 0)} has ${classes} classes on axis ${axis}.`, {
        field: 'accuracy_param.top_k',
        hint: `It may go from 1 to ${classes}.`,
      });
    }
    return { tops: [[], [classes]].slice(0, ctx.topCount), params: [] };
  },
  lower(ctx, b, [x, label]) {
    const param = sub(ctx.param, 'accuracy_param');
    const axis = classAxis(ctx);
    const labels = labelsAt(b, label, x.shape, axis);
    const classes = dim(x.shape, axis);
    const kept = x.shape.map((d, i) => (i === axis ? 1 : d));
    const right = b.reshape(atLabel(b, x, labels, axis), kept);
    const asHigh = b.sum(b.greaterEqual(x, right), [axis]);
    const skipped = ignored(b, labels, param);
    const inTop = b.greaterEqual(param.top_k, asHigh);
    const found = skipped ? b.select(skipped, 0, inTop) : inTop;
    const share = (hits: typeof found, of: typeof found) => b.select(b.greater(of, 0), b.div(hits, b.max(of, 1)), 0);
    const counted = skipped ? b.sub(sizeOf(labels.shape), b.sum(skipped)) : b.scalar(sizeOf(labels.shape));
    const overall = share(b.sum(found), counted);
    if (ctx.topCount === 1) return [overall];
    const one = b.broadcast(b.scalar(1), labels.shape);
    const counting = skipped ? b.select(skipped, 0, one) : one;
    return [overall, share(sumByLabel(b, found, labels, classes), sumByLabel(b, counting, labels, classes))];
  },
};

/** SmoothL1LossOHEM (R-FCN): smooth L1 with the loss of each region as a further top, for BoxAnnotatorOHEM. */

import { sizeOf } from '../../ir/index.js';
import { countOf } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { checkFirstAxis, checkSameCount, normalizer } from '../rules/labels.js';
import { held, smoothL1 } from '../rules/smooth_l1.js';
import type { LayerContext, LayerType } from '../types.js';

/** Regions, their numbers and the places of each, as Caffe's num, channels and height · width. */
function parts(ctx: LayerContext<2>) {
  const [num = 1, channels = 1, ...places] = ctx.bottomShapes[0];
  return { num, channels, places, inner: sizeOf(places) };
}

/** After smooth_l1_loss_ohem_layer.cu of R-FCN's Caffe, which leaves the weights out of the gradient. */
export const smoothL1LossOHEM: LayerType<2> = {
  type: 'SmoothL1LossOHEM',
  doc: 'Σ s(w · (x − y)) / normalizer, where s(d) is d²/2 for |d| < 1 and |d| − ½ beyond; the weights w are optional. A second top is the sum of each region.',
  formula: 'Σ s(w · (x − y)) / normalizer with s(d) = d² / 2 for |d| < 1, else |d| − ½',
  shapeRule: 'A scalar; a second top is [N, 1, …].',
  paramFields: ['loss_param'],
  unheededFields: {
    'loss_param.ignore_label': 'there are no labels: regions that do not count have a weight of 0',
    'loss_param.weight_by_label_freqs': 'there are no labels',
    'loss_param.class_weighting': 'there are no labels',
  },
  differences:
    'As in R-FCN’s Caffe the gradient is not multiplied by w, which is meant to be 0 or 1. The second top passes no gradient on.',
  ...readsElsewhere,
  comparesElements: true,
  bottoms: { min: 2, max: 3 },
  tops: { min: 1, max: 2 },
  isLoss: true,
  canBackward: (_, bottom) => bottom < 2,
  reshape(ctx) {
    checkFirstAxis(ctx);
    checkSameCount(ctx);
    const { num, places } = parts(ctx);
    return { tops: [[], [num, 1, ...places]].slice(0, ctx.topCount), params: [] };
  },
  lower(ctx, b, bottoms) {
    const { num, channels, places, inner } = parts(ctx);
    const [x, y, weights] = bottoms.map(v => b.reshape(v, [num, channels, countOf(places, 0)]));
    const difference = b.sub(x!, y!);
    const d = weights ? held(b, b.mul(weights, difference), difference) : difference;
    const terms = smoothL1(b, d, 1);
    const loss = b.div(b.sum(terms), normalizer(ctx, b, { outer: num, positions: num * inner, skipped: undefined }));
    const each = b.reshape(b.stopGradient(b.sum(terms, [1])), [num, 1, ...places]);
    return [loss, each].slice(0, ctx.topCount);
  },
};

/** Proposal (Faster R-CNN, as a C++ layer): regions of interest from an RPN's scores and boxes. */

import { dim, type HostArray, nchw, type Shape } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { anchorsOf, moved, type PictureInfo, suppressInOrder } from '../detection/anchors.js';
import type { Box } from '../detection/boxes.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { foundOnHost, foundShapes } from '../rules/found.js';
import type { LayerContext, LayerType } from '../types.js';

interface Candidate {
  readonly box: Box;
  readonly score: number;
}

/** im_info: height, width and one scale, or one for each side. */
function infoOf({ data }: HostArray): PictureInfo {
  const [height, width, scaleHeight, scaleWidth = scaleHeight] = data as unknown as readonly number[];
  return { height: height!, width: width!, scaleHeight: scaleHeight!, scaleWidth: scaleWidth! };
}

/** All boxes of one sample, place by place; a box that is too small has a score of 0. */
function candidates(ctx: LayerContext<3>, scores: HostArray, boxes: HostArray, info: PictureInfo, n: number) {
  const { base_size, ratio, scale, feat_stride, min_size } = sub(ctx.param, 'proposal_param');
  const anchors = anchorsOf(base_size, ratio, scale);
  const [, , height, width] = nchw(scores.shape);
  const [plane, count] = [height * width, anchors.length];
  const found: Candidate[] = [];
  for (let place = 0; place < plane; place++)
    for (const [k, [x1, y1, x2, y2]] of anchors.entries()) {
      const [x, y] = [(place % width) * feat_stride, Math.floor(place / width) * feat_stride];
      const at = (i: number) => boxes.data[((n * count + k) * 4 + i) * plane + place]!;
      const box = moved([x1 + x, y1 + y, x2 + x, y2 + y], [at(0), at(1), at(2), at(3)], info);
      const big =
        box[2] - box[0] + 1 >= min_size * info.scaleWidth && box[3] - box[1] + 1 >= min_size * info.scaleHeight;
      found.push({ box, score: big ? scores.data[((2 * n + 1) * count + k) * plane + place]! : 0 });
    }
  return found;
}

function find(ctx: LayerContext<3>, inputs: readonly HostArray[]): readonly HostArray[] {
  const [scores, boxes, info] = inputs as readonly [HostArray, HostArray, HostArray];
  const { pre_nms_topn, post_nms_topn, nms_thresh } = sub(ctx.param, 'proposal_param');
  const kept = Array.from({ length: dim(scores.shape, 0) }, (_, n) => {
    const best = candidates(ctx, scores, boxes, infoOf(info), n).sort((a, b) => b.score - a.score);
    return suppressInOrder(best.slice(0, pre_nms_topn), nms_thresh, post_nms_topn).map(c => ({ ...c, n }));
  }).flat();
  const rois = Float32Array.from(kept.flatMap(({ n, box }) => [n, ...box]));
  const tops = [
    { shape: [kept.length, 5], data: rois },
    { shape: [kept.length], data: Float32Array.from(kept, ({ score }) => score) },
  ];
  return tops.slice(0, ctx.topCount);
}

/** As many regions as there are boxes, at most post_nms_topn for each sample. */
function most(ctx: LayerContext<3>): readonly Shape[] {
  const { ratio, scale, pre_nms_topn, post_nms_topn } = sub(ctx.param, 'proposal_param');
  const scores = ctx.bottomShapes[0];
  const each = Math.min(ratio.length * scale.length * countOf(scores, 2), pre_nms_topn, post_nms_topn);
  return [[dim(scores, 0) * each, 5], [dim(scores, 0) * each]].slice(0, ctx.topCount);
}

function check(ctx: LayerContext<3>): void {
  const param = sub(ctx.param, 'proposal_param');
  const [scores, boxes, info] = ctx.bottomShapes as readonly (readonly number[])[];
  const anchors = param.ratio.length * param.scale.length;
  const missing = (['ratio', 'scale'] as const).find(field => param[field].length === 0);
  if (missing)
    throw ctx.fail('proposal-anchors', `${missing} is missing.`, {
      field: `proposal_param.${missing}`,
      hint: 'Faster R-CNN has ratios of 0.5, 1 and 2 and scales of 8, 16 and 32.',
    });
  for (const [i, [shape, channels]] of (
    [
      [scores!, 2 * anchors],
      [boxes!, 4 * anchors],
    ] as const
  ).entries())
    if (shape.length !== 4 || shape[1] !== channels)
      throw ctx.misfit('proposal-channels', `${showBottom(ctx, i)} must be [N, ${channels}, H, W].`, {
        hint: `There are ${anchors} anchors in each place: ${i === 0 ? 'scores of the background, then of the objects' : '4 numbers for each'}.`,
      });
  if (scores![0] !== boxes![0] || countOf(scores!, 2) !== countOf(boxes!, 2))
    throw ctx.misfit('proposal-channels', `${showBottom(ctx, 0)} and ${showBottom(ctx, 1)} must have the same places.`);
  if (countOf(info!, 0) < 3)
    throw ctx.fail('proposal-info', `${showBottom(ctx, 2)} must hold height, width and scale of the picture.`);
}

/** After proposal_layer.cpp of PVANet's Caffe, OpenVINO's training toolbox and crnn.caffe. */
export const proposal: LayerType<3> = {
  type: 'Proposal',
  doc: 'Regions [sample, x1, y1, x2, y2] from the scores and boxes of anchors: the pre_nms_topn of greatest score, overlapping ones left out, post_nms_topn of each sample at most; a second top is their scores. Bottoms are scores, boxes and the picture’s height, width and scale.',
  formula:
    'box = anchor moved by (dx, dy) · size and sized by exp(dw), exp(dh), cut at the border; then greedy suppression by overlap > nms_thresh',
  shapeRule:
    '[regions, 5], the scores [regions]: how many there are is known when it runs (before that: N · post_nms_topn).',
  differences:
    'Of equal scores the first comes first; the C++ layers leave their order to a quicksort. As there, boxes that are too small have a score of 0 and stand behind all others, and all samples of a batch have the first one’s size.',
  ...readsElsewhere,
  bottoms: { min: 3, max: 3 },
  tops: { min: 1, max: 2 },
  ...foundOnHost({ most, find, filler: 0 }),
  reshape(ctx) {
    check(ctx);
    return { tops: foundShapes(ctx, most), params: [] };
  },
};

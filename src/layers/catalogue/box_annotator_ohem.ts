/** BoxAnnotatorOHEM (R-FCN): of each picture only the regions of greatest loss keep their labels and weights. */

import { nth } from '../../diagnostics/index.js';
import type { HostArray } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** Indices of those that are kept: the greatest losses first, at most roi_per_img of each picture. */
function kept(ctx: LayerContext<4>, rois: HostArray, losses: Float32Array): readonly number[] {
  const inner = countOf(rois.shape, 2);
  const left = new Map<number, number>();
  const order = [...losses.keys()].sort((a, b) => losses[b]! - losses[a]!);
  return order.filter(index => {
    const picture = Math.trunc(rois.data[Math.floor(index / inner) * 5 * inner + (index % inner)]!);
    if (!(picture >= 0)) throw ctx.fail('roi-sample', `region ${index} is of sample ${picture}.`);
    const room = left.get(picture) ?? sub(ctx.param, 'box_annotator_ohem_param').roi_per_img;
    left.set(picture, room - 1);
    return room > 0;
  });
}

/** After box_annotator_ohem_layer.cu of R-FCN's Caffe. Bottoms are regions, losses, labels and weights of the boxes. */
export const boxAnnotatorOHEM: LayerType<4> = {
  type: 'BoxAnnotatorOHEM',
  doc: 'Labels and box weights of the roi_per_img regions of greatest loss of each picture; the other regions get ignore_label and weights of 0.',
  formula: 'label[r], w[r] where r is among the roi_per_img greatest losses of its picture, else ignore_label, 0',
  shapeRule: 'Those of the third and fourth bottoms.',
  differences: 'Of equal losses the first come first; in R-FCN’s Caffe their order is left to std::sort.',
  ...readsElsewhere,
  bottoms: { min: 4, max: 4 },
  tops: { min: 2, max: 2 },
  canBackward: () => false,
  reshape(ctx) {
    const { roi_per_img } = sub(ctx.param, 'box_annotator_ohem_param');
    if (!(roi_per_img > 0))
      throw ctx.fail('ohem-count', 'roi_per_img is missing or 0.', { field: 'box_annotator_ohem_param.roi_per_img' });
    const [rois, losses, labels, weights] = ctx.bottomShapes as readonly (readonly number[])[];
    const regions = rois!.length < 2 ? 0 : nth(rois!, 0) * countOf(rois!, 2);
    if (rois![1] !== 5)
      throw ctx.misfit('roi-axes', `${showBottom(ctx, 0)} must be regions of 5 numbers: sample, x1, y1, x2, y2.`);
    for (const [i, shape] of [losses!, labels!].entries())
      if (countOf(shape, 0) !== regions)
        throw ctx.misfit(
          'ohem-shapes',
          `${showBottom(ctx, i + 1)} must hold one number for each of ${regions} regions.`,
        );
    if (weights![0] !== rois![0] || countOf(weights!, 2) !== countOf(rois!, 2))
      throw ctx.misfit('ohem-shapes', `${showBottom(ctx, 3)} must hold the weights of ${rois![0]} regions.`);
    return { tops: [labels!, weights!], params: [] };
  },
  lower(ctx, b, bottoms) {
    const { tops } = boxAnnotatorOHEM.reshape(ctx);
    return b.hostCall(bottoms, {
      name: ctx.name,
      outputs: tops,
      run: ([rois, losses, labels, weights]) => {
        const { ignore_label } = sub(ctx.param, 'box_annotator_ohem_param');
        const topLabels = new Float32Array(labels.data.length).fill(ignore_label);
        const topWeights = new Float32Array(weights.data.length);
        const [inner, width] = [countOf(rois.shape, 2), weights.shape[1] ?? 1];
        for (const index of kept(ctx, rois, losses.data)) {
          topLabels[index] = labels.data[index]!;
          for (let j = 0; j < width; j++) {
            const at = (Math.floor(index / inner) * width + j) * inner + (index % inner);
            topWeights[at] = weights.data[at]!;
          }
        }
        return [topLabels, topWeights];
      },
    });
  },
};

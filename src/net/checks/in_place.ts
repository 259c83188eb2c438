/** Layers that read their input while they write their output, or reread it for the gradient, cannot write over it. */

import { about, type CheckDoc, type CheckRule } from './check.js';
import { PICTURES } from './examples.js';
import { inPlace, makerOf } from './walk.js';

const conv = (top: string) => `layer {
  name: "conv" type: "Convolution" bottom: "data" top: "${top}"
  convolution_param { num_output: 3 kernel_size: 3 pad: 1 }
}
`;

export const inPlaceUnfitDoc = (): CheckDoc => ({
  doc: 'Only layers that compute each element by itself have a top of the same name as their bottom.',
  cure: 'Caffe would write over numbers that it has still to read. Give the top a name of its own.',
  example: { head: PICTURES, wrong: conv('data'), right: conv('conv') },
});

export const inPlaceUnfit: CheckRule = {
  code: 'in-place-unfit',
  run: graph =>
    graph.layers.flatMap(layer => {
      if (layer.source === undefined || !inPlace(layer)) return [];
      const { top, bottom } = layer.context.param;
      const index = top.findIndex(name => bottom.includes(name));
      const against = layer.type.inPlace;
      if (typeof against === 'string') {
        return about(
          layer,
          'in-place-unfit',
          `Layer "${layer.name}" (${layer.type.type}) writes its top over its bottom "${top[index]}", which it ${against}.`,
          {
            field: 'top',
            index,
            hint: 'Mokapot computes it right all the same; Caffe refuses it or computes something else. Give the top a name of its own.',
          },
        );
      }
      const before = layer.bottoms[0] && makerOf(graph, layer.bottoms[0]);
      if (graph.phase !== 'TRAIN' || !before?.needsBackward || !before.type.gradientReadsTop) return [];
      return about(
        layer,
        'in-place-unfit',
        `Layer "${layer.name}" (${layer.type.type}) writes over "${top[index]}", from which "${before.name}" (${before.type.type}) computes its gradient.`,
        {
          field: 'top',
          index,
          hint: 'Mokapot computes it right all the same; in Caffe the gradient would be wrong without a word. Give the top a name of its own.',
        },
      );
    }),
};

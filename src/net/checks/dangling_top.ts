/** In training every blob is read: what no loss stands on is computed for nothing, and learns nothing. */

import { nth } from '../../diagnostics/index.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { SCORES } from './examples.js';
import { isLoss, readersOf, trains } from './walk.js';

const two = (bottom: string) => `layer {
  name: "conv2" type: "Convolution" bottom: "score" top: "conv2"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "${bottom}" bottom: "label" top: "loss" }
`;

export const danglingTopDoc = (): CheckDoc => ({
  doc: 'In phase TRAIN every top is read, or is a loss.',
  cure: 'A blob that nobody reads is often a bottom that names another blob by mistake: see what was to read it. A top that is really of no use goes into a Silence layer.',
  example: { head: SCORES, wrong: two('score'), right: two('conv2'), phase: 'TRAIN' },
});

export const danglingTop: CheckRule = {
  code: 'dangling-top',
  run(graph) {
    if (!trains(graph)) return [];
    const readers = readersOf(graph);
    return graph.layers.flatMap(layer => {
      if (layer.source === undefined || isLoss(layer) || layer.type.isLoss || layer.type.endsNet) return [];
      return layer.tops.flatMap((top, index) => {
        // Second tops (a pooling mask, shares) are extras.
        if ((readers.get(top.id)?.length ?? 0) > 0 || (index > 0 && !layer.type.isSource)) return [];
        const learns = layer.params.some(p => nth(graph.params, p).lrMult !== 0);
        return about(
          layer,
          'dangling-top',
          `Nothing reads "${top.name}", the top of layer "${layer.name}" (${layer.type.type})${learns ? ': the layer never learns' : ''}.`,
          {
            field: 'top',
            index,
            severity: learns ? 'warning' : 'note',
            hint: layer.type.isSource
              ? 'If it is of no use, a Silence layer says so, or leave the layer out.'
              : 'See whether the layer after it names another bottom by mistake.',
          },
        );
      });
    });
  },
};

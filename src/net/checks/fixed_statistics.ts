/** Statistics of normalisation that are used, never gathered, and loaded from nowhere. */

import { about, type CheckDoc, type CheckRule } from './check.js';
import { PIXELS } from './examples.js';
import { trains } from './walk.js';

const net = (param: string) => `layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn"${param} }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "bn" bottom: "label" top: "loss" }
`;

export const fixedStatisticsDoc = (): CheckDoc => ({
  doc: 'A net that is trained from scratch gathers the statistics that it normalises by.',
  cure: 'With use_global_stats: true in phase TRAIN the mean and the variance are those of the weights that are loaded, and training never changes them. Without such weights both are 0 and stay 0. Leave use_global_stats out, Caffe then chooses by the phase, or start from trained weights.',
  example: {
    head: PIXELS,
    wrong: net(' batch_norm_param { use_global_stats: true }'),
    right: net(''),
    phase: 'TRAIN',
  },
});

export const fixedStatistics: CheckRule = {
  code: 'fixed-statistics',
  run(graph, { weightsLoaded }) {
    if (weightsLoaded || !trains(graph)) return [];
    return graph.layers.flatMap(layer => {
      const field = layer.type.fixedStatistics?.(layer.context.param);
      if (!field) return [];
      const name = field.split('.')[1];
      return about(
        layer,
        'fixed-statistics',
        `Layer "${layer.name}" normalises by statistics that are 0 and stay 0: ${name} is true while it is trained, and no weights are loaded.`,
        { field, hint: `Leave ${name} out, or start from trained weights: --weights FILE.` },
      );
    });
  },
};

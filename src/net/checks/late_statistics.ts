/** BatchNorm's kept statistics come late where weights are averaged: they are averaged too, on top of their own moving average. */

import { create } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { PIXELS } from './examples.js';
import { trains } from './walk.js';

/** Of a run's iterations; what lags by more than this is told. */
const MOST = 0.05;

const net = (param: string) => `layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn"${param} }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "bn" bottom: "label" top: "loss" }
`;

export const lateStatisticsDoc = (): CheckDoc => ({
  doc: 'Where weights are averaged (ema_decay), BatchNorm’s statistics follow within a twentieth of the run.',
  cure: 'Tests and .caffemodel have averages of the statistics beside those of the weights. With Caffe’s moving_average_fraction of 0.999 they are means of a thousand iterations already, and in a short run those of much earlier weights: a validation loss of 0.108 where statistics of the same weights give 0.047. With 0.9 they agree.',
  example: {
    head: PIXELS,
    wrong: net(''),
    right: net(' batch_norm_param { moving_average_fraction: 0.9 }'),
    phase: 'TRAIN',
    solver: create('caffe.SolverParameter', { max_iter: 2000, mokapot_param: { ema_decay: 0.99 } }),
    given: 'a solver with max_iter: 2000 and mokapot_param { ema_decay: 0.99 }',
  },
});

export const lateStatistics: CheckRule = {
  code: 'late-statistics',
  run(graph, options) {
    const solver = options.solver?.param;
    if (!solver?.mokapot_param?.ema_decay || !trains(graph)) return [];
    return graph.layers.flatMap(layer => {
      const kept = layer.type.keptStatistics?.(layer.context.param);
      const span = Math.round(1 / (1 - (kept?.fraction ?? 0)));
      if (!kept || span <= MOST * solver.max_iter) return [];
      const { max_iter } = solver;
      const over = Number.isFinite(span) ? `about ${span} iterations of ${max_iter}` : `all ${max_iter} iterations`;
      return about(
        layer,
        'late-statistics',
        `Layer "${layer.name}" keeps statistics over ${over}, and weights are averaged besides: tests see statistics of much earlier weights.`,
        {
          field: kept.field,
          hint: `A fraction of 0.9 is quick enough: ${kept.field.replace('.', ' { ')}: 0.9 }.`,
        },
      );
    });
  },
};

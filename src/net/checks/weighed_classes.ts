/** A solver's class_weights need a loss that weighs classes, and one weight for each. */

import { error } from '../../diagnostics/index.js';
import { create, locate } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { PIXELS } from './examples.js';
import { trains } from './walk.js';

const net = (classes: number) => `layer {
  name: "score" type: "Convolution" bottom: "data" top: "score"
  convolution_param { num_output: ${classes} kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
`;

export const weighedClassesDoc = (): CheckDoc => ({
  doc: 'Where a solver gives class_weights, the training net has a loss that weighs classes, with as many classes.',
  cure: 'SoftmaxWithLoss alone does. `mokapot train` refuses other nets, as the weights would do nothing.',
  example: {
    head: PIXELS,
    wrong: net(3),
    right: net(2),
    phase: 'TRAIN',
    solver: create('caffe.SolverParameter', { mokapot_param: { class_weights: '1,3' } }),
    given: 'a solver with mokapot_param { class_weights: "1,3" }',
  },
});

export const weighedClasses: CheckRule = {
  code: 'weighed-classes',
  run(graph, { solver }) {
    const own = solver?.param.mokapot_param;
    if (!own?.class_weights || !trains(graph)) return [];
    const losses = graph.layers.filter(({ type }) => type.classLabels?.weighs);
    if (losses.length === 0) {
      const location = locate(own, 'class_weights');
      const hint = 'Make the loss SoftmaxWithLoss, or leave class_weights out.';
      return [error('weighed-classes', 'No loss of the net weighs classes.', { hint, ...(location && { location }) })];
    }
    const given = own.class_weights.split(',').length;
    return losses.flatMap(layer => {
      const classes = layer.bottoms[0]!.shape.at(layer.type.classLabels!.axis(layer.context.param));
      if (given === 1 || classes === given) return [];
      const message = `Layer "${layer.name}" has scores for ${classes} classes, and class_weights gives ${given} weights.`;
      return about(layer, 'weighed-classes', message, {
        severity: 'error',
        hint: 'Give one for each class, in order.',
      });
    });
  },
};

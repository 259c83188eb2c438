/** There is a score for every class that the labels may hold, and for more than one. */

import { nth } from '../../diagnostics/index.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { PIXELS } from './examples.js';
import { classAxis, isLoss } from './walk.js';

const score = (outputs: number) => `layer {
  name: "score" type: "Convolution" bottom: "data" top: "score"
  convolution_param { num_output: ${outputs} kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
`;

export const labelClassesDoc = (): CheckDoc => ({
  doc: 'There are as many scores as classes in the labels.',
  cure: 'A label beyond the scores makes Caffe read outside its memory; softmax over a single score is always 1, and the loss 0. Give the layer that makes the scores num_output: the number of classes, background included.',
  example: { head: PIXELS, wrong: score(1), right: score(2), phase: 'TRAIN' },
});

export const labelClasses: CheckRule = {
  code: 'label-classes',
  run: (graph, { classes }) =>
    graph.layers.flatMap(layer => {
      const axis = classAxis(layer);
      if (axis === undefined || layer.bottoms.length < 2) return [];
      const { type, applies } = layer.type;
      const channels = nth(layer.bottoms, 0).shape[axis];
      const [x, label] = layer.context.param.bottom;
      if (applies?.activation === 'softmax' && channels === 1 && isLoss(layer)) {
        return about(
          layer,
          'label-classes',
          `Layer "${layer.name}" (${type}) gets a single score per label, "${x}": its softmax is always 1, and the loss always 0.`,
          {
            field: 'bottom',
            index: 0,
            hint: 'Two classes need two scores: num_output: 2. For a single score there is SigmoidCrossEntropyLoss.',
          },
        );
      }
      if (!classes || !label?.startsWith('label') || channels === undefined || channels >= classes.length) return [];
      const shown = classes.length > 6 ? `${classes.slice(0, 5).join(', ')}, …` : classes.join(', ');
      return about(
        layer,
        'label-classes',
        `Layer "${layer.name}" (${type}) gets ${channels} scores per label, "${x}", and the data set has ${classes.length} classes: ${shown}.`,
        {
          field: 'bottom',
          index: 0,
          hint: `Give the layer that makes the scores num_output: ${classes.length} (and what upsamples them num_output and group).`,
        },
      );
    }),
};

/** An upsampling that starts bilinear and has no `lr_mult: 0` is learnt, which takes time and is often not meant. */

import { adding } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { PIXELS } from './examples.js';
import { bilinearFilter } from './fillers.js';
import { trains } from './walk.js';

const upsample = (param: string) => `layer {
  name: "half" type: "Convolution" bottom: "data" top: "half"
  convolution_param { num_output: 3 kernel_size: 2 stride: 2 weight_filler { type: "xavier" } }
}
layer {
  name: "up" type: "Deconvolution" bottom: "half" top: "up"${param}
  convolution_param {
    num_output: 3 group: 3 kernel_size: 4 stride: 2 pad: 1 bias_term: false
    weight_filler { type: "bilinear" }
  }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "up" bottom: "label" top: "loss" }
`;

export const bilinearLearnsDoc = (): CheckDoc => ({
  doc: 'A Deconvolution with a bilinear filler says whether it learns.',
  cure: 'It learns unless told otherwise, which takes time and is often not meant. Write param { lr_mult: 0 } to keep it bilinear, param { lr_mult: 1 } to say that it is to learn.',
  example: { head: PIXELS, wrong: upsample(''), right: upsample('\n  param { lr_mult: 0 }'), phase: 'TRAIN' },
});

export const bilinearLearns: CheckRule = {
  code: 'bilinear-learns',
  run: graph =>
    !trains(graph)
      ? []
      : graph.layers.flatMap(layer => {
          const param = bilinearFilter(layer);
          const weight = graph.params[layer.params[0] ?? -1];
          const silent = layer.context.param.param.length === 0;
          if (!param || !silent || !weight?.lrMult) return [];
          const edits = adding(layer.context.param, 'param', '{ lr_mult: 0 }');
          return about(
            layer,
            'bilinear-learns',
            `Layer "${layer.name}" starts as bilinear upsampling and is learnt from there.`,
            {
              severity: 'note',
              hint: 'If it is to stay bilinear, add param { lr_mult: 0 }; if it is to be learnt, param { lr_mult: 1 } says so.',
              fix: fixOf('Keep it bilinear: param { lr_mult: 0 }.', edits, 'unsafe'),
            },
          );
        }),
};

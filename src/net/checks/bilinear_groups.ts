/**
 * Bilinear upsampling works on each channel alone: `group` must equal `num_output`, else every output channel is the sum
 * of all upsampled input channels.
 */

import { nth } from '../../diagnostics/index.js';
import { setting } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { PIXELS } from './examples.js';
import { bilinearFilter } from './fillers.js';

const upsample = (group: string) => `layer {
  name: "up" type: "Deconvolution" bottom: "data" top: "up"
  param { lr_mult: 0 }
  convolution_param {
    num_output: 3${group}
    kernel_size: 4
    stride: 2
    pad: 1
    bias_term: false
    weight_filler { type: "bilinear" }
  }
}
`;

export const bilinearGroupsDoc = (): CheckDoc => ({
  doc: 'A Deconvolution with a bilinear filler has as many groups as outputs.',
  cure: 'Without groups every output channel is the sum of all upsampled input channels. Set group to num_output.',
  example: { head: PIXELS, wrong: upsample(''), right: upsample('\n    group: 3') },
});

export const bilinearGroups: CheckRule = {
  code: 'bilinear-without-groups',
  run: graph =>
    graph.layers.flatMap(layer => {
      const param = bilinearFilter(layer);
      if (!param || param.group === param.num_output) return [];
      const { group, num_output: outputs } = param;
      const channels = nth(layer.bottoms, 0).shape[1];
      const edits = setting(layer.context.param, `${layer.type.weights!.field}.group`, String(outputs));
      return about(
        layer,
        'bilinear-without-groups',
        `Layer "${layer.name}" upsamples bilinearly with group ${group} and num_output ${outputs}: each output channel is the sum of several upsampled input channels.`,
        {
          field: `${layer.type.weights!.field}.group`,
          hint: `To upsample each channel by itself, set group: ${outputs}.`,
          fix: channels === outputs ? fixOf(`Set group: ${outputs}.`, edits) : undefined,
        },
      );
    }),
};

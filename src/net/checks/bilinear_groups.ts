/**
 * Bilinear upsampling works on each channel alone: `group` must equal `num_output`, else every output channel is the sum
 * of all upsampled input channels.
 */

import { error } from '../../diagnostics/index.js';
import { sub } from '../../schema/index.js';
import { placeOf } from '../report.js';
import type { Check } from './check.js';

export const bilinearGroups: Check = {
  code: 'bilinear-without-groups',
  doc: 'A Deconvolution with a bilinear filler has as many groups as outputs.',
  run: graph =>
    graph.layers.flatMap(layer => {
      const param = sub(layer.context.param, 'convolution_param');
      const bilinear = layer.type.type === 'Deconvolution' && param.weight_filler?.type === 'bilinear';
      if (!bilinear || param.group === param.num_output) return [];
      const message = `Layer "${layer.name}" upsamples bilinearly with group ${param.group} and num_output ${param.num_output}: each output channel is the sum of several upsampled input channels.`;
      return error('bilinear-without-groups', message, {
        severity: 'warning',
        layer: layer.name,
        location: placeOf({ message: param, field: 'group' }) ?? placeOf({ message: layer.context.param }),
        hint: `To upsample each channel by itself, set group: ${param.num_output}.`,
      });
    }),
};

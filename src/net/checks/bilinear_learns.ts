/** An upsampling that starts bilinear and has no `lr_mult: 0` is learnt, which takes time and is often not meant. */

import { error } from '../../diagnostics/index.js';
import { sub } from '../../schema/index.js';
import { placeOf } from '../report.js';
import type { Check } from './check.js';

export const bilinearLearns: Check = {
  code: 'bilinear-learns',
  doc: 'A Deconvolution with a bilinear filler says whether it learns.',
  run: graph =>
    graph.layers.flatMap(layer => {
      const param = sub(layer.context.param, 'convolution_param');
      const bilinear = layer.type.type === 'Deconvolution' && param.weight_filler?.type === 'bilinear';
      const weight = graph.params[layer.params[0] ?? -1];
      const silent = layer.context.param.param.length === 0;
      if (!bilinear || !silent || !weight?.lrMult || graph.phase !== 'TRAIN') return [];
      return error('bilinear-learns', `Layer "${layer.name}" starts as bilinear upsampling and is learnt from there.`, {
        severity: 'note',
        layer: layer.name,
        location: placeOf({ message: layer.context.param }),
        hint: 'If it is to stay bilinear, add param { lr_mult: 0 }; if it is to be learnt, param { lr_mult: 1 } says so.',
      });
    }),
};

/** Labels are class numbers: a data layer that scales them, or takes a mean off, makes fractions of them. */

import { formatFloat, isSet, removing, sub } from '../../schema/index.js';
import type { NetLayer } from '../types.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { makerOf } from './walk.js';

const labels = (transform: string) => `layer { name: "data" type: "Data" top: "data" data_param { batch_size: 1 } }
layer { name: "label" type: "Data" top: "label"${transform} data_param { batch_size: 1 } }
layer {
  name: "score" type: "Convolution" bottom: "data" top: "score"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
`;

export const scaledLabelsDoc = (): CheckDoc => ({
  doc: 'Labels that are read as class numbers are not scaled.',
  cure: 'Scaled by 1/256, class 1 becomes 0.0039, which counts as class 0. Leave transform_param out of the layer that gives labels.',
  example: {
    wrong: labels(' transform_param { scale: 0.00390625 }'),
    right: labels(''),
    phase: 'TRAIN',
    given: 'a data set',
  },
});

export const scaledLabels: CheckRule = {
  code: 'scaled-labels',
  run(graph) {
    const told = new Set<NetLayer>();
    return graph.layers.flatMap(layer => {
      if (!layer.type.classLabels) return [];
      const source = layer.bottoms[1] && makerOf(graph, layer.bottoms[1]);
      if (!source || told.has(source) || !alters(source)) return [];
      told.add(source);
      const param = sub(source.context.param, 'transform_param');
      const field = isSet(param, 'scale') ? 'scale' : isSet(param, 'mean_file') ? 'mean_file' : 'mean_value';
      const value = field === 'scale' ? ` by ${formatFloat(param.scale)}` : '';
      return about(
        source,
        'scaled-labels',
        `Layer "${source.name}" (${source.type.type}) ${field === 'scale' ? 'scales' : 'takes a mean off'} the labels${value} that "${layer.name}" reads as class numbers.`,
        {
          field: `transform_param.${field}`,
          hint: `Take ${field} out: labels must stay whole numbers.`,
          fix: fixOf(`Take ${field} out.`, removing(param, field)),
        },
      );
    });
  },
};

/** Whether the layer gives nothing but labels and changes them. Of a datum's own label (its second top) no transform is made. */
function alters({ type, source, context, tops }: NetLayer): boolean {
  if (!source || !type.reads || tops.length !== 1) return false;
  const { scale, mean_file, mean_value } = sub(context.param, 'transform_param');
  return scale !== 1 || mean_file !== '' || mean_value.some(v => v !== 0);
}

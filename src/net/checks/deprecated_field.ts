/** Fields that Caffe has replaced by others, and still reads. */

import { isSet, removing, replacing } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { SCORES } from './examples.js';

const loss = (param: string) => `layer {
  name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss"
  loss_param { ${param} }
}
`;

export const deprecatedFieldDoc = (): CheckDoc => ({
  doc: 'A loss says normalization, not the older normalize.',
  cure: 'Caffe reads the older field too, as long as the newer one is not given. --fix writes the newer one, with the same meaning.',
  example: { head: SCORES, wrong: loss('normalize: false'), right: loss('normalization: BATCH_SIZE'), phase: 'TRAIN' },
});

export const deprecatedField: CheckRule = {
  code: 'deprecated-field',
  run: graph =>
    graph.layers.flatMap(layer => {
      const param = layer.context.param.loss_param;
      if (!param || !isSet(param, 'normalize')) return [];
      const newer = `normalization: ${param.normalize ? 'VALID' : 'BATCH_SIZE'}`;
      const both = isSet(param, 'normalization');
      return about(
        layer,
        'deprecated-field',
        both
          ? `Layer "${layer.name}" gives normalize and normalization: the older normalize does not count.`
          : `Layer "${layer.name}" uses normalize, which is deprecated.`,
        {
          field: 'loss_param.normalize',
          severity: 'note',
          hint: both ? 'Take normalize out.' : `Write ${newer}, which means the same.`,
          fix: both
            ? fixOf('Take normalize out.', removing(param, 'normalize'))
            : fixOf(`Write ${newer}.`, replacing(param, 'normalize', newer)),
        },
      );
    }),
};

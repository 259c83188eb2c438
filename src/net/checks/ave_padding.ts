/**
 * Caffe divides AVE pooling by the window clipped to the padded plane: padding counts as zeros, and borders come out too
 * small.
 */

import { paramAt } from '../../layers/index.js';
import { isSet, PoolingParameter } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { PICTURES } from './examples.js';

const pool = (pad: string) => `layer {
  name: "pool" type: "Pooling" bottom: "data" top: "pool"
  pooling_param { pool: AVE kernel_size: 3 stride: 2${pad} }
}
`;

export const avePaddingDoc = (): CheckDoc => ({
  doc: 'AVE pooling has no padding.',
  cure: 'Caffe counts the zeros of the padding in the mean, so that values at the border come out too small. Use no pad, or MAX.',
  example: { head: PICTURES, wrong: pool(' pad: 1'), right: pool('') },
});

export const avePadding: CheckRule = {
  code: 'ave-pooling-pad',
  run: graph =>
    graph.layers.flatMap(layer => {
      const { poolsBy, type } = layer.type;
      const param = poolsBy && paramAt<PoolingParameter>(layer.context.param, poolsBy);
      if (param?.pool !== PoolingParameter.PoolMethod.AVE) return [];
      const field = (['pad', 'pad_h', 'pad_w'] as const).find(f => param[f] > 0);
      if (!field) return [];
      return about(
        layer,
        'ave-pooling-pad',
        `Layer "${layer.name}" (${type}, AVE) pads by ${param[field]}: the zeros of the padding count in the mean, and values at the border come out too small.`,
        {
          field: `${poolsBy}.${field}`,
          severity: 'note',
          hint: `That is Caffe's rule; other frameworks may leave padding out. Nothing to do where the net was trained in Caffe${isSet(param, 'round_mode') ? '' : '; with pad: 0 windows are clipped at the border instead'}.`,
        },
      );
    }),
};

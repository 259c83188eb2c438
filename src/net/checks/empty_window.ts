/**
 * Pooling windows hold something. With pad Caffe leaves out a last window that starts behind the input; without pad it
 * does not, and a stride greater than the kernel can put one wholly outside: MAX gives -3.4e38 there, AVE 0 / 0.
 */

import { nth } from '../../diagnostics/index.js';
import { dim } from '../../ir/index.js';
import { paramAt } from '../../layers/index.js';
import { isSet, PoolingParameter } from '../../schema/index.js';
import type { NetLayer } from '../types.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { PICTURES } from './examples.js';

const pool = (round: string) => `layer {
  name: "pool" type: "Pooling" bottom: "data" top: "pool"
  pooling_param { pool: MAX kernel_size: 1 stride: 2${round} }
}
`;

export const emptyWindowDoc = (): CheckDoc => ({
  doc: 'Every pooling window covers some of its input.',
  cure: 'Windows are counted by rounding up, and a stride greater than the kernel can put the last one behind the end of the input. Give round_mode: FLOOR, or a kernel as large as the stride.',
  example: { head: PICTURES, wrong: pool(''), right: pool(' round_mode: FLOOR') },
});

export const emptyWindow: CheckRule = {
  code: 'pool-empty-window',
  run: graph =>
    graph.layers.flatMap(layer => {
      const { poolsBy, type } = layer.type;
      const param = poolsBy && paramAt<PoolingParameter>(layer.context.param, poolsBy);
      const outside = param && emptyAxis(layer, param);
      if (!outside) return [];
      const { start, size } = outside;
      const { pool } = param;
      const what = pool === PoolingParameter.PoolMethod.AVE ? 'not a number (0 / 0)' : '-3.4e38';
      return about(
        layer,
        'pool-empty-window',
        `The last window of layer "${layer.name}" (${type}) starts at ${start}, behind the ${size} places of its input: its value is ${what}.`,
        {
          field: `${poolsBy}.stride`,
          hint: 'The number of windows is rounded up. Write round_mode: FLOOR, or take a kernel_size as large as the stride.',
        },
      );
    }),
};

function emptyAxis({ context, tops }: NetLayer, p: PoolingParameter): { start: number; size: number } | undefined {
  if (p.global_pooling) return undefined;
  const strides = isSet(p, 'stride_h') ? [p.stride_h, p.stride_w] : [p.stride, p.stride];
  const pads = isSet(p, 'pad_h') ? [p.pad_h, p.pad_w] : [p.pad, p.pad];
  return strides
    .map((stride, i) => ({
      start: (dim(nth(tops, 0).shape, i + 2) - 1) * stride - nth(pads, i),
      size: dim(nth(context.bottomShapes, 0), i + 2),
    }))
    .find(({ start, size }) => start >= size);
}

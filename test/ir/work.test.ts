/** Operations and bytes of graphs, against sums by hand. */

import { expect, it } from 'vitest';
import { Builder, gradients } from '../../src/ir/index.js';
import { workOf } from '../../src/ir/work.js';

const geometry = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 2 } as const;

it('a grouped convolution and its two gradients are the same number of operations', () => {
  const b = new Builder();
  const x = b.input('x', [2, 4, 5, 6]);
  const w = b.variable('w', [8, 2, 3, 3]);
  const y = b.conv2d(x, w, geometry);
  const forward = 2 * (2 * 8 * 5 * 6) * (2 * 3 * 3);
  expect(workOf([x.node, w.node, y.node])).toEqual({ operations: forward, bytes: 4 * (240 + 144 + 480) });
  const back = gradients(b, [{ value: y, seed: b.input('dy', y.shape) }], [x, w]);
  for (const gradient of back) expect(workOf([gradient!.node]).operations).toBe(forward);
});

it('of a matrix product, whichever side is transposed', () => {
  const b = new Builder();
  const product = b.matMul(b.input('a', [3, 7, 5]), b.input('c', [3, 7, 4]), { transposeA: true, transposeB: false });
  expect(workOf([product.node])).toEqual({ operations: 2 * 3 * 5 * 4 * 7, bytes: 4 * 3 * (35 + 28 + 20) });
});

it('another op is an operation a number, a reshape none', () => {
  const b = new Builder();
  const x = b.input('x', [6, 7]);
  const y = b.relu(x);
  const z = b.reshape(y, [42]);
  expect(workOf([x.node, y.node, z.node])).toEqual({ operations: 42, bytes: 4 * 84 });
});

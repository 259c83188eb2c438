/** A negative lr_mult learns uphill: Caffe multiplies the rate by it and asks only whether it is 0. */

import { expect, it } from 'vitest';
import { Solver } from '../../src/train/node/solver.js';

const net = `
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 } } }
  layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 1 dim: 1 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" param { lr_mult: -2 } param { lr_mult: 0 }
    inner_product_param { num_output: 1 weight_filler { value: 3 } bias_filler { value: 1 } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }`;

// y = 2w + 1, loss = y² / 2: the gradient of w is 2y, of b is y.
it.each([
  ['SGD', 3 + 2 * 0.1 * 14],
  ['AdaGrad', 3 + 2 * 0.1],
])('%s', async (type, weight) => {
  const solver = await Solver.fromText(
    `net_param { ${net} } type: "${type}" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 random_seed: 1`,
    { backend: 'host' },
  );
  await solver.step(1, { x: Float32Array.of(2), t: Float32Array.of(0) });
  const [w, b] = solver.net.params.get('ip')!;
  expect(w!.data[0]).toBeCloseTo(weight, 4);
  expect(b!.data[0]).toBe(1);
  await solver.dispose();
});

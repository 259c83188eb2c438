/** Weights of classes in the loss: the formulas, and that a run by them is the run of a network that has them written in. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { classWeightsOf } from '../../src/train/class_weights.js';
import { Solver } from '../../src/train/solver.js';
import { failure } from '../failure.js';

type Dataset = NonNullable<Parameters<typeof classWeightsOf>[1]>;
const dataset = (classPixels: readonly number[]) =>
  ({ name: 'set', classes: ['a', 'b', 'c', 'd'], splits: { train: { classPixels } } }) as unknown as Dataset;

describe('weights', () => {
  const near = (found: readonly number[], wanted: readonly number[]) => {
    expect(found).toHaveLength(wanted.length);
    wanted.forEach((w, i) => {
      expect(found[i]).toBeCloseTo(w, 5);
    });
  };

  it('auto: the median of the shares over each share', () => {
    // Shares 0.9, 0.1: median 0.5. Shares 0.6, 0.3, 0.1: median 0.3.
    near(classWeightsOf('auto', dataset([900, 100])), [0.5 / 0.9, 5]);
    near(classWeightsOf('auto', dataset([600, 300, 100])), [0.5, 1, 3]);
    near(classWeightsOf('auto', dataset([5, 5, 5, 5])), [1, 1, 1, 1]);
    near(classWeightsOf('sqrt', dataset([600, 300, 100])), [Math.SQRT1_2, 1, Math.sqrt(3)]);
  });

  it('numbers are taken as they are', () => {
    near(classWeightsOf('0.5, 2', undefined), [0.5, 2]);
  });

  it.each([
    ['auto', undefined, 'none is in use'],
    ['auto', dataset([10, 0]), 'Class 1 ("b") has no pixel'],
    ['automatic', dataset([1, 1]), 'gives no weights of classes'],
    ['1,-1', dataset([1, 1]), 'gives no weights of classes'],
    ['0,0', dataset([1, 1]), 'gives no weights of classes'],
    ['1,', dataset([1, 1]), 'gives no weights of classes'],
  ])('%s is refused', async (text, set, message) => {
    expect(await failure((async () => classWeightsOf(text, set))())).toMatchObject({
      code: 'class-weights',
      message: expect.stringContaining(message),
    });
  });
});

describe('in a run', () => {
  const net = (loss: string, type = 'SoftmaxWithLoss') => `net_param {
    input: "x" input_shape { dim: 2 dim: 3 } input: "label" input_shape { dim: 2 ${type === 'SoftmaxWithLoss' ? '' : 'dim: 2'} }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "${type}" bottom: "y" bottom: "label" top: "loss" ${loss} } }`;
  const solver = (own: string, text: string) =>
    Solver.fromText(`base_lr: 0.1 lr_policy: "fixed" max_iter: 4 random_seed: 2 ${own} ${text}`, {
      engine: async () => createHostEngine(),
    });
  const feeds = { x: [1, 2, -1, 0.5, -1, 2], label: [1, 0] };

  it('is that of a network with the weights in its loss', async () => {
    const own = 'mokapot_param { class_weights: "0.25,4" }';
    const written = net('loss_param { weight_by_label_freqs: true class_weighting: [0.25, 4] }');
    const [a, b, c] = [await solver(own, net('')), await solver('', written), await solver('', net(''))];
    for (const s of [a, b, c]) await s.step(4, feeds);
    expect(a.losses).toEqual(b.losses);
    expect(a.losses).not.toEqual(c.losses);
    await Promise.all([a, b, c].map(s => s.dispose()));
  });

  it('a network’s own weights stay; what cannot be weighed is refused', async () => {
    const own = 'mokapot_param { class_weights: "1,1" }';
    const written = net('loss_param { weight_by_label_freqs: true class_weighting: [0.25, 4] }');
    const [a, b] = [await solver(own, written), await solver('', written)];
    for (const s of [a, b]) await s.step(2, feeds);
    expect(a.losses).toEqual(b.losses);
    await Promise.all([a, b].map(s => s.dispose()));
    expect(await failure(solver(own, net('', 'SigmoidCrossEntropyLoss')))).toMatchObject({
      code: 'class-weights',
    });
    expect(await failure(solver('mokapot_param { class_weights: "1,1,1" }', net('')))).toMatchObject({
      code: 'class-weights',
    });
    expect(await failure(solver('mokapot_param { oversample { class: "1" factor: 2 } }', net('')))).toMatchObject({
      code: 'oversample',
    });
  });
});

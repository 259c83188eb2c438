/** Rules of Caffe that no golden of its own shows: ties, cuts, empty counts, chance. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { lowerNet } from '../../src/net/index.js';
import { compiled, runLayer } from './net_of.js';

const f = (...values: number[]) => Float32Array.from(values);

describe('SoftmaxWithLoss', () => {
  const loss = (body = '') =>
    `layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "label" top: "loss" ${body} }`;

  it('cuts its value at −log of the least normal float, its gradient nowhere', async () => {
    const feeds = { x: f(0, 1e6), label: f(0) };
    const shapes = { x: [1, 2], label: [1] };
    const out = await runLayer(loss(), shapes, feeds, { diffs: { loss: f(1) }, blobDiffs: ['x'] });
    expect(out['loss']![0]).toBeCloseTo(87.33655, 4);
    expect([...out['grad/blob/x']!]).toEqual([-1, 1]);
  });

  it('with every label ignored is 0, and so is its gradient', async () => {
    const shapes = { x: [2, 2], label: [2] };
    const feeds = { x: f(1, 2, 3, 4), label: f(255, 255) };
    const out = await runLayer(loss('loss_param { ignore_label: 255 }'), shapes, feeds, {
      diffs: { loss: f(1) },
      blobDiffs: ['x'],
    });
    expect(out['loss']![0]).toBe(0);
    expect(out['grad/blob/x']!.every(v => v === 0)).toBe(true);
  });

  it('gives the shares as its second top', async () => {
    const text = loss().replace('top: "loss"', 'top: "loss" top: "prob"');
    const out = await runLayer(text, { x: [1, 2], label: [1] }, { x: f(0, Math.log(3)), label: f(1) });
    expect(out['prob']![0]).toBeCloseTo(0.25, 6);
    expect(out['loss']![0]).toBeCloseTo(-Math.log(0.75), 6);
  });

  it('normalization comes before the older normalize', async () => {
    const shapes = { x: [1, 2, 2], label: [1, 2] };
    const feeds = { x: f(0, 0, 0, 0), label: f(0, 1) };
    const run = async (body: string) => (await runLayer(loss(`loss_param { ${body} }`), shapes, feeds))['loss']![0]!;
    expect(await run('normalize: false')).toBeCloseTo(2 * Math.LN2, 5);
    expect(await run('normalize: true')).toBeCloseTo(Math.LN2, 5);
    expect(await run('normalize: true normalization: NONE')).toBeCloseTo(2 * Math.LN2, 5);
  });
});

describe('Accuracy', () => {
  const accuracy = (body: string, tops = 'top: "acc"') =>
    `layer { name: "l" type: "Accuracy" bottom: "x" bottom: "label" ${tops} accuracy_param { ${body} } }`;
  const shapes = { x: [1, 3], label: [1] };

  it('ties speak against the label', async () => {
    const feeds = { x: f(2, 2, 1), label: f(0) };
    expect((await runLayer(accuracy(''), shapes, feeds))['acc']![0]).toBe(0);
    expect((await runLayer(accuracy('top_k: 2'), shapes, feeds))['acc']![0]).toBe(1);
  });

  it('is 0 where no label counts, also for a class that does not occur', async () => {
    const feeds = { x: f(3, 2, 1), label: f(0) };
    expect((await runLayer(accuracy('ignore_label: 0'), shapes, feeds))['acc']![0]).toBe(0);
    const out = await runLayer(accuracy('', 'top: "acc" top: "classes"'), shapes, feeds);
    expect([...out['classes']!]).toEqual([1, 0, 0]);
  });
});

describe('Eltwise MAX', () => {
  it('of equal bottoms gives the second the gradient, a third only where it is greater', async () => {
    const text = `layer { name: "l" type: "Eltwise" bottom: "a" bottom: "b" bottom: "c" top: "y" eltwise_param { operation: MAX } }`;
    const shapes = { a: [3], b: [3], c: [3] };
    const feeds = { a: f(1, 2, 0), b: f(1, 1, 0), c: f(1, 2, 5) };
    const out = await runLayer(text, shapes, feeds, { diffs: { y: f(1, 1, 1) }, blobDiffs: ['a', 'b', 'c'] });
    expect([...out['y']!]).toEqual([1, 2, 5]);
    expect(['a', 'b', 'c'].map(n => [...out[`grad/blob/${n}`]!])).toEqual([
      [0, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ]);
  });
});

describe('Convolution', () => {
  it('of a kernel that sticks out by less than a stride has one place, filled up with zeros', async () => {
    const text =
      'layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 3 stride: 2 bias_term: false } }';
    const out = await runLayer(
      text,
      { x: [1, 1, 2, 2] },
      { x: f(1, 2, 3, 4) },
      { params: { 'l/0': f(1, 1, 1, 1, 1, 1, 1, 1, 1) } },
    );
    expect([...out['y']!]).toEqual([10]);
  });

  it('in 3 dimensions sums over all three', async () => {
    const text =
      'layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 2 bias_term: false } }';
    const x = f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    const out = await runLayer(text, { x: [1, 1, 3, 2, 2] }, { x }, { params: { 'l/0': f(1, 0, 0, 0, 0, 0, 0, 10) } });
    expect([...out['y']!]).toEqual([1 + 80, 5 + 120]);
  });
});

describe('Dropout', () => {
  const text = 'layer { name: "drop" type: "Dropout" bottom: "x" top: "y" dropout_param { dropout_ratio: 0.75 } }';

  it('draws its mask from the host, keeps with probability 1 − ratio and scales up', async () => {
    const { graph } = lowerNet(compiled(text, { x: [4] }, 'TRAIN'), { fetch: 'all' });
    expect(graph.randoms).toEqual([{ name: 'drop/mask', shape: [4], distribution: { kind: 'bernoulli', p: 0.25 } }]);
    const randoms = { 'drop/mask': f(1, 0, 0, 1) };
    const out = await runLayer(
      text,
      { x: [4] },
      { x: f(1, 2, 3, 4) },
      { randoms, diffs: { y: f(1, 1, 1, 1) }, blobDiffs: ['x'] },
    );
    expect([...out['y']!]).toEqual([4, 0, 0, 16]);
    expect([...out['grad/blob/x']!]).toEqual([4, 0, 0, 4]);
  });

  it('is the identity in TEST', async () => {
    const { graph } = lowerNet(compiled(text, { x: [4] }, 'TEST'), { fetch: 'all' });
    expect(graph.randoms).toEqual([]);
  });
});

describe('Power', () => {
  it('with scale 0 is constant', async () => {
    const text = 'layer { name: "l" type: "Power" bottom: "x" top: "y" power_param { power: 3 scale: 0 shift: 2 } }';
    const out = await runLayer(text, { x: [2] }, { x: f(5, 6) }, { diffs: { y: f(1, 1) }, blobDiffs: ['x'] });
    expect([...out['y']!]).toEqual([8, 8]);
    expect([...out['grad/blob/x']!]).toEqual([0, 0]);
  });
});

describe('Power at a base of 0', () => {
  const of = async (power: number, shift = 0) => {
    const text = `layer { name: "l" type: "Power" bottom: "x" top: "y" power_param { power: ${power} shift: ${shift} } }`;
    const out = await runLayer(text, { x: [1] }, { x: f(0 - shift) }, { diffs: { y: f(1) }, blobDiffs: ['x'] });
    return [out['y']![0], out['grad/blob/x']![0]];
  };

  it('has the numbers of Caffe where these are numbers', async () => {
    expect(await of(1)).toEqual([0, 1]);
    expect(await of(2, 3)).toEqual([0, 0]);
    expect(await of(0)).toEqual([1, 0]);
    expect(await of(-1)).toEqual([Infinity, -Infinity]);
  });

  it('has the true gradient where Caffe divides 0 by 0', async () => {
    expect(await of(3)).toEqual([0, 0]);
    expect(await of(2.5, 1)).toEqual([0, 0]);
    expect(await of(0.5)).toEqual([0, Infinity]);
  });
});

describe('elementwise functions far out', () => {
  it.each([
    ['ELU', [500, -500], [500, -1], [1, 0]],
    ['BNLL', [500, -500, 0], [500, 0, Math.LN2], [1, 0, 0.5]],
    ['Sigmoid', [500, -500], [1, 0], [0, 0]],
    ['AbsVal', [0, -3], [0, 3], [0, -1]],
    ['ELU', [0], [0], [1]],
    ['ReLU', [0], [0], [0]],
  ])('%s of %j', async (type, x, y, dx) => {
    const out = await runLayer(
      `layer { name: "l" type: "${type}" bottom: "x" top: "y" }`,
      { x: [x.length] },
      { x: f(...x) },
      {
        diffs: { y: f(...x.map(() => 1)) },
        blobDiffs: ['x'],
      },
    );
    y.forEach((v, i) => {
      expect(out['y']![i]).toBeCloseTo(v, 5);
      expect(out['grad/blob/x']![i]).toBeCloseTo(dx[i]!, 5);
    });
  });
});

describe('MVN', () => {
  it('of equal elements is 0 with a finite gradient', async () => {
    const text = 'layer { name: "l" type: "MVN" bottom: "x" top: "y" mvn_param { eps: 0.5 } }';
    const out = await runLayer(text, { x: [1, 1, 1, 2] }, { x: f(3, 3) }, { diffs: { y: f(1, 0) }, blobDiffs: ['x'] });
    expect([...out['y']!]).toEqual([0, 0]);
    expect([...out['grad/blob/x']!]).toEqual([1, -1]);
  });
});

describe('ArgMax', () => {
  it('of equals takes the last first', async () => {
    const text = 'layer { name: "l" type: "ArgMax" bottom: "x" top: "y" argmax_param { top_k: 3 axis: 1 } }';
    const out = await runLayer(text, { x: [1, 4] }, { x: f(7, 1, 7, 7) });
    expect([...out['y']!]).toEqual([3, 2, 0]);
  });
});

describe('BatchNorm', () => {
  const text =
    'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { moving_average_fraction: 0.5 eps: 0 } }';

  it('keeps sums of means, of unbiased variances and of weights, and uses them in TEST', async () => {
    const engine = createHostEngine();
    const key = (i: number) => `bn/${i}`;
    [f(2), f(4), f(1)].forEach((data, i) => {
      engine.write(key(i), data, [1]);
    });
    const run = async (phase: 'TRAIN' | 'TEST') => {
      const program = await engine.compile(lowerNet(compiled(text, { x: [2, 1] }, phase)).graph);
      return (await program.run({ x: f(1, 5) }, ['y']))['y']!;
    };
    expect([...(await run('TRAIN'))]).toEqual([-1, 1]);
    const kept = await Promise.all([0, 1, 2].map(i => engine.read(key(i))));
    expect(kept.map(k => k[0])).toEqual([0.5 * 2 + 3, 0.5 * 4 + 8, 0.5 + 1]);
    const [mean, variance] = [4 / 1.5, 10 / 1.5];
    (await run('TEST')).forEach((v, i) => {
      expect(v).toBeCloseTo(([1, 5][i]! - mean) / Math.sqrt(variance), 5);
    });
    expect((await engine.read(key(2)))[0]).toBe(1.5);
  });

  it('refuses the scale and bias of NVCaffe, which a Scale layer is for', () => {
    const scaled = text.replace('eps: 0', 'eps: 0 scale_filler { value: 1 }');
    expect(() => compiled(scaled, { x: [2, 3] })).toThrow(/scale_filler asks for a scale/);
  });

  it('has statistics that no solver touches', () => {
    expect(compiled(text, { x: [2, 3] }).params.map(p => p.lrMult)).toEqual([0, 0, 0]);
    const learnt = text.replace('top: "y"', 'top: "y" param { lr_mult: 1 }');
    expect(() => compiled(learnt, { x: [2, 3] })).toThrow(/lr_mult of its statistics is 1/);
  });
});

describe('losses at their ends', () => {
  it('MultinomialLogisticLoss takes the logarithm of 1e-20 at least', async () => {
    const text = 'layer { name: "l" type: "MultinomialLogisticLoss" bottom: "x" bottom: "label" top: "loss" }';
    const out = await runLayer(text, { x: [1, 2], label: [1] }, { x: f(0, 1), label: f(0) });
    expect(out['loss']![0]).toBeCloseTo(-Math.log(1e-20), 4);
  });

  it('SigmoidCrossEntropyLoss divides by the batch size unless told otherwise, and skips ignored targets', async () => {
    const text = (body: string) =>
      `layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" top: "loss" loss_param { ${body} } }`;
    const shapes = { x: [2, 2], t: [2, 2] };
    const feeds = { x: f(0, 0, 0, 0), t: f(0, 1, 9, 1) };
    const run = async (body: string) => (await runLayer(text(body), shapes, feeds))['loss']![0]!;
    expect(await run('ignore_label: 9')).toBeCloseTo((3 * Math.LN2) / 2, 5);
    expect(await run('ignore_label: 9 normalization: VALID')).toBeCloseTo(Math.LN2, 5);
    expect(await run('ignore_label: 9 normalization: FULL')).toBeCloseTo((3 * Math.LN2) / 4, 5);
  });

  it('ContrastiveLoss of equal vectors has a finite gradient', async () => {
    const text = 'layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "loss" }';
    const feeds = { a: f(1, 2), b: f(1, 2), s: f(0) };
    const out = await runLayer(text, { a: [1, 2], b: [1, 2], s: [1] }, feeds, {
      diffs: { loss: f(1) },
      blobDiffs: ['a'],
    });
    expect(out['loss']![0]).toBeCloseTo(0.5, 6);
    expect([...out['grad/blob/a']!].map(Math.abs)).toEqual([0, 0]);
  });
});

describe('STOCHASTIC pooling', () => {
  const pool =
    'layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 } }';
  const shapes = { x: [1, 1, 2, 3] };
  // The windows: 1 2 / 4 5, and the clipped 3 / 6.
  const x = f(1, 2, 3, 4, 5, 6);

  it('takes the element at which the running sum reaches the drawn share of the whole, and sends its gradient there', async () => {
    const at = async (...draws: number[]) => {
      const randoms = { 'l/choice 1×2': f(...draws) };
      const out = await runLayer(pool, shapes, { x }, { randoms, diffs: { y: f(10, 20) }, blobDiffs: ['x'] });
      return [...out['y']!, ...out['grad/blob/x']!];
    };
    expect(await at(0, 0)).toEqual([1, 3, 10, 0, 20, 0, 0, 0]);
    expect(await at(0.25, 0.33)).toEqual([2, 3, 0, 10, 20, 0, 0, 0]);
    expect(await at(0.26, 0.34)).toEqual([4, 6, 0, 0, 0, 10, 0, 20]);
    expect(await at(0.99, 0.99)).toEqual([5, 6, 0, 0, 0, 0, 10, 20]);
  });

  it('is the mean weighted by the elements in TEST, 0 of zeros', async () => {
    const out = await runLayer(pool, shapes, { x }, { phase: 'TEST' });
    expect(out['y']![0]).toBeCloseTo((1 + 4 + 16 + 25) / 12, 5);
    expect(out['y']![1]).toBeCloseTo((9 + 36) / 9, 5);
    expect([...(await runLayer(pool, shapes, { x: new Float32Array(6) }, { phase: 'TEST' }))['y']!]).toEqual([0, 0]);
  });

  it('knows no padding and no mask', () => {
    expect(() => compiled(pool.replace('stride', 'pad: 1 stride'), shapes)).toThrow(/no padding/);
    expect(() => compiled(pool.replace('"y"', '"y" top: "mask"'), shapes)).toThrow(/MAX pooling/);
    const spp = 'layer { name: "l" type: "SPP" bottom: "x" top: "y" spp_param { pyramid_height: 2 pool: STOCHASTIC } }';
    expect(() => compiled(spp, { x: [1, 1, 3, 3] })).toThrow(/no padding/);
    expect(compiled(spp, { x: [1, 1, 4, 4] }).blobs.get('y')!.shape).toEqual([1, 5]);
  });
});

describe('InfogainLoss with its matrix in a file', () => {
  const loss = (body: string) =>
    `layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "label" top: "loss" ${body} }`;
  const withFile = loss('infogain_loss_param { source: "H.binaryproto" }');
  const shapes = { x: [1, 2], label: [1] };

  it('asks the reader for it', async () => {
    const readBlob = (source: string) => {
      expect(source).toBe('H.binaryproto');
      return { shape: [1, 1, 2, 2], data: f(1, 0, 0.5, 3) };
    };
    const out = await runLayer(withFile, shapes, { x: f(0, 0), label: f(1) }, { options: { readBlob } });
    expect(out['loss']![0]).toBeCloseTo(3.5 * Math.LN2, 5);
  });

  it('says what is missing or does not fit', async () => {
    expect(() => compiled(loss(''), shapes)).toThrow(/no matrix H/);
    const readBlob = () => ({ shape: [3, 3], data: new Float32Array(9) });
    expect(() => compiled(withFile, shapes, 'TRAIN', { readBlob })).toThrow(
      /H.binaryproto \[3, 3\] is no matrix of 2×2/,
    );
    await expect(runLayer(withFile, shapes, { x: f(0, 0), label: f(1) })).rejects.toThrow(/nothing here reads files/);
  });
});

describe('RNN and LSTM with expose_hidden', () => {
  it.each([
    ['RNN', 1],
    ['LSTM', 2],
  ] as const)('%s: no gradient flows through the exposed states, first or last', async (type, states) => {
    const names = Array.from({ length: states }, (_, i) => i);
    const shapes = { x: [2, 1, 2], cont: [2, 1], ...Object.fromEntries(names.map(i => [`first${i}`, [1, 1, 2]])) };
    const bottoms = Object.keys(shapes).map(name => `bottom: "${name}"`);
    const tops = names.map(i => `top: "last${i}"`);
    const layer = (body: string, io: string) =>
      `layer { name: "l" type: "${type}" ${io} recurrent_param { num_output: 2 ${body} } }`;
    const exposed = layer('expose_hidden: true', `${bottoms.join(' ')} top: "y" ${tops.join(' ')}`);
    const params = Object.fromEntries(
      compiled(exposed, shapes).params.map(p => [
        p.key,
        Float32Array.from({ length: p.shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i + 1)),
      ]),
    );
    const states0 = Object.fromEntries(names.map(i => [`first${i}`, f(0, 0)]));
    const feeds = { x: f(1, -2, 0.5, 3), cont: f(1, 1), ...states0 };
    const diffs = { y: f(1, 2, 3, 4), ...Object.fromEntries(names.map(i => [`last${i}`, f(5, 6)])) };
    const blobDiffs = ['x', ...Object.keys(states0)];
    const out = await runLayer(exposed, shapes, feeds, { params, diffs, blobDiffs });
    for (const name of Object.keys(states0)) expect([...out[`grad/blob/${name}`]!]).toEqual([0, 0]);
    const plain = layer('', 'bottom: "x" bottom: "cont" top: "y"');
    const inside = { x: shapes.x, cont: shapes.cont };
    const without = await runLayer(plain, inside, feeds, { params, diffs: { y: diffs.y }, blobDiffs: ['x'] });
    expect(out['y']).toEqual(without['y']);
    expect(out['grad/blob/x']).toEqual(without['grad/blob/x']);
    expect(out['grad/blob/x']!.some(v => v !== 0)).toBe(true);
  });
});

describe('Clip', () => {
  it('passes the gradient at its borders; where they have changed places it is min', async () => {
    const run = (min: number, max: number) =>
      runLayer(
        `layer { name: "l" type: "Clip" bottom: "x" top: "y" clip_param { min: ${min} max: ${max} } }`,
        { x: [4] },
        { x: f(-2, -1, 1, 2) },
        { diffs: { y: f(1, 1, 1, 1) }, blobDiffs: ['x'] },
      );
    const out = await run(-1, 1);
    expect([...out['y']!]).toEqual([-1, -1, 1, 1]);
    expect([...out['grad/blob/x']!]).toEqual([0, 1, 1, 0]);
    const changed = await run(1, -1);
    expect([...changed['y']!]).toEqual([1, 1, 1, 1]);
    expect([...changed['grad/blob/x']!]).toEqual([0, 0, 0, 0]);
  });
});

describe('MultinomialLogisticLoss', () => {
  it('takes a share below 1e-20, negative ones too, for 1e-20; its gradient divides by that', async () => {
    const text = 'layer { name: "l" type: "MultinomialLogisticLoss" bottom: "x" bottom: "label" top: "loss" }';
    const feeds = { x: f(-0.1, 1.1), label: f(0) };
    const out = await runLayer(text, { x: [1, 2], label: [1] }, feeds, { diffs: { loss: f(1) }, blobDiffs: ['x'] });
    expect(out['loss']![0]).toBeCloseTo(-Math.log(1e-20), 4);
    expect(out['grad/blob/x']![0]! / -1e20).toBeCloseTo(1, 5);
    expect(out['grad/blob/x']![1]).toBe(0);
  });
});

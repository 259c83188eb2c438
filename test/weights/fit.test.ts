/** Blobs of files of Caffe's first years, whose shapes have four axes always, into parameters of today. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Net } from '../../src/runtime/node/net.js';
import { transplant } from '../../src/tools/transplant.js';
import { type Fit, fitBlob } from '../../src/weights/fit.js';
import type { StoredBlob } from '../../src/weights/index.js';

const stored = (...shape: number[]): StoredBlob => {
  const numbers = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
  return {
    shape,
    legacy: true,
    read(target = new Float32Array(numbers.length)) {
      target.set(numbers);
      return target;
    },
  };
};
const done = (fit: Fit | string, count: number) => {
  if (typeof fit === 'string') return fit;
  const target = new Float32Array(count);
  return fit.apply(target) ?? [fit.how, fit.note, [...target]];
};
const counting = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('old shapes', () => {
  it.each([
    [[1, 1, 2, 8], [2, 2, 2, 2], 'coerced', 'fully connected to convolution'],
    [[1, 1, 2, 8], [2, 8], 'copied', undefined],
    [[1, 1, 1, 4], [4], 'copied', undefined],
    [[1, 1, 1, 8], [1, 2, 2, 2], 'coerced', 'fully connected to convolution'],
    [[2, 2, 2, 2], [2, 8], 'coerced', 'convolution to fully connected'],
  ] as const)('%j goes into %j', (from, to, how, note) => {
    const count = to.reduce<number>((a, b) => a * b, 1);
    expect(done(fitBlob(stored(...from), {}, to, {}, {}), count)).toEqual([how, note, counting(count)]);
  });

  it('of another number of outputs is refused', () => {
    expect(done(fitBlob(stored(1, 1, 3, 8), {}, [2, 2, 2, 2], {}, {}), 16)).toBe(
      '3×8 does not fit 2×2×2×2: 3 outputs, not 2',
    );
    expect(done(fitBlob(stored(1, 1, 2, 9), {}, [2, 2, 2, 2], {}, {}), 16)).toBe(
      '2×9 does not fit 2×2×2×2: 18 numbers, not 16',
    );
  });
});

const lenet = fileURLToPath(new URL('../../../shared/data/lenet/', import.meta.url));

describe.skipIf(!existsSync(lenet))(
  "Caffe's LeNet made fully convolutional (skipped where ../shared is absent)",
  () => {
    const conv = (name: string, bottom: string, param: string) =>
      `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { ${param} } }`;
    const pool = (bottom: string, top: string) =>
      `layer { name: "${top}" type: "Pooling" bottom: "${bottom}" top: "${top}" pooling_param { kernel_size: 2 stride: 2 } }`;
    const FCN = [
      'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 1 dim: 28 dim: 28 } } }',
      conv('conv1', 'data', 'num_output: 20 kernel_size: 5'),
      pool('conv1', 'pool1'),
      conv('conv2', 'pool1', 'num_output: 50 kernel_size: 5'),
      pool('conv2', 'pool2'),
      conv('ip1', 'pool2', 'num_output: 500 kernel_size: 4'),
      'layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }',
      conv('ip2', 'ip1', 'num_output: 10 kernel_size: 1'),
      'layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }',
    ].join('\n');

    it.each(['lenet_iter_10000.caffemodel', 'lenet_v1.caffemodel'])(
      'answers as the classifier did, from %s',
      async file => {
        const options = { backend: 'host' };
        const data = Float32Array.from({ length: 2 * 784 }, (_, i) => Math.sin(i / 9));
        const whole = await Net.fromFile(`${lenet}lenet.prototxt`, {
          ...options,
          weights: `${lenet}lenet_iter_10000.caffemodel`,
        });
        const wanted = (await whole.forward({ data: { data, shape: [2, 1, 28, 28] } })).get('prob')!;
        const fcn = await Net.fromText(FCN, options);
        const { lines } = transplant(fcn, lenet + file);
        expect(lines.map(l => `${l.action} ${l.layer} ${l.blob}`)).toEqual([
          ...['conv1', 'conv2'].flatMap(n => [`copied ${n} 0`, `copied ${n} 1`]),
          ...['ip1', 'ip2'].flatMap(n => [`coerced ${n} 0`, `copied ${n} 1`]),
        ]);
        const prob = (await fcn.forward({ data })).get('prob')!;
        expect(prob.shape).toEqual([2, 10, 1, 1]);
        prob.data.forEach((v, i) => {
          expect(v).toBeCloseTo(wanted.data[i]!, 5);
        });
      },
    );
  },
);

/** Models in memory: what they compute is what the network computes, in the caller's own TensorFlow.js. */

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as core from '../../src/core.js';
import { Net, toGraphModel, toOnnxModel, toTfjsModel } from '../../src/index.js';
import { runModel } from '../engines/onnx/run.js';

const folder = mkdtempSync(join(tmpdir(), 'mokapot-models-'));
afterAll(() => rmSync(folder, { recursive: true }));

const NET = `
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 9 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } bias_filler { type: "uniform" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" }
layer { name: "sc" type: "Scale" bottom: "bn" top: "sc" scale_param { filler { value: 0.7 } bias_term: true bias_filler { value: 0.2 } } }
layer { name: "relu" type: "ReLU" bottom: "sc" top: "sc" }
layer { name: "pool" type: "Pooling" bottom: "sc" top: "pool" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "up" type: "Deconvolution" bottom: "pool" top: "up" convolution_param { num_output: 2 kernel_size: 4 stride: 2 weight_filler { type: "xavier" } } }
`;

const data = Float32Array.from({ length: 432 }, (_, i) => Math.sin(i * i));

/** The network with weights that no filler makes, what it makes of the data, and its weights as bytes. */
async function ready() {
  const net = await Net.fromText(NET, { backend: 'host', seed: 3 });
  net.params.get('bn')![0]!.data = Float32Array.of(0.1, -0.2, 0.3, 0);
  net.params.get('bn')![1]!.data = Float32Array.of(1.1, 0.8, 1.5, 1);
  net.params.get('bn')![2]!.data = Float32Array.of(1);
  const { up } = await net.forward({ data });
  const weights = await net.toBytes();
  await net.save(join(folder, 'small.caffemodel'));
  net.dispose();
  return { expected: up!, weights };
}

const { expected, weights } = await ready();

function close(ours: ArrayLike<number>, theirs: ArrayLike<number> = expected.data): void {
  expect(ours.length).toBe(theirs.length);
  for (let i = 0; i < theirs.length; i++) expect(Math.abs(ours[i]! - theirs[i]!), `[${i}]`).toBeLessThan(1e-5);
}

describe('toGraphModel', () => {
  it.each([
    ['mokapot/core', () => core.toGraphModel(NET, { weights })],
    ['mokapot', () => toGraphModel(NET, { weights: join(folder, 'small.caffemodel') })],
  ] as const)('of %s computes what the network computes', async (_, make) => {
    await tf.setBackend('cpu');
    const model = await make();
    const scores = model.predict(tf.tensor(data, [2, 3, 9, 8])) as tf.Tensor;
    expect(scores.shape).toEqual(expected.shape);
    close(await scores.data());
    model.dispose();
  });

  it('is a model of the TensorFlow.js that is given', async () => {
    const converter = await import('@tensorflow/tfjs-converter');
    let given: unknown;
    const loader = {
      loadGraphModel(handler: tf.io.IOHandler) {
        given = handler;
        return converter.loadGraphModel(handler);
      },
    };
    const model = await core.toGraphModel(NET, { weights, tf: loader });
    expect(given).toBeDefined();
    expect(model).toBeInstanceOf(converter.GraphModel);
    // And the package itself is such a loader.
    expect(await core.toGraphModel(NET, { weights, tf: converter })).toBeInstanceOf(converter.GraphModel);
  });

  it('takes other sizes, other orders of axes, and folds', async () => {
    await tf.setBackend('cpu');
    const model = await core.toGraphModel(NET, { weights, layout: 'NHWC', foldBatchNorm: true });
    const pictures = tf.transpose(tf.tensor4d(data, [2, 3, 9, 8]), [0, 2, 3, 1]);
    const scores = model.predict(pictures) as tf.Tensor4D;
    close(await tf.transpose(scores, [0, 3, 1, 2]).data());
    const one = model.predict(tf.slice(pictures, [0, 0, 0, 0], [1, 9, 8, 3])) as tf.Tensor4D;
    close(await tf.transpose(one, [0, 3, 1, 2]).data(), expected.data.subarray(0, expected.data.length / 2));
    expect(Object.keys(model.weights).some(name => name.startsWith('bn'))).toBe(false);
  });

  it('refuses what convert refuses, with the same words', async () => {
    await expect(core.toGraphModel(NET, { weights, outputs: ['pol'] })).rejects.toThrow(
      'The network has no blob "pol".',
    );
    await expect(core.toGraphModel('layer { nam: "x" }')).rejects.toThrow('nam');
  });
});

describe('models as bytes', () => {
  it('are ONNX, with their sizes and notes', async () => {
    const { bytes, inputs, outputs, open, diagnostics } = await toOnnxModel(NET, { weights });
    expect([inputs, outputs.map(o => o.blob), open]).toEqual([
      [{ blob: 'data', shape: [-1, 3, -1, -1] }],
      ['up'],
      { batch: true, plane: 1 },
    ]);
    expect(diagnostics).toEqual([]);
    close((await runModel(bytes, { data: { shape: [2, 3, 9, 8], data } }))['up']!.data);
  });

  it('are the files of TensorFlow.js', async () => {
    const { files, diagnostics } = await toTfjsModel(NET);
    expect([...files.keys()]).toEqual(['model.json', 'group1-shard1of1.bin']);
    expect(JSON.parse(new TextDecoder().decode(files.get('model.json')))).toMatchObject({ format: 'graph-model' });
    expect(diagnostics.map(d => d.code)).toEqual(['no-weights']);
  });
});

describe('of a network in its form for training', () => {
  const TRAINING = `${NET.replace('layer {', 'layer { sparsity: 0.5')}
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 dim: 1 dim: 8 dim: 8 } } include { phase: TRAIN } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "up" bottom: "label" top: "loss" include { phase: TRAIN } }
`;

  it('fields that the schema lacks are left out where that is asked for, and refused where not', async () => {
    const { outputs, diagnostics } = await toOnnxModel(TRAINING, { weights, lenient: true });
    expect(outputs.map(o => o.blob)).toEqual(['prob']);
    expect(diagnostics.map(d => d.code)).toContain('deployed');
    await expect(toOnnxModel(TRAINING, { weights })).rejects.toThrow('sparsity');
  });
});

/** The library as the README shows it: the names of its public face, on the wasm engine. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import {
  describe as describeNet,
  type HostBlob,
  MokapotError,
  Net,
  type Phase,
  parseNet,
  registerPythonLayer,
  Solver,
} from '../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'mokapot-library-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const DEPLOY = `
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
`;
const TRAIN = `${DEPLOY}
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 dim: 1 dim: 2 dim: 2 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
`;

it('works as pycaffe’s users know it', async () => {
  writeFileSync(at('deploy.prototxt'), DEPLOY);
  writeFileSync(at('train.prototxt'), TRAIN);
  writeFileSync(
    at('solver.prototxt'),
    'net: "train.prototxt" base_lr: 0.1 lr_policy: "fixed" snapshot_prefix: "s" random_seed: 1',
  );
  const data = Float32Array.from({ length: 96 }, (_, i) => Math.sin(i));
  const label = Float32Array.from({ length: 8 }, (_, i) => i % 2);

  const solver = await Solver.fromFile(at('solver.prototxt'), { backend: 'wasm' });
  const before = await solver.step(1, { data, label });
  const kernel = solver.net.params.get('conv1')![0]!;
  const weights = kernel.data.slice();
  await solver.step(20, { data, label });
  expect(solver.iter).toBe(21);
  expect(solver.smoothedLoss).toBeLessThan(before * 0.97);
  expect(kernel.data).not.toEqual(weights);
  await solver.snapshot();
  await solver.net.save(at('x.caffemodel'));
  const after = kernel.data.slice();
  await solver.step(1, { data, label });
  await solver.restore(at('s_iter_21.solverstate'));
  expect(solver.iter).toBe(21);
  expect(kernel.data).toEqual(after);

  const options = { phase: 'TEST', stages: ['deploy'], weights: at('x.caffemodel'), backend: 'wasm' } as const;
  const net = await Net.fromFile(at('deploy.prototxt'), options);
  expect([net.inputs, net.outputs]).toEqual([['data'], ['score']]);
  expect(net.blobs.get('score')!.shape).toEqual([2, 2, 2, 2]);
  expect(net.params.get('conv1')![0]!.data).toEqual(after);
  const { score } = await net.forward({ data });
  expect(score!.data.some(v => v !== 0)).toBe(true);
  await net.backward({ score: new Float32Array(16).fill(1) });
  expect([...net.params.get('conv1')![1]!.diff]).toEqual([8, 8]);
  net.dispose();
  await solver.dispose();
});

it('describes a text without an engine', () => {
  const { blobs, ok } = describeNet(DEPLOY, { inputShapes: { data: [1, 3, 8, 8] } });
  expect([ok, blobs.get('score')!.shape]).toEqual([true, [1, 2, 6, 6]]);
  expect(parseNet('layer { nam: "x" }').diagnostics[0]!.code).toBe('unknown-field');
});

it('runs a layer of the user’s own, forward and backward', async () => {
  registerPythonLayer(
    'mine',
    'Square',
    class {
      param_str = '';
      phase: Phase = 'TEST';
      setup() {}
      reshape([x]: readonly HostBlob[], [y]: readonly HostBlob[]) {
        y!.reshape(...x!.shape);
      }
      forward([x]: readonly HostBlob[], [y]: readonly HostBlob[]) {
        x!.data.forEach((v, i) => {
          y!.data[i] = v * v;
        });
      }
      backward([y]: readonly HostBlob[], _: readonly boolean[], [x]: readonly HostBlob[]) {
        x!.data.forEach((v, i) => {
          x!.diff[i] = 2 * v * y!.diff[i]!;
        });
      }
    },
  );
  const net = await Net.fromText(
    `force_backward: true
     layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 } } }
     layer { name: "sq" type: "Python" bottom: "x" top: "y" python_param { module: "mine" layer: "Square" } }`,
    { backend: 'wasm' },
  );
  expect([...(await net.forward({ x: [1, 2, 3] }))['y']!.data]).toEqual([1, 4, 9]);
  expect([...(await net.backward({ y: [1, 1, 1] }))['x']!.diff]).toEqual([2, 4, 6]);
  net.dispose();
});

it('throws diagnostics', async () => {
  const thrown: unknown = await Net.fromText(DEPLOY.replace('kernel_size: 3', 'kernel_size: 9'), {
    backend: 'wasm',
  }).catch((e: unknown) => e);
  expect(thrown).toBeInstanceOf(MokapotError);
  expect((thrown as MokapotError).diagnostics[0]).toMatchObject({ severity: 'error', layer: 'conv1' });
});

/**
 * Exports that take long: every network of the project as a tfjs and an ONNX model, with random weights and at two input
 * sizes; a LeNet that Caffe trained, through every format, with Caffe's own answers.
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadedModel } from '../../src/convert/compare.js';
import { convert } from '../../src/convert/node/index.js';
import { loadOnnx, loadTfjs } from '../../src/convert/node/load_models.js';
import { Net } from '../../src/runtime/node/net.js';
import { greatestError } from '../../src/tools/verify.js';
import { loadSafetensors, loadWeights } from '../../src/weights/node/files.js';
import { randomWeights } from '../convert/random_weights.js';
import { shared, sharedThere } from './folder.js';

const NETWORKS = new URL('../../networks/', import.meta.url).pathname;

/** In which steps height and width may grow; those of LeNet may not. */
const PLANES: Readonly<Record<string, number>> = {
  'fcn8s.prototxt': 1,
  'fcn8s_sunnybrook.prototxt': 1,
  'fcn_alexnet.prototxt': 1,
  'fcn_alexnet_sunnybrook.prototxt': 1,
  'fcn_small.prototxt': 16,
  'lv_unet.prototxt': 16,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mokapot-convert-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(readdirSync(NETWORKS).filter(f => f.endsWith('.prototxt')))('%s', file => {
  const net = join(NETWORKS, file);
  let weights: string;
  beforeAll(async () => {
    weights = await randomWeights(net, join(folder, `${file}.caffemodel`));
  }, 120_000);
  afterAll(() => rmSync(weights));

  it.each(['tfjs', 'onnx'] as const)('as %s computes the same, at another size too', async to => {
    const out = join(folder, `${file}-${to}`);
    // The nets that pad by 100 are large ones; a small picture is the same to them.
    const small = PLANES[file] === 1 && { inputShapes: { data: [1, 3, 32, 40] } };
    const report = await convert({ to, net, weights, out, backend: 'wasm', ...small });
    expect(report.open).toEqual({ batch: true, plane: PLANES[file] });
    expect(report.checks).toHaveLength(2);
    for (const { outputs } of report.checks!)
      for (const { error, greatest } of outputs) {
        expect(greatest).toBeGreaterThan(0.1);
        expect(error).toBeLessThan(1e-4 * Math.max(1, greatest));
      }
    rmSync(out, { recursive: true });
  });
});

const file = (name: string) => shared(`data/lenet/${name}`);

describe.skipIf(!sharedThere('data/lenet'))('LeNet', () => {
  const net = () => file('lenet.prototxt');
  const weights = () => file('lenet_iter_10000.caffemodel');

  it.each(['lenet_iter_10000.caffemodel', 'lenet_v1.caffemodel'])('%s as a model answers as Caffe', async name => {
    const { tensors } = loadSafetensors(file('lenet.safetensors'));
    const feeds = new Map([['data', tensors.get('input/data')!]]);
    const answers = async (model: LoadedModel) => {
      const [prob] = await model.run(feeds, ['prob']);
      await model.dispose();
      return greatestError(prob!, tensors.get('output/prob')!.data);
    };
    const given = { net: net(), weights: file(name), backend: 'wasm' };
    const tfjs = await convert({ ...given, to: 'tfjs', out: join(folder, `tfjs-${name}`) });
    expect(await answers(await loadTfjs(join(folder, `tfjs-${name}`), 'NCHW'))).toBeLessThan(1e-5);
    const onnx = await convert({ ...given, to: 'onnx', out: join(folder, `${name}.onnx`) });
    expect(await answers(await loadOnnx(onnx.files[0]!.path))).toBeLessThan(1e-5);
    expect(tfjs.checks).toHaveLength(2);
  });

  it.each(['safetensors', 'npz', 'h5', 'caffemodel'] as const)('through %s and back, bit for bit', async to => {
    const there = await convert({ to, net: net(), weights: weights(), out: join(folder, `there-${to}`) });
    const out = join(folder, `back-${to}`);
    const back = await convert({ to: 'caffemodel', net: net(), weights: there.files[0]!.path, out });
    const [before, after] = [loadWeights(weights()), loadWeights(back.files[0]!.path)];
    for (const [name, blobs] of before.layers)
      blobs.forEach((blob, i) => {
        const other = after.layers.get(name)![i]!;
        expect(other.shape).toEqual(blob.shape);
        expect(Buffer.compare(Buffer.from(blob.data.buffer), Buffer.from(other.data.buffer))).toBe(0);
      });
  });

  it("V1's weights without a network get today's shapes", async () => {
    const { files } = await convert({ to: 'h5', weights: file('lenet_v1.caffemodel'), out: join(folder, 'v1') });
    const loaded = await Net.fromFile(net(), { weights: files[0]!.path, backend: 'host' });
    const known = await Net.fromFile(net(), { weights: weights(), backend: 'host' });
    for (const [name, blobs] of known.params)
      blobs.forEach(({ data }, i) => {
        expect(Buffer.compare(Buffer.from(loaded.params.get(name)![i]!.data.buffer), Buffer.from(data.buffer))).toBe(0);
      });
    loaded.dispose();
    known.dispose();
  });
});

/** A LeNet that Caffe trained: its weights in today's format and in V1's, its answers, and a save that Caffe would read. */

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Net } from '../../src/runtime/node/net.js';
import { greatestError } from '../../src/tools/verify.js';
import { tensorsOf } from '../../src/weights/index.js';
import { loadSafetensors, loadWeights, saveNpz, saveSafetensors } from '../../src/weights/node/files.js';
import { shared, sharedThere } from './folder.js';

const there = sharedThere('data/lenet');
const file = (name: string) => shared(`data/lenet/${name}`);

type Sums = Record<string, [shape: number[], sum: number, absoluteSum: number]>;

function sumsOf(net: Net): Sums {
  const sums: Sums = {};
  for (const [layer, blobs] of net.params) {
    blobs.forEach(({ data, shape }, i) => {
      sums[`${layer}/${i}`] = [[...shape], data.reduce((a, b) => a + b, 0), data.reduce((a, b) => a + Math.abs(b), 0)];
    });
  }
  return sums;
}

function expectSums(ours: Sums): void {
  const theirs = JSON.parse(readFileSync(file('lenet.params.json'), 'utf8')) as Sums;
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  for (const [key, [shape, sum, absoluteSum]] of Object.entries(theirs)) {
    expect(ours[key]![0]).toEqual(shape);
    expect(ours[key]![1]).toBeCloseTo(sum, 4);
    expect(ours[key]![2]).toBeCloseTo(absoluteSum, 4);
  }
}

describe.skipIf(!there)('LeNet', () => {
  it.each(['wasm', 'cpu'])("answers as Caffe's on %s", async backend => {
    const net = await Net.fromFile(file('lenet.prototxt'), { weights: file('lenet_iter_10000.caffemodel'), backend });
    expectSums(sumsOf(net));
    const { tensors } = loadSafetensors(file('lenet.safetensors'));
    const out = await net.forward({ data: tensors.get('input/data')!.data as Float32Array });
    const error = greatestError(out.get('prob')!.data, tensors.get('output/prob')!.data as Float32Array);
    expect(error).toBeLessThanOrEqual(1e-5);
    net.dispose();
  });

  it("reads V1's weights into V1's network, and saves what it reads again", async () => {
    const weights = file('lenet_v1.caffemodel');
    const net = await Net.fromFile(file('lenet_v1.prototxt'), { weights, backend: 'host' });
    expectSums(sumsOf(net));
    const saved = join(mkdtempSync(join(tmpdir(), 'mokapot-shared-')), 'saved.caffemodel');
    await net.save(saved);
    const again = await Net.fromFile(file('lenet.prototxt'), { weights: saved, backend: 'host' });
    expectSums(sumsOf(again));
  });

  const bits = (net: Net) =>
    [...net.params].flatMap(([name, blobs]) =>
      blobs.map(({ shape, data }, i) => {
        const words = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
        return [`${name}/${i}`, shape.join(), words] as const;
      }),
    );

  it.each([
    ['lenet.prototxt', 'lenet_iter_10000.caffemodel'],
    ['lenet_v1.prototxt', 'lenet_v1.caffemodel'],
  ])('of %s goes through every format and comes back bit for bit, with the same answers', async (prototxt, weights) => {
    const net = await Net.fromFile(file(prototxt), { weights: file(weights), backend: 'host' });
    const truth = bits(net);
    const { tensors } = loadSafetensors(file('lenet.safetensors'));
    const { data, shape } = tensors.get('input/data')!;
    const dir = mkdtempSync(join(tmpdir(), 'mokapot-shared-'));
    const names = ['a.caffemodel', 'a.caffemodel.h5', 'a.safetensors', 'a.npz'].map(name => join(dir, name));
    let last = file(weights);
    for (const path of names) {
      // Each format is made of what the one before it held.
      const from = await Net.fromFile(file(prototxt), { weights: last, backend: 'host' });
      const { layers } = loadWeights(last);
      if (path.endsWith('npz')) await saveNpz(path, tensorsOf(layers));
      else if (path.endsWith('safetensors')) await saveSafetensors(path, tensorsOf(layers));
      else await from.save(path);
      const back = await Net.fromFile(file(prototxt), { weights: path, backend: 'host' });
      expect(bits(back)).toEqual(truth);
      const error = greatestError(
        (await back.forward({ data: { data, shape } })).get('prob')!.data,
        tensors.get('output/prob')!.data,
      );
      expect(error).toBeLessThanOrEqual(1e-5);
      last = path;
    }
  });
});

/** A LeNet that Caffe trained: its weights in today's format and in V1's, its answers, and a save that Caffe would read. */

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Net } from '../../src/infer/net.js';
import { greatestError, TOLERANCE } from '../../src/infer/verify.js';
import { loadSafetensors } from '../../src/weights/files.js';
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
    expect(error).toBeLessThanOrEqual(TOLERANCE.relative);
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
});

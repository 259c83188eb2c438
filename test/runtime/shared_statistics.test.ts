/** BatchNorm layers that name their blobs share them: each goes on from what the one before has made of them, as in Caffe. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Net } from '../../src/runtime/node/net.js';

const file = (name: string) => new URL(`../cases/batchnorm-shared-params/${name}`, import.meta.url).pathname;
const read = <T>(name: string) => JSON.parse(readFileSync(file(name), 'utf8')) as T;

it.each(['host', 'onnx', 'wasm'])('statistics are those of Caffe, on %s', async backend => {
  const passes = read<{ a: number[][]; b: number[][] }>('in.json');
  const caffe = read<{ params: Record<string, number[][]>; test: Record<string, number[]> }>('caffe.json');
  const train = await Net.fromFile(file('netc.prototxt'), { phase: 'TRAIN', backend });
  for (let pass = 0; pass < 3; pass++) await train.forward({ a: passes.a[pass]!, b: passes.b[pass]! });
  const test = await Net.fromFile(file('netc.prototxt'), { phase: 'TEST', backend });
  for (const [layer, blobs] of Object.entries(caffe.params)) {
    for (const [i, values] of blobs.entries()) {
      const ours = train.params.get(layer)![i]!.data;
      for (const [k, value] of values.entries()) expect(ours[k]).toBeCloseTo(value, 4);
      test.params.get(layer)![i]!.data = ours.slice();
    }
  }
  await test.forward({ a: passes.a[0]!, b: passes.b[0]! });
  for (const [blob, values] of Object.entries(caffe.test))
    for (const [k, value] of values.entries()) expect(test.blobs.get(blob)!.data[k]).toBeCloseTo(value, 4);
  train.dispose();
  test.dispose();
});

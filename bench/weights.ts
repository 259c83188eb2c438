/**
 * How fast a `.caffemodel` of FCN-AlexNet's size (228 MB) is read and written. Run: npm run build && node dist/bench/weights.js
 * (or through any TypeScript runner). Prints the median of 7 warm reads, each into fresh arrays, and the extra memory.
 */

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '../src/schema/index.js';
import { loadCaffemodel, saveCaffemodel, useCaffemodel } from '../src/weights/files.js';
import { copyWeights, type WeightBlob } from '../src/weights/index.js';

const SHAPES: Record<string, number[]> = {
  conv1: [96, 3, 11, 11],
  conv2: [256, 48, 5, 5],
  conv3: [384, 256, 3, 3],
  conv4: [384, 192, 3, 3],
  conv5: [256, 192, 3, 3],
  fc6: [4096, 256, 6, 6],
  fc7: [4096, 4096, 1, 1],
  score_fr: [21, 4096, 1, 1],
};
const READS = 7;

function synthetic(): Map<string, WeightBlob[]> {
  const params = new Map<string, WeightBlob[]>();
  for (const [name, shape] of Object.entries(SHAPES)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => (i % 1000) / 1000);
    params.set(name, [
      { shape, data },
      { shape: [shape[0]!], data: new Float32Array(shape[0]!) },
    ]);
  }
  return params;
}

function show(times: number[]): string {
  times.sort((a, b) => a - b);
  return `${(times[READS >> 1]! / 1000).toFixed(3)} s (median of ${READS}, best ${(times[0]! / 1000).toFixed(3)} s)`;
}

const dir = mkdtempSync(join(tmpdir(), 'mokapot-bench-'));
try {
  const path = join(dir, 'fcn_alexnet.caffemodel');
  const layer = Object.keys(SHAPES).map(name => ({ name, type: 'Convolution' }));
  const net = create<'caffe.NetParameter'>('caffe.NetParameter', { name: 'fcn_alexnet', layer });
  const params = synthetic();
  const started = performance.now();
  await saveCaffemodel(path, net, params);
  const written = performance.now() - started;
  const size = statSync(path).size;
  const times: number[] = [];
  const copies: number[] = [];
  let extra = 0;
  for (let i = 0; i < READS; i++) {
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const from = performance.now();
    const { layers } = loadCaffemodel(path);
    times.push(performance.now() - from);
    if (i === 0) extra = process.memoryUsage().rss - before;
    const again = performance.now();
    useCaffemodel(path, model => copyWeights(model.layers, params));
    copies.push(performance.now() - again);
    if (layers.get('fc6')![0]!.data[7] !== Math.fround(0.007)) throw new Error('read wrongly');
  }
  console.log(`${(size / 1e6).toFixed(0)} MB: written in ${(written / 1000).toFixed(2)} s`);
  console.log(`read into new arrays in ${show(times)}`);
  console.log(`read into a net's parameters in ${show(copies)}`);
  console.log(`extra memory of the first read: ${(extra / size).toFixed(2)} × the file`);
} finally {
  rmSync(dir, { recursive: true });
}

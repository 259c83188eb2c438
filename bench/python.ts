/**
 * What it costs to leave for a layer in Python: 1×2×256×256 there and back, as a user's layer sees it (reshape and forward,
 * two exchanges), and the same with the label beside it and one number back (the tutorial's Dice). Medians of 300 after 30
 * that warm up. Run: MOKAPOT_PYTHON=PATH npm run bench:python.
 */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostBlob, hostBlobs } from '../src/layers/host/host_blob.js';
import type { HostBlob } from '../src/layers/host/host_layer.js';
import { PythonLayer, PythonProcess } from '../src/python/index.js';

const WARM_UP = 30;
const RUNS = 300;

const CODE = `
import caffe
import numpy as np
class Same(caffe.Layer):
    def reshape(self, bottom, top): top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top): top[0].data[...] = bottom[0].data
class Nothing(caffe.Layer):
    def reshape(self, bottom, top): top[0].reshape(1)
    def forward(self, bottom, top): top[0].data[0] = 1
`;

const dir = mkdtempSync(join(tmpdir(), 'mokapot-bench-'));
const file = join(dir, 'bench.py');
writeFileSync(file, CODE);
const python = new PythonProcess();

async function measure(layer: string, bottoms: readonly HostBlob[]): Promise<void> {
  const host = new PythonLayer(python, { file, module: 'bench', layer, places: [dir] }, layer);
  host.blobs = hostBlobs();
  const tops = [hostBlob([])];
  await host.setup(bottoms, tops);
  await host.reshape(bottoms, tops);
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + RUNS; i++) {
    const start = performance.now();
    await host.reshape(bottoms, tops);
    await host.forward(bottoms, tops);
    if (i >= WARM_UP) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const ms = (share: number) => `${times[Math.floor(share * RUNS)]!.toFixed(2)} ms`;
  const shapes = bottoms.map(b => b.shape.join('×')).join(' and ');
  console.log(
    `${shapes} to Python, ${tops[0]!.shape.join('×')} back: ${ms(0.5)} (one of ten within ${ms(0.1)}, nine within ${ms(0.9)})`,
  );
}

const scores = hostBlob([1, 2, 256, 256]);
scores.data.fill(3);
await measure('Same', [scores]);
await measure('Nothing', [scores, hostBlob([1, 1, 256, 256])]);
python.close();

/**
 * How long one training step takes, data in, update done: median of 7 after 2 that warm up, and the most memory the process
 * held. Run: npm run bench:step [-- [--backend NAME] NETWORK [CHANNELS [SIZE]]], by default FCN-AlexNet at 1×3×256×256 on the
 * default engine.
 */

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Solver } from '../src/index.js';
import { Random } from '../src/random/index.js';

const { values, positionals } = parseArgs({ options: { backend: { type: 'string' } }, allowPositionals: true });
const { backend = 'auto' } = values;
const [network = 'networks/fcn_alexnet_sunnybrook.prototxt', channels = '3', size = '256'] = positionals;
const WARM_UP = 2;
const STEPS = 7;

const n = Number(size);
const shapes = { data: [1, Number(channels), n, n], label: [1, 1, n, n] };
const solver = await Solver.fromText(
  `net: "${resolve(network)}" base_lr: 1e-4 lr_policy: "fixed" momentum: 0.9 weight_decay: 5e-4 max_iter: 100
   snapshot_after_train: false random_seed: 1`,
  { backend, stages: ['train'], inputShapes: shapes },
);
const random = new Random(1);
const feeds = {
  data: Float32Array.from({ length: shapes.data.reduce((a, b) => a * b) }, () => random.uniform(0, 255)),
  label: Float32Array.from({ length: n * n }, () => (random.next() < 0.02 ? 1 : 0)),
};

const times: number[] = [];
for (let i = 0; i < WARM_UP + STEPS; i++) {
  const start = performance.now();
  await solver.step(1, feeds);
  if (i >= WARM_UP) times.push((performance.now() - start) / 1000);
}
times.sort((a, b) => a - b);
const seconds = (t: number) => `${t.toFixed(2)} s`;
console.log(
  `${network}, 1×${channels}×${size}×${size}, ${solver.net.engine.name}: a step with update takes ${seconds(times[STEPS >> 1]!)} ` +
    `(median of ${STEPS}; ${seconds(times[0]!)} to ${seconds(times.at(-1)!)}), ` +
    `at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
);
process.exit(0);

/**
 * What a solver's update costs: the time of an iteration of one wide layer (38 million parameters, fc6's), in which nearly all is
 * the update, by rule and with an average of the weights. `npx jiti bench/updates.ts [engine]`; in MB/ms it tells whether
 * the update passes over memory once.
 */

import { createEngine } from '../src/engines/node/index.js';
import { Solver } from '../src/train/solver.js';

const RULES = ['type: "SGD" momentum: 0.9', 'type: "Adam"', 'type: "AdamW"'];
const OWN = ['', 'mokapot_param { ema_decay: 0.999 }'];
const NET = `input: "x" input_shape { dim: 1 dim: 9216 } input: "t" input_shape { dim: 1 dim: 4096 }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 4096 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }`;
const TIMES = 7;

const [name = 'onnx'] = process.argv.slice(2);
const feeds = { x: new Float32Array(9216).fill(0.01), t: new Float32Array(4096).fill(1) };
for (const own of OWN) {
  for (const rule of RULES) {
    const engine = await createEngine(name);
    const text = `${rule} ${own} base_lr: 1e-5 weight_decay: 1e-3 lr_policy: "fixed" max_iter: 99 random_seed: 1 net_param { ${NET} }`;
    const solver = await Solver.fromText(text, { engine });
    const times: number[] = [];
    for (let i = 0; i < TIMES + 2; i++) {
      const began = performance.now();
      await solver.iterate(feeds);
      times.push(performance.now() - began);
    }
    const sorted = times.slice(2).sort((a, b) => a - b);
    console.log(
      `${`${rule} ${own}`.padEnd(64)} ${sorted[0]!.toFixed(0)} ms at least, ${sorted[TIMES >> 1]!.toFixed(0)} ms in the median`,
    );
    await solver.dispose();
    engine.dispose();
  }
}

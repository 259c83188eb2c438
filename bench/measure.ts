/**
 * One measurement in a process of its own, for bench/compare.ts: `measure.ts NETWORK BACKEND forward|step` prints JSON
 * with the seconds until the network is ready and of every run, the processors' seconds of every run (which other work on
 * the machine does not lengthen), the most bytes that the process held, and what the graph computes and moves. With backend
 * `describe` it prints the network for bench/pytorch.py instead.
 */

import { Net, Solver } from '../src/index.js';
import { workOf } from '../src/ir/work.js';
import { lowerNet, type NetGraph } from '../src/net/index.js';
import { Random } from '../src/random/index.js';
import { networks } from './networks.js';
import { toObject } from './to_object.js';

const [name = '', backend = 'auto', what = 'step'] = process.argv.slice(2);
const network = networks[name];
if (!network) throw new Error(`There is no network ${name}; there are ${Object.keys(networks).join(', ')}.`);
const { text, inputs, runs, solver: kind = 'SGD' } = network;
const WARM_UP = 2;

const random = new Random(1);
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const feeds = Object.fromEntries(
  Object.entries(inputs).map(([blob, shape]) => {
    const filled = network.filled?.[blob];
    const label = () => (random.next() < 0.02 ? 1 : 0);
    const draw = blob === 'label' ? label : filled === undefined ? () => random.uniform(0, 255) : undefined;
    const value = (i: number) => (filled === 'cont' ? Number(i >= shape[1]!) : random.integer(filled!));
    return [blob, Float32Array.from({ length: sizeOf(shape) }, (_, i) => draw?.() ?? value(i))];
  }),
);

async function repeat(run: () => Promise<unknown>) {
  const times: number[] = [];
  const cpu: number[] = [];
  for (let i = 0; i < WARM_UP + runs; i++) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    await run();
    const { user, system } = process.cpuUsage(used);
    if (i < WARM_UP) continue;
    times.push((performance.now() - start) / 1000);
    cpu.push((user + system) / 1e6);
  }
  return { times, cpu };
}

const started = performance.now();
if (what === 'describe') {
  const net = await Net.fromText(text, { backend: 'host', phase: 'TRAIN', stages: ['train'], inputShapes: inputs });
  console.log(JSON.stringify({ inputs, runs, solver: kind, layers: net.graph.layers.map(toObject) }));
} else if (what === 'forward') {
  const options = { backend, phase: 'TEST', stages: ['val'], inputShapes: inputs } as const;
  const net = await Net.fromText(text, options);
  const ready = (performance.now() - started) / 1000;
  report(net.engine.name, ready, await repeat(() => net.forward(feeds)), net.graph, 'none');
} else {
  const solver = await Solver.fromText(
    `type: "${kind}" base_lr: 1e-6 lr_policy: "fixed" momentum: 0.9 weight_decay: 5e-4 max_iter: 100
     snapshot_after_train: false random_seed: 1 net_param { ${text} }`,
    { backend, stages: ['train'], inputShapes: inputs },
  );
  const ready = (performance.now() - started) / 1000;
  report(solver.net.engine.name, ready, await repeat(() => solver.iterate(feeds)), solver.net.graph, 'loss');
}
process.exit(0);

function report(
  engine: string,
  ready: number,
  runs: Awaited<ReturnType<typeof repeat>>,
  graph: NetGraph,
  gradients: 'none' | 'loss',
): void {
  const bytes = process.resourceUsage().maxRSS * 1024;
  const work = workOf(lowerNet(graph, { gradients }).graph.nodes);
  console.log(JSON.stringify({ engine, ready, ...runs, bytes, work }));
}

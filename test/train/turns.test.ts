/** Calls at once: each waits its turn; what was disposed of is refused. */

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Net } from '../../src/runtime/node/net.js';
import { Solver } from '../../src/train/node/index.js';
import { loadSolverstate, loadWeights } from '../../src/weights/node/files.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();
const SOLVER = `base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 random_seed: 1 max_iter: 100 net_param {
  layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param { data_filler { type: "gaussian" } data_filler { value: 1 } shape { dim: 2 dim: 3 } shape { dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" } }`;
const load = () => Solver.fromText(SOLVER, { backend: 'wasm' });
const blobs = (path: string) => [...loadWeights(path).layers].map(([name, list]) => [name, list.map(b => [...b.data])]);

it('snapshots while step runs are of whole iterations', async () => {
  const solver = await load();
  const whole = await load();
  const stepping = solver.step(12);
  const taken = [];
  for (let i = 0; i < 6; i++) taken.push(await solver.snapshot(join(folder, `s${i}`)));
  await stepping;
  for (const { weights, state } of taken) {
    const { iter } = loadSolverstate(state);
    if (iter > whole.iter) await whole.step(iter - whole.iter);
    const wanted = await whole.snapshot(join(folder, 'whole'));
    expect(blobs(weights), `iteration ${iter}`).toEqual(blobs(wanted.weights));
  }
  await solver.dispose();
  await whole.dispose();
});

it('a function that feeds may itself take a snapshot', async () => {
  const solver = await load();
  const iters: number[] = [];
  await solver.step(3, async () => {
    iters.push(loadSolverstate((await solver.snapshot(join(folder, 'fed'))).state).iter);
    return {};
  });
  expect(iters).toEqual([0, 1, 2]);
  await solver.dispose();
});

it('what cannot wait is refused while something runs', async () => {
  const solver = await load();
  const running = solver.step(2);
  while (!solver.net.store.turns.isBusy) await Promise.resolve();
  expect(() => solver.copyFrom({ layers: new Map() })).toThrow(/under way/);
  await running;
  await solver.dispose();
});

it('after dispose() all calls are refused, and a second dispose() does nothing', async () => {
  const solver = await load();
  await solver.step();
  await solver.dispose();
  await solver.dispose();
  for (const call of [
    () => solver.step(),
    () => solver.test(),
    () => solver.snapshot(join(folder, 'x')),
    () => solver.net.forward(),
  ])
    await expect(call()).rejects.toThrow(/disposed of/);
});

it('an input fed undefined is refused, not answered from the last one', async () => {
  const net = await Net.fromText(
    'input: "data" input_shape { dim: 1 } layer { name: "p" type: "Power" bottom: "data" top: "p" }',
    { backend: 'host' },
  );
  await net.forward({ data: [3] });
  await expect(net.forward({ data: undefined as never })).rejects.toThrow(/fed undefined/);
  net.dispose();
  await expect(net.forward({ data: [3] })).rejects.toThrow(/disposed of/);
});

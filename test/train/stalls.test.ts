/** When a training that waits for its data is told of: by times made for it, and by a run whose data are slow. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { feedOfArrays } from '../../src/feeds/arrays.js';
import type { DataFeed } from '../../src/feeds/source.js';
import { trainSolver } from '../../src/train/loop.js';
import { Solver } from '../../src/train/solver.js';
import { Stalls } from '../../src/train/stalls.js';

/** The numbers of the iterations at which it is told. */
function told(seconds: number, waited: number, count: number): number[] {
  const stalls = new Stalls();
  return Array.from({ length: count }, (_, i) => i).filter(() => stalls.note(seconds, waited));
}

describe('a warning', () => {
  it('comes once, after twenty iterations and ten seconds of which more than a fifth was waited', () => {
    expect(told(1, 0.21, 100)).toEqual([20]);
    expect(told(0.125, 0.05, 250)).toEqual([80]);
    expect(told(1, 0.19, 100)).toEqual([]);
    expect(told(0.01, 0.009, 500)).toEqual([]);
  });

  it('does not count the first iteration, and looks at what was of late', () => {
    const stalls = new Stalls();
    expect(stalls.note(100, 100)).toBeUndefined();
    for (let i = 0; i < 20; i++) expect(stalls.note(1, 0)).toBeUndefined();
    const found = Array.from({ length: 20 }, () => stalls.note(1, 0.5)).flatMap(d => d ?? []);
    expect(found).toMatchObject([
      { code: 'data-stall', severity: 'warning', message: expect.stringContaining('50 %') },
    ]);
  });
});

it('the share is in each iteration’s event', async () => {
  const arrays = { data: { data: [1, 2, 3, 4], shape: [2] }, label: { data: [0, 1], shape: [] } };
  const fast = feedOfArrays(arrays, { batchSize: 2, seed: 1 });
  const slow: DataFeed = Object.create(fast, {
    next: { value: async () => new Promise(done => setTimeout(done, 40)).then(() => fast.next()) },
  });
  const net = `layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 2 } }
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
  const text = `base_lr: 0.1 lr_policy: "fixed" max_iter: 6 net_param { ${net} }`;
  const shares = [];
  for (const data of [fast, slow]) {
    const solver = await Solver.fromText(text, { data, engine: async () => createHostEngine() });
    const waited = [];
    for await (const event of trainSolver(solver)) if (event.type === 'iteration') waited.push(event.waited);
    shares.push(waited.at(-1)!);
    await solver.dispose();
  }
  expect(shares[0]).toBeLessThan(0.5);
  expect(shares[1]).toBeGreaterThan(0.5);
  expect(shares[1]).toBeLessThanOrEqual(1);
});

/** The range test on problems of which the right range is known, and that nothing of it stays. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPhantom } from '../../src/data/index.js';
import { createHostEngine } from '../../src/engines/host/index.js';
import { feedOfArrays } from '../../src/feeds/arrays.js';
import { Random } from '../../src/random/index.js';
import { findRate } from '../../src/train/find_rate.js';
import { Solver } from '../../src/train/solver.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';
import { failure } from '../failure.js';

/**
 * y = w·x with x of mean square `h` and an error that no w mends: gradient descent at a rate above 2 / h diverges, at 1 / h it
 * is there in one step. (The loss is half the mean square, so that its second derivative is h.)
 */
function solverFor(h: number, more = '') {
  const random = new Random(5);
  const x = Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 1 : -1) * Math.sqrt(h));
  const t = x.map(v => 3 * v + 0.5 * Math.sqrt(h) * random.normal());
  const data = feedOfArrays(
    { x: { data: x, shape: [1] }, t: { data: t, shape: [1] } },
    { batchSize: 64, shuffle: true, seed: 2 },
  );
  const net = `layer { name: "x" type: "Data" top: "x" data_param { batch_size: 64 } }
    layer { name: "t" type: "Data" top: "t" data_param { batch_size: 64 } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 bias_term: false } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }`;
  const text = `base_lr: 0.1 lr_policy: "fixed" max_iter: 8 random_seed: 3 ${more} net_param { ${net} }`;
  return Solver.fromText(text, { data, engine: async () => createHostEngine() });
}

describe('a parabola', () => {
  it.each([1, 30, 1000, 30000])('of curvature %i: steepest below 2 / h, exploding above it', async h => {
    const solver = await solverFor(h);
    const { steepest, diverged, suggestion, points } = await findRate(solver);
    const limit = 2 / h;
    if (limit < 0.5) {
      expect(diverged! / limit).toBeGreaterThan(1);
      expect(diverged! / limit).toBeLessThan(8);
    } else {
      expect(diverged).toBeUndefined();
      expect(points).toHaveLength(100);
    }
    expect(steepest! / limit).toBeLessThan(1);
    expect(steepest! / limit).toBeGreaterThan(1 / 100);
    expect(suggestion! / limit).toBeLessThan(0.8);
    expect(suggestion! / limit).toBeGreaterThan(1 / 100);
    await solver.dispose();
  });

  it('rates rise by one factor from the first to the last', async () => {
    const solver = await solverFor(1);
    const { points } = await findRate(solver, { from: 1e-4, to: 1e-1, iterations: 31 });
    points.forEach(({ rate }, i) => {
      expect(rate / (1e-4 * 10 ** (i / 10))).toBeCloseTo(1, 5);
    });
    expect(points).toHaveLength(31);
    await solver.dispose();
  });
});

it('nothing of it stays: the run afterwards is the run without it', async () => {
  const more = 'momentum: 0.9 type: "Adam" mokapot_param { ema_decay: 0.9 }';
  const [tried, plain] = [await solverFor(1000, more), await solverFor(1000, more)];
  await findRate(tried);
  for (const solver of [tried, plain]) await solver.step(4);
  expect(tried.losses).toEqual(plain.losses);
  expect(await tried.snapshotBytes()).toEqual(await plain.snapshotBytes());
  await findRate(tried, { iterations: 20 });
  for (const solver of [tried, plain]) await solver.step(4);
  expect(await tried.snapshotBytes()).toEqual(await plain.snapshotBytes());
  await Promise.all([tried.dispose(), plain.dispose()]);
});

it('ranges that are none are refused', async () => {
  const solver = await solverFor(1);
  for (const range of [{ from: 0 }, { from: 1, to: 0.1 }, { iterations: 3 }])
    expect(await failure(findRate(solver, range))).toMatchObject({ code: 'rate-range' });
  await solver.dispose();
});

it('train --find-lr draws the curve, suggests a rate with its reason, and leaves no run behind', async () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  await createPhantom({ count: 12, size: 32, channels: 'L', val: 25, out: at('data'), seed: 3 });
  writeFileSync(
    at('net.prototxt'),
    `layer { name: "data" type: "Data" top: "data" data_param { batch_size: 3 } }
     layer { name: "label" type: "Data" top: "label" data_param { batch_size: 3 } }
     layer { name: "scale" type: "Power" bottom: "data" top: "x" power_param { scale: 0.0078125 shift: -1 } }
     layer { name: "score" type: "Convolution" bottom: "x" top: "score" convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
     layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }`,
  );
  const args = [
    'train',
    '--net',
    at('net.prototxt'),
    '--dataset',
    at('data'),
    '--backend',
    'host',
    '--seed',
    '1',
    '--find-lr',
  ];
  const ran = await mokapot([...args, '--out', at('found')]);
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toMatch(
    /nothing was trained[\s\S]*falls fastest at [\s\S]*Suggested: base_lr: \S+ \(--lr \S+\), .*the lesser of the two/,
  );
  expect(readFileSync(join(at('found'), 'find_lr.svg'), 'utf8')).toMatch(/^<svg[\s\S]*learning rate[\s\S]*<\/svg>/);
  expect(existsSync(join(at('found'), 'solver.prototxt'))).toBe(false);
  const lines = (await mokapot([...args, '--out', at('found'), '--json'])).out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as object);
  expect(lines.at(-1)).toMatchObject({
    type: 'find-lr',
    suggestion: expect.any(Number),
    chart: join(at('found'), 'find_lr.svg'),
  });
  expect(lines[0]).toMatchObject({ type: 'rate', rate: Math.fround(1e-7) });
  const resumed = await mokapot(['train', '--resume', at('found'), '--find-lr']);
  expect(resumed).toMatchObject({ code: 1, err: expect.stringContaining('--find-lr has no place beside --resume') });
});

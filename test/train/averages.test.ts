/** Averaged weights in a run: what tests and `.caffemodel` have, resumed runs, BatchNorm's statistics, large parameters. */

import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engines/index.js';
import { createEngine } from '../../src/engines/node/index.js';
import { feedOfArrays } from '../../src/feeds/arrays.js';
import { Random } from '../../src/random/index.js';
import { Solver } from '../../src/train/solver.js';
import { readSolverstate, readWeights } from '../../src/weights/index.js';

const NET = `name: "n"
  layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 4 } }
  layer { name: "wide" type: "InnerProduct" bottom: "data" top: "wide" inner_product_param { num_output: 300 weight_filler { type: "xavier" } } }
  layer { name: "norm" type: "BatchNorm" bottom: "wide" top: "norm" batch_norm_param { moving_average_fraction: 0.9 } }
  layer { name: "relu" type: "ReLU" bottom: "norm" top: "norm" }
  layer { name: "hidden" type: "InnerProduct" bottom: "norm" top: "hidden" inner_product_param { num_output: 130 weight_filler { type: "xavier" } } }
  layer { name: "drop" type: "Dropout" bottom: "hidden" top: "hidden" include { phase: TRAIN } }
  layer { name: "ip" type: "InnerProduct" bottom: "hidden" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
const base = (own: string, more = '') =>
  `net: "n.prototxt" base_lr: 0.05 lr_policy: "fixed" max_iter: 8 random_seed: 3 test_iter: 3 test_interval: 4
   mokapot_param { ${own} } ${more}`;
const SGD = 'momentum: 0.9 weight_decay: 0.001';
const EMA = 'ema_decay: 0.8';

/** Points in the plane, class 1 to the right. */
function points(shuffle: boolean) {
  const random = new Random(7);
  const data = Array.from({ length: 22 }, () => random.uniform(-1, 1));
  const label = Array.from({ length: 11 }, (_, i) => (data[2 * i]! > 0 ? 1 : 0));
  const arrays = { data: { data, shape: [2] }, label: { data: label, shape: [] } };
  return feedOfArrays(arrays, { batchSize: 4, shuffle, seed: 5 });
}

const make = (text: string, engine: Engine | (() => Promise<Engine>) = () => createEngine('host'), more = {}) =>
  Solver.fromText(text, {
    nets: { 'n.prototxt': NET },
    data: points(true),
    testData: [points(false)],
    engine,
    ...more,
  });

type Values = ReadonlyMap<string, Float32Array>;

function valuesOf(weights: Uint8Array): Values {
  const layers = [...readWeights(weights).layers];
  return new Map(layers.flatMap(([name, blobs]) => blobs.map((b, i) => [`${name}/${i}`, Float32Array.from(b.data)])));
}

const rawOf = ({ net }: Solver): Values =>
  new Map([...net.params].flatMap(([name, blobs]) => blobs.map((b, i) => [`${name}/${i}`, b.data.slice()])));

function near(found: Values, wanted: Values, by = 1e-5): void {
  expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [key, values] of wanted) {
    const off = values.reduce((most, v, i) => Math.max(most, Math.abs(v - found.get(key)![i]!)), 0);
    expect(`${key} ${off < by ? 'agrees' : off}`).toBe(`${key} agrees`);
  }
}

describe.each([
  ['host', SGD],
  ['onnx', SGD],
  ['onnx', 'type: "AdamW" weight_decay: 0.01'],
  ['wasm', 'type: "Adam"'],
])('on %s with %s', (name, rule) => {
  it('files have the average of weights and statistics, the net has the weights', async () => {
    const engine = await createEngine(name);
    const solver = await make(base(EMA, rule), engine);
    let wanted: Values | undefined;
    for (let t = 0; t < 6; t++) {
      await solver.step();
      const kept = t === 0 ? 0 : Math.min(0.8, (1 + t) / (10 + t));
      const raw = rawOf(solver);
      const before = wanted ?? raw;
      const mixed = (key: string, v: number, i: number) => v + (before.get(key)![i]! - v) * kept;
      wanted = new Map([...raw].map(([key, values]) => [key, values.map((v, i) => mixed(key, v, i))]));
    }
    const before = rawOf(solver);
    near(valuesOf((await solver.snapshotBytes()).weights), wanted!);
    near(rawOf(solver), before, 1e-30);
    await solver.dispose();
    engine.dispose();
  });

  it('training is that without an average', async () => {
    const [engine, other] = [await createEngine(name), await createEngine(name)];
    const [plain, averaged] = [await make(base('', rule), engine), await make(base(EMA, rule), other)];
    for (const solver of [plain, averaged])
      for (let i = 0; i < 4; i++) {
        await solver.step();
        await solver.test();
        await solver.snapshotBytes();
      }
    // A product of three rows and one of four add up in another order.
    near(rawOf(averaged), rawOf(plain), 1e-6);
    await Promise.all([plain.dispose(), averaged.dispose()]);
    for (const e of [engine, other]) e.dispose();
  });

  const forms = name === 'host' ? ['', 'snapshot_format: HDF5', 'iter_size: 2'] : [''];
  it.each(forms)('goes on from bytes as the unbroken run %s', async more => {
    const engine = await createEngine(name);
    const text = base(EMA, `${rule} ${more}`);
    const whole = await make(text, engine);
    await whole.step(3);
    const tested = await whole.test();
    const snapshot = await whole.snapshotBytes();
    await whole.step(5);
    const other = await createEngine(name);
    const rest = await make(text, other);
    await rest.step(2);
    await rest.restore(snapshot);
    const again = await rest.snapshotBytes();
    expect(again.weights).toEqual(snapshot.weights);
    expect(again.state).toEqual(snapshot.state);
    await rest.step(5);
    expect(rest.losses).toEqual(whole.losses.slice(3));
    expect(await rest.snapshotBytes()).toEqual(await whole.snapshotBytes());
    expect(Number.isFinite(tested.loss)).toBe(true);
    await Promise.all([whole.dispose(), rest.dispose()]);
    for (const e of [engine, other]) e.dispose();
  });
});

it.each(['host', 'onnx', 'wasm'])('tests are of the average, on %s: what a net with the file gives', async name => {
  const engine = await createEngine(name);
  const solver = await make(base(EMA, SGD), engine);
  const first = await solver.test(0, { whole: true });
  const plain = await make(base('', SGD), engine);
  expect(await plain.test(0, { whole: true })).toEqual(first);
  await solver.step(6);
  const tested = await solver.test(0, { whole: true });
  plain.copyFrom((await solver.snapshotBytes()).weights);
  expect(await plain.test(0, { whole: true })).toEqual(tested);
  await plain.step(1);
  await plain.dispose();
  await solver.dispose();
  engine.dispose();
});

it('an average begins in a run that had none, and ends in one that had', async () => {
  const engine = await createEngine('host');
  const without = await make(base('', SGD), engine);
  await without.step(3);
  const plain = await without.snapshotBytes();
  const averaged = await make(base(EMA, SGD), engine);
  await averaged.restore(plain);
  expect(valuesOf((await averaged.snapshotBytes()).weights)).toEqual(valuesOf(plain.weights));
  await averaged.step(2);
  const snapshot = await averaged.snapshotBytes();
  expect(readSolverstate(snapshot.state).history).toHaveLength(2 * readSolverstate(plain.state).history.length);
  const raw = rawOf(averaged);
  await without.restore(snapshot);
  expect(rawOf(without)).toEqual(raw);
  await averaged.step(2);
  await without.step(2);
  expect(rawOf(without)).toEqual(rawOf(averaged));
  await Promise.all([without.dispose(), averaged.dispose()]);
  engine.dispose();
});

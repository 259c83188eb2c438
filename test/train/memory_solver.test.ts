/** Solver without files: data in memory, snapshots as bytes, the loop's events. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { feedOfArrays } from '../../src/feeds/arrays.js';
import { Random } from '../../src/random/index.js';
import type { TrainEvent } from '../../src/train/events.js';
import { trainSolver } from '../../src/train/loop.js';
import { Solver as FileSolver } from '../../src/train/node/solver.js';
import { Solver } from '../../src/train/solver.js';
import { failure } from '../failure.js';

const NET = `name: "n"
  layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 4 } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "drop" type: "Dropout" bottom: "ip" top: "ip" include { phase: TRAIN } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
  layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }`;
const SOLVER = `net: "n.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 8 random_seed: 3 test_iter: 3 test_interval: 4
  iter_size: 2 snapshot: 4`;

/** Points in the plane, class 1 to the right. */
function points(shuffle: boolean) {
  const random = new Random(7);
  const data = Array.from({ length: 22 }, () => random.uniform(-1, 1));
  const label = Array.from({ length: 11 }, (_, i) => (data[2 * i]! > 0 ? 1 : 0));
  return feedOfArrays(
    { data: { data, shape: [2] }, label: { data: label, shape: [] } },
    { batchSize: 4, shuffle, seed: 5 },
  );
}

const FORGOTTEN = `layer { name: "pictures" type: "Data" top: "data" data_param { source: "a" batch_size: 2 } augment_param { rotation: 20 } }
  layer { name: "masks" type: "Data" top: "label" data_param { source: "b" batch_size: 2 } }
  layer { name: "score" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }`;

const make = (text = SOLVER, more = {}) =>
  Solver.fromText(text, {
    nets: { 'n.prototxt': NET },
    data: points(true),
    testData: [points(false)],
    engine: async () => createHostEngine(),
    ...more,
  });

describe('a solver without files', () => {
  it('trains as the solver with files does', async () => {
    const solver = await make();
    const before = await solver.test(0, { whole: true });
    expect(before.batches).toBe(3);
    await solver.step(8);
    const given = { data: points(true), testData: [points(false)], backend: 'host' };
    const inline = SOLVER.replace('net: "n.prototxt"', `net_param { ${NET} }`);
    const other = await FileSolver.fromText(inline, given);
    await other.step(8);
    expect(other.losses).toEqual(solver.losses);
    expect((await solver.test(0, { whole: true })).loss).toBeLessThan(before.loss!);
    await Promise.all([solver.dispose(), other.dispose()]);
  });

  it.each(['', 'snapshot_format: HDF5'])('goes on from bytes as the unbroken run %s', async format => {
    const text = `${SOLVER} ${format}`;
    const whole = await make(text);
    await whole.step(3);
    const snapshot = await whole.snapshotBytes();
    await whole.step(5);
    const rest = await make(text, { seed: 99 });
    await rest.restore(snapshot);
    expect(rest.iter).toBe(3);
    await rest.step(5);
    expect(rest.losses).toEqual(whole.losses.slice(3));
    expect((await rest.snapshotBytes()).weights).toEqual((await whole.snapshotBytes()).weights);
    await Promise.all([whole.dispose(), rest.dispose()]);
  });

  it('tells a run as events, with the snapshots that the caller keeps', async () => {
    const solver = await make();
    const kept: number[] = [];
    const saveSnapshot = async () => {
      kept.push((await solver.snapshotBytes()).weights.length);
      return { weights: `weights ${solver.iter}`, state: `state ${solver.iter}` };
    };
    const events: TrainEvent[] = [];
    for await (const event of trainSolver(solver, { saveSnapshot, wholeTests: true })) events.push(event);
    const types = events.map(e => e.type).filter(type => type !== 'display' && type !== 'warning');
    expect(types.filter(type => type === 'iteration')).toHaveLength(8);
    expect(types.filter(type => type === 'test')).toHaveLength(3);
    expect(events.flatMap(e => (e.type === 'snapshot' ? [e.state] : []))).toEqual(['state 4', 'state 8']);
    expect(kept).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'done', snapshot: { state: 'state 8' } });
    await solver.dispose();
  });

  it('takes none where nobody keeps them', async () => {
    const solver = await make();
    const events: TrainEvent[] = [];
    for await (const event of trainSolver(solver)) events.push(event);
    expect(events.filter(e => e.type === 'snapshot')).toEqual([]);
    expect(events.at(-1)).toMatchObject({ reason: 'done', snapshot: undefined });
    await solver.dispose();
  });

  it('says which text is missing, and that files of weights are not read', async () => {
    expect(await failure(make(SOLVER, { nets: {} }))).toMatchObject({
      code: 'net-missing',
      location: { range: { start: { line: 1 } } },
    });
    expect(await failure(make(`${SOLVER} weights: "a.caffemodel"`))).toMatchObject({ code: 'weights-file' });
  });

  it('frees the engine that it made, where loading fails', async () => {
    let freed = 0;
    const engine = async () => Object.assign(createHostEngine(), { dispose: () => void freed++ });
    const noLoss = NET.replace(/layer \{ name: "loss".*\n/, '');
    expect(await failure(make(SOLVER, { nets: { 'n.prototxt': noLoss }, engine }))).toMatchObject({ code: 'no-loss' });
    expect(freed).toBe(1);
  });
});

describe('errors that checks find', () => {
  const inputShapes = { data: [2, 1, 4, 4], label: [2, 1, 4, 4] };
  const load = (net: string) =>
    Solver.fromText('net: "n.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot_after_train: false', {
      nets: { 'n.prototxt': net },
      inputShapes,
      engine: async () => createHostEngine(),
    });

  it('refuse a run whose labels do not move with the pictures', async () => {
    expect(await failure(load(FORGOTTEN))).toMatchObject({ code: 'augment-labels', layer: 'masks' });
    const solver = await load(
      FORGOTTEN.replace('source: "b" batch_size: 2 }', '$& augment_param { labels_of: "pictures" }'),
    );
    await solver.dispose();
  });

  it('refuse a filler that there is none of', async () => {
    const net = FORGOTTEN.replace('augment_param { rotation: 20 }', '').replace('"xavier" }', '"Xavier" }');
    expect((await failure(load(net))).message).toContain('no filler type "Xavier"');
  });
});

/** Net without files: what runs in a page. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { feedOfArrays } from '../../src/feeds/arrays.js';
import { Net } from '../../src/runtime/net.js';
import { Net as FileNet } from '../../src/runtime/node/net.js';
import { readWeights } from '../../src/weights/index.js';
import { failure } from '../failure.js';

const TEXT = `name: "n"
  layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 2 } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
const shapes = { data: [2, 4], label: [2] };
const feeds = { data: [1, 2, 3, 4, 5, 6, 7, 8], label: [0, 2] };

const load = (options = {}) =>
  Net.fromText(TEXT, { inputShapes: shapes, seed: 1, engine: createHostEngine(), ...options });

describe('a net without files', () => {
  it('computes what the net with files computes', async () => {
    const net = await load();
    const other = await FileNet.fromText(TEXT, { inputShapes: shapes, seed: 1, backend: 'host' });
    expect((await net.forward(feeds))['loss']!.data).toEqual((await other.forward(feeds))['loss']!.data);
    await net.backward();
    await other.backward();
    expect(net.params.get('ip')![0]!.diff).toEqual(other.params.get('ip')![0]!.diff);
    net.dispose();
    other.dispose();
  });

  it('gives its weights as bytes and takes them back, as bytes or as what was read', async () => {
    const net = await load();
    for (const hdf5 of [false, true]) {
      const bytes = await net.toBytes({ hdf5 });
      const second = await load({ seed: 2, weights: bytes });
      expect(second.copies[0]).toMatchObject({ copied: ['ip'], missing: [] });
      expect(await second.toBytes({ hdf5 })).toEqual(bytes);
      const third = await load({ seed: 3, weights: [readWeights(bytes)] });
      expect(await third.toBytes({ hdf5 })).toEqual(bytes);
    }
  });

  it('wants an engine, makes one where it is told how, and frees only that one', async () => {
    expect(await failure(load({ engine: undefined }))).toMatchObject({ code: 'no-engine' });
    let freed = 0;
    const engine = () => Object.assign(createHostEngine(), { dispose: () => void freed++ });
    const own = await load({ engine: async () => engine() });
    const given = await load({ engine: engine() });
    given.dispose();
    expect(freed).toBe(0);
    own.dispose();
    expect(freed).toBe(1);
  });

  it('frees its engine where the weights do not fit', async () => {
    let freed = 0;
    const engine = async () => Object.assign(createHostEngine(), { dispose: () => void freed++ });
    const wide = await Net.fromText(TEXT.replace('num_output: 3', 'num_output: 4'), {
      inputShapes: shapes,
      engine: createHostEngine(),
    });
    const weights = await wide.toBytes();
    expect(await failure(load({ weights, engine }))).toMatchObject({ code: 'weights-shape-mismatch' });
    expect(freed).toBe(1);
  });

  it('reads its data where a run is not fed, and takes their shapes', async () => {
    const data = feedOfArrays(
      { data: { data: Array.from({ length: 12 }, (_, i) => i), shape: [4] }, label: { data: [0, 1, 2], shape: [] } },
      { batchSize: 2 },
    );
    const net = await load({ inputShapes: undefined, data });
    await net.forward();
    expect([...net.blobs.get('data')!.data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await net.forward(feeds);
    await net.forward();
    expect([...net.blobs.get('label')!.data]).toEqual([2, 0]);
  });
});

describe('programs', () => {
  it('are compiled once for equal options, and again for other ones', async () => {
    const engine = createHostEngine();
    const compile = engine.compile.bind(engine);
    let compiled = 0;
    engine.compile = graph => {
      compiled++;
      return compile(graph);
    };
    const net = await load({ engine });
    const run = (lower: Parameters<typeof net.runProgram>[0]['lower']) =>
      net.runProgram({ lower, feeds, fetch: (_, outputs) => outputs });
    await run({});
    await run({ updates: undefined });
    expect(compiled).toBe(1);
    await run({ fetch: ['ip', 'loss'], updates: false });
    await run({ updates: false, fetch: ['ip', 'loss'] });
    expect(compiled).toBe(2);
    await run({ fetch: ['ip'], updates: false });
    expect(compiled).toBe(3);
    const extend = () => [];
    await run({ gradients: 'loss', extend });
    await run({ gradients: 'loss', extend });
    expect(compiled).toBe(4);
    await run({ gradients: 'loss', extend: () => [] });
    expect(compiled).toBe(5);
    await net.forward(feeds);
    await net.forward(feeds);
    expect(compiled).toBe(6);
  });
});

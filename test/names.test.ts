/**
 * Names that every JavaScript object has (`constructor`, `__proto__`, …) are names like others: whatever is called so, numbers,
 * files and words are those of the same network with plain names.
 */

import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Curves } from '../src/charts/curves.js';
import { timingChart } from '../src/charts/timing_chart.js';
import { weightsChart } from '../src/charts/weights_chart.js';
import { toGraphModel, toOnnxModel } from '../src/convert/models.js';
import { literalKey, own, recordOf } from '../src/diagnostics/index.js';
import { createEngine } from '../src/engines/node/index.js';
import type { Engine } from '../src/engines/types.js';
import { feedOfArrays } from '../src/feeds/arrays.js';
import { Net } from '../src/runtime/node/net.js';
import { trainSolver } from '../src/train/loop.js';
import { Solver } from '../src/train/solver.js';
import { images, kinds, network, ODD, placesOf, plain, pollution, SHAPE, solver, toPlain } from './odd_names.js';

/** The arrays of a map by the plain names that its names stand for. */
function numbers(blobs: Iterable<readonly [string, { readonly data: Float32Array }]>) {
  return [...blobs].map(([name, { data }]) => [toPlain(name), [...data]]);
}

function expectNear(got: Float32Array, want: readonly number[]) {
  expect(got).toHaveLength(want.length);
  for (const [i, number] of want.entries()) expect(got[i]).toBeCloseTo(number, 5);
}

it.each(ODD)('a chart with the text %s changes nothing outside', name => {
  const curves = new Curves(name);
  curves.add({ type: 'start', iter: 0, epoch: 0, iterationsPerEpoch: 1 });
  for (const iter of [0, 1])
    curves.add({ type: 'test', iter, epoch: iter, net: 0, outputs: { [name]: [iter], loss: [1] } });
  const blob = {
    layer: name,
    blob: 0,
    histogram: [1, 2],
    min: 0,
    max: 1,
    nans: 0,
    infinities: 0,
    shape: [2],
    count: 2,
  };
  const timing = {
    layers: [{ layer: name, type: 'ReLU', forward: 1, backward: 1 }],
    backend: 'host',
    forward: 1,
    forwardBackward: 2,
  };
  const drawn = [curves.svg(), weightsChart([blob as never], name), timingChart([timing as never], name)];
  for (const svg of drawn) expect(svg.replace(/val \S+/g, '')).toContain(`>${name}<`);
  expect(pollution()).toEqual([]);
});

describe('the library', () => {
  const engines = new Map<string, Engine>();
  beforeAll(async () => {
    for (const name of ['host', 'onnx', 'onnx-wasm', 'wasm', 'cpu']) engines.set(name, await createEngine(name));
  });
  afterAll(() => {
    for (const engine of engines.values()) engine.dispose();
  });

  /** What forward and backward give, under plain names. */
  async function run(names: readonly string[], turn: number, engine: Engine) {
    const places = placesOf(names, turn);
    const { image, kind, score, loss, rest } = places;
    const net = await Net.fromText(network(places), {
      engine,
      seed: 5,
      phase: 'TRAIN',
      inputShapes: { [image]: [4, ...SHAPE], [kind]: [4] },
    });
    const feeds = { [image]: images.subarray(0, 300), [kind]: kinds.subarray(0, 4) };
    const out = await net.forward(feeds, { keepBlobs: true });
    expect(net.outputs).toEqual([loss, rest].sort());
    expect(out[loss]!.data).toBe(out.get(loss)!.data);
    expect(out[rest]!.data).toBe(out.get(rest)!.data);
    const blobs = numbers(net.blobs);
    const diffs = await net.backward({}, { diffs: [image, score] });
    expect(diffs[image]).toBe(diffs.get(image));
    const gradients = numbers([...diffs].map(([name, { diff }]) => [name, { data: diff }] as const));
    const params = [...net.params].map(([name, list]) => [
      toPlain(name),
      list.map(({ data, diff }) => [[...data], [...diff]]),
    ]);
    const other = await net.forward({
      [image]: { data: images.subarray(0, 150), shape: [2, ...SHAPE] },
      [kind]: { data: [0, 1], shape: [2] },
    });
    expect(net.graphFor({ [image]: [6, ...SHAPE], [kind]: [6] }).blobs.get(rest)!.shape).toEqual([6, 3, 1, 1]);
    net.dispose();
    return { blobs, gradients, params, other: numbers(other) };
  }

  it.each(ODD.map((_, turn) => turn))('forward and backward, turn %i', async turn => {
    const engine = engines.get('host')!;
    expect(await run(ODD, turn, engine)).toEqual(await run(ODD.map(plain), turn, engine));
  });

  it.each(['onnx', 'onnx-wasm', 'wasm', 'cpu'])('forward and backward on %s', async name => {
    const engine = engines.get(name)!;
    expect(await run(ODD, 0, engine)).toEqual(await run(ODD.map(plain), 0, engine));
  });

  /** Blobs that fillers make, that are handed over, that a selector cuts short, and what a recurrent layer keeps from run to run. */
  async function sources(names: readonly string[], turn: number) {
    const {
      image: dummy,
      kind: data,
      filter: label,
      shared: chosen,
      again: state,
      score: kept,
    } = placesOf(names, turn);
    const net = await Net.fromText(
      `layer { name: "${dummy}" type: "DummyData" top: "${dummy}" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "gaussian" std: 1 } } }
       layer { name: "${data}" type: "MemoryData" top: "${data}" top: "${label}" memory_data_param { batch_size: 2 channels: 3 height: 1 width: 1 } }
       layer { name: "${chosen}" type: "Filter" bottom: "${dummy}" bottom: "${label}" top: "${chosen}" }
       layer { name: "${state}" type: "Reshape" bottom: "${data}" top: "x" reshape_param { shape { dim: 2 dim: 1 dim: 3 } } }
       layer { name: "cont" type: "DummyData" top: "cont" dummy_data_param { shape { dim: 2 dim: 1 } data_filler { value: 1 } } }
       layer { name: "${kept}" type: "RNN" bottom: "x" bottom: "cont" top: "${kept}" recurrent_param { num_output: 2 weight_filler { type: "xavier" } } }`,
      { engine: engines.get('host')!, seed: 3, phase: 'TEST' },
    );
    net.setInputArrays([1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1], [1, 0, 1, 1], data);
    const runs = [];
    for (let i = 0; i < 3; i++) runs.push(numbers(await net.forward({}, { keepBlobs: true })));
    runs.push([...net.blobs].map(([name, { shape }]) => [toPlain(name), [...shape]]));
    net.dispose();
    return runs;
  }

  it.each(ODD.map((_, turn) => turn))('what fills and settles blobs, turn %i', async turn => {
    const odd = await sources(ODD, turn);
    expect(odd[0]).not.toEqual(odd[1]);
    expect(odd).toEqual(await sources(ODD.map(plain), turn));
  });

  it('what is not there is not there', async () => {
    const net = await Net.fromText(
      `layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }
       layer { name: "r" type: "ReLU" bottom: "x" top: "y" }`,
      { engine: engines.get('host')! },
    );
    for (const name of ODD)
      await expect(net.forward({ [name]: [1, 2] })).rejects.toThrow(`The net has no input "${name}".`);
    await expect(net.forward()).rejects.toThrow('Nothing was fed for "x"');
    const results = await engines.get('host')!.compile((await import('../src/net/lower.js')).lowerNet(net.graph).graph);
    const out = await results.run({ x: Float32Array.of(1, -1) }, ['y']);
    for (const name of ODD) expect(out[name]).toBeUndefined();
    net.dispose();
  });

  it('says how to write such a name', async () => {
    expect(['data', 'my data', 'constructor', '__proto__'].map(literalKey)).toEqual([
      'data',
      '"my data"',
      'constructor',
      '["__proto__"]',
    ]);
    const net = await Net.fromText(
      'layer { name: "in" type: "Input" top: "__proto__" input_param { shape { dim: 2 } } }',
      { engine: engines.get('host')! },
    );
    await expect(net.forward()).rejects.toThrow('forward({ ["__proto__"]: numbers })');
    net.dispose();
  });

  it('outputs are a Map, whatever blobs are called', async () => {
    const net = await Net.fromText(
      ['size', 'get', 'entries', '__proto__', 'constructor', 'then']
        .map((name, i) => `layer { name: "${i}" type: "Input" top: "${name}" input_param { shape { dim: 1 } } }`)
        .join('\n'),
      { engine: engines.get('host')! },
    );
    const out = await net.forward(recordOf(net.inputs.map((name, i) => [name, [i]] as const)));
    expect([out.size, [...out.keys()]]).toEqual([6, net.outputs]);
    expect(net.outputs.map(name => out.get(name)!.data[0]).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(['__proto__', 'constructor', 'then'].map(name => out[name]!.data[0])).toEqual([3, 4, 5]);
    net.dispose();
  });

  /** What a run tells, its weights and what a run that goes on from its middle ends with. */
  async function trained(names: readonly string[], turn: number) {
    const places = placesOf(names, turn);
    const feed = () =>
      feedOfArrays(
        { [places.image]: { data: images, shape: SHAPE }, [places.kind]: { data: kinds, shape: [] } },
        { batchSize: 4 },
      );
    const make = () =>
      Solver.fromText(solver(places.right), {
        nets: { [places.right]: network(places) },
        data: feed(),
        testData: [feed()],
        engine: () => createEngine('host'),
      });
    const whole = await make();
    const told = [];
    for await (const event of trainSolver(whole))
      if (event.type === 'iteration' || event.type === 'test')
        told.push([
          event.iter,
          event.loss,
          numbers(Object.entries(event.outputs).map(([n, data]) => [n, { data: Float32Array.from(data) }] as const)),
        ]);
    const half = await make();
    await half.step(3);
    const bytes = await half.snapshotBytes();
    const resumed = await make();
    await resumed.restore(bytes);
    await resumed.step(3);
    const weights = [whole, resumed].map(s => [...s.net.params].map(([, list]) => list.map(({ data }) => [...data])));
    const tested = await resumed.test(0, { whole: true });
    const right = own(tested.outputs, places.right)!;
    expect(tested.outputs[places.right]).toBe(right);
    for (const name of names)
      if (![places.right, places.loss, places.rest].includes(name)) expect(tested.outputs[name]).toBeUndefined();
    expect(weights[1]).toEqual(weights[0]);
    return { told, weights, right: [...right], loss: tested.loss };
  }

  it.each([0, 1, 2, 3])('training, a snapshot and going on from it, turn %i', async turn => {
    const odd = await trained(ODD, 2 * turn);
    expect(odd.told.length).toBe(6 + 3);
    expect(odd).toEqual(await trained(ODD.map(plain), 2 * turn));
  });

  it.each(ODD.map((_, turn) => turn))('models in memory, turn %i', async turn => {
    const odd = placesOf(ODD, turn);
    const text = network(odd)
      .replace(
        /layer .*"HDF5Data".*/,
        `layer { name: "in" type: "Input" top: "${odd.image}" input_param { shape { dim: 1 dim: 3 dim: 5 dim: 5 } } }`,
      )
      .split('\n')
      .filter(line => !line.includes(`top: "${odd.loss}"`) && !line.includes('Accuracy'))
      .join('\n');
    const net = await Net.fromText(text, { engine: engines.get('host')!, seed: 2 });
    const input = images.subarray(0, 75);
    const out = await net.forward({ [odd.image]: input });
    const want = [odd.score, odd.rest].map(name => [...out.get(name)!.data]);
    const weights = { layers: net.params };

    const require = createRequire(import.meta.url);
    const ort = require('onnxruntime-node') as typeof import('onnxruntime-node');
    const { bytes, inputs, outputs } = await toOnnxModel(text, { weights });
    const nameOf = (blob: string) => [...inputs, ...outputs].find(e => e.blob === blob)!.name ?? blob;
    const session = await ort.InferenceSession.create(bytes);
    const made = await session.run(recordOf([[nameOf(odd.image), new ort.Tensor('float32', input, [1, ...SHAPE])]]));
    for (const [i, name] of [odd.score, odd.rest].entries())
      expectNear(own(made, nameOf(name))!.data as Float32Array, want[i]!);

    const tf = require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
    require('@tensorflow/tfjs-backend-cpu');
    const converter = require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter');
    const model = await toGraphModel(text, { weights, tf: converter as never });
    const got = model.execute({ [odd.image]: tf.tensor(input, [1, ...SHAPE]) }, [
      odd.score,
      odd.rest,
    ]) as import('@tensorflow/tfjs-core').Tensor[];
    for (const [i, tensor] of got.entries()) expectNear(tensor.dataSync() as Float32Array, want[i]!);
    net.dispose();
  });
});

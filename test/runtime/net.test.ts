/** Net: forward, backward, parameters, shapes, weights, on the host engine. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { Solver } from '../../src/train/node/index.js';

const NET = `
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "uniform" min: -0.3 max: 1 } bias_filler { value: 0.5 } } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
`;
const CONV = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 4 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "constant" value: 1 } } }
`;
const host = { backend: 'host', seed: 1 } as const;
const folder = mkdtempSync(join(tmpdir(), 'mokapot-net-'));
afterAll(() => rmSync(folder, { recursive: true }));

const failure = async (work: Promise<unknown>) => {
  const thrown: unknown = await work.then(
    () => undefined,
    e => e,
  );
  expect(thrown).toBeInstanceOf(MokapotError);
  return (thrown as MokapotError).diagnostics[0]!;
};

/** x·Wᵀ + b, then max(0, ·). */
function expected(net: Net, x: readonly number[]): number[] {
  const [w, b] = net.params.get('ip')!.map(p => p.data) as [Float32Array, Float32Array];
  const y: number[] = [];
  for (let n = 0; n < x.length / 3; n++)
    for (let o = 0; o < 2; o++) {
      const sum = [0, 1, 2].reduce((s, k) => s + x[n * 3 + k]! * w[o * 3 + k]!, b[o]!);
      y.push(Math.max(0, sum));
    }
  return y;
}

const x = [1, 2, 3, -1, 0.5, 2];

describe('forward', () => {
  it('computes the outputs and gives them as a map and as properties', async () => {
    const net = await Net.fromText(NET, host);
    const out = await net.forward({ data: Float32Array.from(x) });
    expect(net.inputs).toEqual(['data']);
    expect(net.outputs).toEqual(['ip']);
    expect(out['ip']).toBe(out.get('ip'));
    expect(out.get('ip')!.shape).toEqual([2, 2]);
    expected(net, x).forEach((y, i) => {
      expect(out.get('ip')!.data[i]).toBeCloseTo(y, 5);
    });
    expect(net.blobs.get('ip')!.data).toEqual(out.get('ip')!.data);
    net.dispose();
  });

  it('sees every change of a parameter, also through an array kept from before', async () => {
    const net = await Net.fromText(NET, host);
    const [w] = net.params.get('ip')!;
    for (const value of [1, 2, 3]) {
      w!.data[0] = value;
      const out = await net.forward({ data: x });
      expect(out['ip']!.data[0]).toBeCloseTo(expected(net, x)[0]!, 5);
    }
    w!.data = new Float32Array(6);
    expect((await net.forward())['ip']!.data).toEqual(Float32Array.of(0.5, 0.5, 0.5, 0.5));
    expect(() => (w!.data = [1, 2])).toThrow('holds 6 numbers, not 2');
  });

  it('leaves earlier results alone, and uses the last input where nothing is fed', async () => {
    const net = await Net.fromText(NET, host);
    const first = await net.forward({ data: x });
    const before = first['ip']!.data.slice();
    net.blobs.get('data')!.data.fill(0);
    const second = await net.forward();
    expect(first['ip']!.data).toEqual(before);
    expect(second['ip']!.data).toEqual(Float32Array.of(0.5, 0.5, 0.5, 0.5));
  });

  it('reads every blob with keepBlobs', async () => {
    const net = await Net.fromText(
      `${NET} layer { name: "p" type: "Power" bottom: "ip" top: "p" power_param { scale: 2 } }`,
      host,
    );
    await net.forward({ data: x }, { keepBlobs: true });
    const [ip, p] = ['ip', 'p'].map(name => net.blobs.get(name)!.data) as [Float32Array, Float32Array];
    expect([...p]).toEqual([...ip].map(v => 2 * v));
    expect(Math.max(...ip)).toBeGreaterThan(0);
  });

  it('takes another shape and keeps it until the next', async () => {
    const net = await Net.fromText(CONV, host);
    const out = await net.forward({ data: { data: new Float32Array(30).fill(1), shape: [1, 1, 5, 6] } });
    expect(out['conv']!.shape).toEqual([1, 2, 3, 4]);
    expect(net.blobs.get('conv')!.shape).toEqual([1, 2, 3, 4]);
    expect(out['conv']!.data).toEqual(new Float32Array(24).fill(9));
    expect((await net.forward({ data: new Float32Array(16) }))['conv']!.shape).toEqual([1, 2, 2, 2]);
    const wrong = await failure(net.forward({ data: new Float32Array(7) }));
    expect(wrong).toMatchObject({ code: 'feed-size' });
    expect(wrong.message).toContain('[1, 1, 4, 4]');
  });

  it('refuses a shape that a fully connected layer cannot take', async () => {
    const net = await Net.fromText(NET, host);
    const shape = [2, 4];
    expect(await failure(net.forward({ data: { data: new Float32Array(8), shape } }))).toMatchObject({
      code: 'reshape-params',
      layer: 'ip',
    });
  });

  it('names inputs that are missing or unknown', async () => {
    const net = await Net.fromText(NET, host);
    expect(await failure(net.forward())).toMatchObject({ code: 'missing-input' });
    expect(await failure(net.forward({ dta: x }))).toMatchObject({ code: 'unknown-input' });
  });

  it('fills DummyData: constants once, chance anew', async () => {
    const net = await Net.fromText(
      `layer { name: "d" type: "DummyData" top: "c" top: "r"
         dummy_data_param { shape { dim: 2 } data_filler { value: 3 } data_filler { type: "uniform" max: 1 } } }`,
      host,
    );
    expect(net.inputs).toEqual([]);
    const first = await net.forward();
    const second = await net.forward();
    expect(first['c']!.data).toEqual(Float32Array.of(3, 3));
    expect(second['r']!.data).not.toEqual(first['r']!.data);
  });
});

describe('backward', () => {
  const FORCED = `force_backward: true\n${NET}`;

  it('gives the gradients of inputs and parameters', async () => {
    const net = await Net.fromText(FORCED, host);
    await net.forward({ data: x });
    const top = [1, 2, 3, 4];
    const out = await net.backward({ ip: top });
    const y = expected(net, x);
    const dy = top.map((d, i) => (y[i]! > 0 ? d : 0));
    const [w, b] = net.params.get('ip')!;
    const dx = x.map((_, i) =>
      [0, 1].reduce((s, o) => s + dy[Math.floor(i / 3) * 2 + o]! * w!.data[o * 3 + (i % 3)]!, 0),
    );
    dx.forEach((d, i) => {
      expect(out['data']!.diff[i]).toBeCloseTo(d, 5);
    });
    expect(net.blobs.get('data')!.diff).toEqual(out['data']!.diff);
    expect([...b!.diff]).toEqual([dy[0]! + dy[2]!, dy[1]! + dy[3]!]);
    expect(w!.diff[0]).toBeCloseTo(dy[0]! * x[0]! + dy[2]! * x[3]!, 5);
    await net.backward({ ip: top });
    expect([...b!.diff]).toEqual([dy[0]! + dy[2]!, dy[1]! + dy[3]!]);
  });

  it('needs a forward, a place to start, and known blobs', async () => {
    const net = await Net.fromText(NET, host);
    expect(await failure(net.backward({ ip: [1, 1, 1, 1] }))).toMatchObject({ code: 'no-forward' });
    await net.forward({ data: x });
    expect(await failure(net.backward())).toMatchObject({ code: 'no-gradient' });
    expect(await failure(net.backward({ pi: [1] }))).toMatchObject({ code: 'unknown-blob' });
    expect(await failure(net.backward({ ip: [1] }))).toMatchObject({ code: 'feed-size' });
  });

  it('sees the dropout of the forward before it', async () => {
    const net = await Net.fromText(
      `force_backward: true
       layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 64 } } }
       layer { name: "drop" type: "Dropout" bottom: "data" top: "drop" }`,
      { ...host, phase: 'TRAIN' },
    );
    const ones = new Float32Array(64).fill(1);
    for (let i = 0; i < 3; i++) {
      const out = await net.forward({ data: ones });
      expect(new Set(out['drop']!.data)).toEqual(new Set([0, 2]));
      expect((await net.backward({ drop: ones }))['data']!.diff).toEqual(out['drop']!.data);
    }
  });
});

describe('weights', () => {
  it('are saved and copied by layer name', async () => {
    const net = await Net.fromText(NET, host);
    const path = join(folder, 'w.caffemodel');
    await net.save(path);
    const other = await Net.fromText(NET, { ...host, seed: 2, weights: path });
    const third = await Net.fromText(NET, { ...host, seed: 3 });
    expect(third.params.get('ip')![0]!.data).not.toEqual(net.params.get('ip')![0]!.data);
    const match = third.copyFrom(readFileSync(path));
    expect(match.copied).toEqual(['ip']);
    for (const n of [other, third]) expect(n.params.get('ip')![0]!.data).toEqual(net.params.get('ip')![0]!.data);
    expect((await third.forward({ data: x }))['ip']!.data).toEqual((await net.forward({ data: x }))['ip']!.data);
  });

  it('of another shape are refused with both shapes', async () => {
    const path = join(folder, 'v.caffemodel');
    await (await Net.fromText(NET, host)).save(path);
    const wider = NET.replace('num_output: 2', 'num_output: 3');
    const wrong = await failure(Net.fromText(wider, { ...host, weights: path }));
    expect(wrong).toMatchObject({ code: 'weights-shape-mismatch', layer: 'ip' });
    expect(wrong.message).toMatch(/2.*3.*3.*3/);
  });

  it('are the same for the same seed', async () => {
    const [a, b, c] = await Promise.all([1, 1, 2].map(seed => Net.fromText(NET, { backend: 'host', seed })));
    const of = (net: Net | undefined) => net!.params.get('ip')![0]!.data;
    expect(of(a)).toEqual(of(b));
    expect(of(a)).not.toEqual(of(c));
    expect((await Net.fromText(NET, { backend: 'host' })).seed).not.toBe(
      (await Net.fromText(NET, { backend: 'host' })).seed,
    );
  });

  it('of a shared net are one', async () => {
    const net = await Net.fromText(NET, host);
    const extra = `${NET} layer { name: "own" type: "InnerProduct" bottom: "ip" top: "own" inner_product_param { num_output: 1 } }`;
    const other = await Net.fromText(extra, { ...host, shareWith: net });
    net.params.get('ip')![0]!.data.fill(2);
    expect(other.params.get('ip')![0]!.data).toEqual(new Float32Array(6).fill(2));
    await other.forward({ data: x });
    expect((await net.forward({ data: x }))['ip']!.data[0]).toBe(12.5);
    const wider = Net.fromText(NET.replace('num_output: 2', 'num_output: 3'), { ...host, shareWith: net });
    expect(await failure(wider)).toMatchObject({ code: 'shared-layer-shape' });
  });
});

it('brings a trained parameter home when someone looks, and not before', async () => {
  const text = `net_param { ${NET} layer { name: "t" type: "DummyData" top: "t" dummy_data_param { shape { dim: 2 dim: 2 } data_filler { value: 9 } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "loss" } } base_lr: 0.01 lr_policy: "fixed" random_seed: 1`;
  const solver = await Solver.fromText(text, { backend: 'host' });
  const { engine } = solver.net;
  const reads: string[] = [];
  const readNow = engine.readNow!;
  Object.assign(engine, {
    readNow: (variable: string) => {
      reads.push(variable);
      return readNow(variable);
    },
  });
  await solver.step(2, { data: x });
  expect(reads).toEqual([]);
  const [w, b] = solver.net.params.get('ip')!;
  const first = w!.data;
  const before = first.slice();
  expect(first).toEqual(await engine.read('ip/0'));
  await solver.step(1, { data: x });
  expect(first).not.toEqual(before);
  expect(first).toEqual(await engine.read('ip/0'));
  expect(reads).toEqual(['ip/0']);
  await solver.dispose();
  expect(b!.data[0]).toBeGreaterThan(0.5);
});

it('two nets on one engine do not disturb each other', async () => {
  const a = await Net.fromText(NET, host);
  const b = await Net.fromText(NET.replace('num_output: 2', 'num_output: 5'), { seed: 9, engine: a.engine });
  const before = (await a.forward({ data: x }))['ip']!.data;
  await b.forward({ data: x });
  expect((await a.forward({ data: x }))['ip']!.data).toEqual(before);
});

it('reads a file, and the errors of its text carry its name', async () => {
  const path = join(folder, 'net.prototxt');
  writeFileSync(path, NET);
  expect((await Net.fromFile(path, host)).name).toBe('small');
  writeFileSync(path, NET.replace('num_output', 'num_outputs'));
  const wrong = await failure(Net.fromFile(path, host));
  expect(wrong).toMatchObject({ code: 'unknown-field' });
  expect(wrong.location!.source.name).toBe(path);
  expect(await failure(Net.fromFile(join(folder, 'none')))).toMatchObject({ code: 'file-unreadable' });
});

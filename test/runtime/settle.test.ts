/** Tops whose shapes depend on numbers, through Net and Solver: Filter, detections, proposals, user code. */

import { describe, expect, it } from 'vitest';
import { type HostBlob, type HostLayer, type HostLayerClass, MokapotError, Net, Solver } from '../../src/index.js';
import { Random } from '../../src/random/index.js';

const NET = `
force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 } } }
layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 4 } } }
layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "y" }
layer { name: "r" type: "Reshape" bottom: "y" top: "r" reshape_param { shape { dim: 0 dim: 2 dim: 1 dim: 1 } } }
layer { name: "conv" type: "Convolution" bottom: "r" top: "conv"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "constant" value: 0.5 } } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "z"
  inner_product_param { num_output: 1 weight_filler { type: "constant" value: 1 } } }
`;
const x = [1, 2, 3, 4, 5, 6, 7, 8];

describe.each(['host', 'cpu', 'wasm'])('Filter on %s', backend => {
  it('compiles what stands behind it for the samples that pass', async () => {
    const net = await Net.fromText(NET, { backend, seed: 1, keepBlobs: true });
    const passed = async (s: number[]) => {
      const out = await net.forward({ x, s });
      await net.backward({ z: out.get('z')!.data.map((_, i) => i + 1) });
      return [
        out.get('z')!.shape,
        [...out.get('z')!.data],
        [...net.blobs.get('x')!.diff],
        [...net.params.get('conv')![0]!.diff],
      ];
    };
    expect(net.blobs.get('z')!.shape).toEqual([4, 1]);
    expect(await passed([0, 1, 0, -2])).toEqual([
      [2, 1],
      [7, 15],
      [0, 0, 1, 1, 0, 0, 2, 2],
      [17, 20, 17, 20],
    ]);
    expect(await passed([1, 1, 1, 1])).toEqual([
      [4, 1],
      [3, 7, 11, 15],
      [1, 1, 2, 2, 3, 3, 4, 4],
      [50, 60, 50, 60],
    ]);
    expect(await passed([0, 0, 0, 0])).toEqual([[0, 1], [], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0]]);
    net.dispose();
  });
});

it('a filter behind a filter, and chance before both, drawn once', async () => {
  const text = `
    force_backward: true
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 6 dim: 1 } } }
    layer { name: "d" type: "Dropout" bottom: "x" top: "d" }
    layer { name: "f" type: "Filter" bottom: "x" bottom: "d" bottom: "d" top: "kept" top: "same" }
    layer { name: "p" type: "Power" bottom: "kept" top: "p" power_param { shift: -3 } }
    layer { name: "relu" type: "ReLU" bottom: "p" top: "p" }
    layer { name: "g" type: "Filter" bottom: "kept" bottom: "p" top: "y" }`;
  const net = await Net.fromText(text, { backend: 'host', seed: 3, phase: 'TRAIN', keepBlobs: true });
  const dropped = new Set<number>();
  for (let i = 0; i < 8; i++) {
    const out = await net.forward({ x: [1, 2, 3, 4, 5, 6] });
    const kept = [...net.blobs.get('d')!.data].flatMap((v, k) => (v === 0 ? [] : [k + 1]));
    expect([...net.blobs.get('kept')!.data]).toEqual(kept);
    expect([...out.get('y')!.data]).toEqual(kept.filter(v => v > 3));
    dropped.add(kept.length);
  }
  expect(dropped.size).toBeGreaterThan(1);
  net.dispose();
});

type Blobs = readonly HostBlob[];

/** Hands its bottom on and counts how often. */
class Counted implements HostLayer {
  static forwards = 0;
  param_str = '';
  phase = 'TEST' as const;
  reshape([x]: Blobs, [y]: Blobs): void {
    y!.reshape(...x!.shape);
  }
  forward([x]: Blobs, [y]: Blobs): void {
    Counted.forwards++;
    y!.data.set(x!.data);
  }
}

/** The positive numbers of its bottom, as many rows as there are; its setup leaves the top one row. */
class Positive implements HostLayer {
  static forwards = 0;
  param_str = '';
  phase = 'TEST' as const;
  blobs!: NonNullable<HostLayer['blobs']>;
  setup(_: Blobs, [y]: Blobs): void {
    y!.reshape(1, 1);
  }
  reshape(): void {}
  forward([x]: Blobs, [y]: Blobs): void {
    Positive.forwards++;
    const found = [...x!.data].filter(v => v > 0);
    y!.reshape(found.length, 1);
    y!.data.set(found);
  }
  backward([y]: Blobs, _: readonly boolean[], [x]: Blobs): void {
    let at = 0;
    x!.data.forEach((v, i) => {
      x!.diff[i] = v > 0 ? y!.diff[at++]! : 0;
    });
  }
}

/** The same with a parameter of its own. */
class WithBlob extends Positive {
  override setup(x: Blobs, y: Blobs): void {
    super.setup(x, y);
    this.blobs.add_blob(1);
  }
}

/** Rows as its own chance has it. */
class Fickle extends Positive {
  private readonly random = new Random(1);
  override forward(_: Blobs, [y]: Blobs): void {
    y!.reshape(1 + this.random.integer(5), 1);
  }
}

const user = (classes: Readonly<Record<string, HostLayerClass>>) => (_: string, layer: string) => {
  const of = classes[layer];
  return of && new of();
};

const code = (name: string, layer: string, bottom: string, top: string, more = '') =>
  `layer { name: "${name}" type: "Python" bottom: "${bottom}" top: "${top}" ${more} python_param { module: "m" layer: "${layer}" } }`;
const input = (name: string, ...shape: number[]) =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${shape.map(d => `dim: ${d}`).join(' ')} } } }`;

/** Two priors, two classes; scores by what is fed. */
const SSD = [
  input('loc', 1, 8),
  input('conf', 1, 4),
  input('priors', 1, 2, 8),
  code('count', 'Counted', 'conf', 'scores'),
  `layer { name: "found" type: "DetectionOutput" bottom: "loc" bottom: "scores" bottom: "priors" top: "found"
    detection_output_param { num_classes: 2 confidence_threshold: 0.5 code_type: CORNER nms_param { nms_threshold: 0.5 } } }`,
  'layer { name: "twice" type: "Power" bottom: "found" top: "twice" power_param { scale: 2 } }',
].join('\n');
const priors = [0, 0, 0.25, 0.25, 0.5, 0.5, 1, 1, ...new Array<number>(8).fill(1)];

describe.each(['host', 'wasm', 'onnx'])('detections on %s', backend => {
  it('are as many rows as were found, and each layer runs once', async () => {
    const net = await Net.fromText(SSD, { backend, hostLayer: user({ Counted }), keepBlobs: true });
    const run = async (conf: number[]) => {
      Counted.forwards = 0;
      const out = await net.forward({ loc: new Float32Array(8), conf, priors });
      expect(Counted.forwards).toBe(1);
      const { shape, data } = out.get('twice')!;
      expect(net.blobs.get('found')!.shape).toEqual(shape);
      expect([...net.blobs.get('found')!.data].map(v => 2 * v)).toEqual([...data]);
      expect([...net.blobs.get('scores')!.data]).toEqual([...Float32Array.from(conf)]);
      return { shape, data: [...data] };
    };
    expect(net.blobs.get('found')!.shape).toEqual([1, 1, 4, 7]);
    const both = await run([0, 0.75, 0, 0.875]);
    expect(both.shape).toEqual([1, 1, 2, 7]);
    expect(both.data).toEqual([0, 2, 1.75, 1, 1, 2, 2, 0, 2, 1.5, 0, 0, 0.5, 0.5]);
    expect((await run([0, 0.75, 0, 0])).shape).toEqual([1, 1, 1, 7]);
    expect((await run([0, 0, 0, 0])).data).toEqual([0, -2, -2, -2, -2, -2, -2]);
    expect(await run([0, 0.75, 0, 0.875])).toEqual(both);
    net.dispose();
  });

  it('proposals become regions, which are pooled and learnt from', async () => {
    const text = `force_backward: true
      ${input('x', 1, 1, 4, 4)} ${input('boxes', 1, 4, 4, 4)} ${input('info', 1, 3)} ${input('truth', 1)}
      layer { name: "rpn" type: "Convolution" bottom: "x" top: "rpn"
        convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "constant" value: 1 } } }
      layer { name: "rois" type: "Proposal" bottom: "rpn" bottom: "boxes" bottom: "info" top: "rois"
        proposal_param { ratio: 1 scale: 1 feat_stride: 16 post_nms_topn: 5 nms_thresh: 0.1 } }
      layer { name: "pool" type: "ROIPooling" bottom: "x" bottom: "rois" top: "pool"
        roi_pooling_param { pooled_h: 1 pooled_w: 1 spatial_scale: 0.0625 } }
      layer { name: "sum" type: "Reduction" bottom: "pool" top: "sum" }`;
    const net = await Net.fromText(text, { backend, seed: 1 });
    const x = Float32Array.from({ length: 16 }, (_, i) => i + 1);
    const fed = { boxes: new Float32Array(64), info: [64, 64, 1], truth: [1] };
    const out = await net.forward({ x, ...fed });
    expect(net.blobs.get('rois')!.shape).toEqual([5, 5]);
    await net.backward({ sum: [1] });
    const dx = [...net.blobs.get('x')!.diff];
    expect(dx.reduce((a, v) => a + v, 0)).toBe(5);
    expect(out.get('sum')!.data[0]).toBe(dx.reduce((a, v, i) => a + v * x[i]!, 0));
    await net.forward({ x, ...fed, boxes: Float32Array.from({ length: 64 }, (_, i) => (i >= 32 ? 3 : 0)) });
    expect(net.blobs.get('rois')!.shape[0]).toBeLessThan(5);
    net.dispose();
  });

  it('user code changes its tops with the numbers: the first time the run begins anew, then it is settled first', async () => {
    const text = `force_backward: true\n${input('x', 6)}\n${code('p', 'Positive', 'x', 'p')}
      layer { name: "y" type: "Power" bottom: "p" top: "y" power_param { scale: 3 } }`;
    const net = await Net.fromText(text, { backend, hostLayer: user({ Positive }) });
    expect(net.blobs.get('y')!.shape).toEqual([1, 1]);
    const run = async (x: number[]) => {
      Positive.forwards = 0;
      const { shape, data } = (await net.forward({ x })).get('y')!;
      return { shape, data: [...data], forwards: Positive.forwards };
    };
    expect(await run([1, -1, 2, -2, 3, -3])).toEqual({ shape: [3, 1], data: [3, 6, 9], forwards: 1 });
    expect(await run([1, -1, -2, -2, -3, 5])).toEqual({ shape: [2, 1], data: [3, 15], forwards: 1 });
    expect(await run([1, -1, -2, -2, -3, 5])).toEqual({ shape: [2, 1], data: [3, 15], forwards: 1 });
    await net.backward({ y: [1, 2] });
    expect(Positive.forwards).toBe(1);
    expect([...net.blobs.get('x')!.diff]).toEqual([3, 0, 0, 0, 0, 6]);
    expect((await run([-1, -1, -2, -2, -3, -5])).shape).toEqual([0, 1]);
    net.dispose();
  });
});

it('a training goes through user code that changes its tops', async () => {
  const net = `${input('x', 4, 1)}
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 1 weight_filler { type: "constant" value: 1 } } }
    ${code('p', 'Positive', 'ip', 'p')}
    layer { name: "loss" type: "Reduction" bottom: "p" top: "loss" loss_weight: 1 reduction_param { operation: SUMSQ coeff: 0.5 } }`;
  const text = `base_lr: 0.01 lr_policy: "fixed" max_iter: 4 net_param { ${net} }`;
  const solver = await Solver.fromText(text, { backend: 'host', hostLayer: user({ Positive }) });
  const weight = () => solver.net.params.get('ip')![0]!.data[0]!;
  const bias = () => solver.net.params.get('ip')![1]!.data[0]!;
  let [w, c] = [1, 0];
  for (let i = 0; i < 4; i++) {
    const out = [1, 2].map(x => w * x + c);
    w -= 0.01 * (out[0]! + 2 * out[1]!);
    c -= 0.01 * (out[0]! + out[1]!);
    await solver.step(1, { x: [1, 2, -1, -2] });
    expect(weight()).toBeCloseTo(w, 5);
    expect(bias()).toBeCloseTo(c, 5);
  }
  solver.dispose();
});

it('statistics, chance and files before a cut are those of one run', async () => {
  const text = `${input('x', 4, 1)} ${input('s', 4)}
    layer { name: "bn" type: "BatchNorm" bottom: "x" top: "bn" }
    layer { name: "d" type: "Dropout" bottom: "bn" top: "d" }
    layer { name: "f" type: "Filter" bottom: "d" bottom: "s" top: "y" }
    layer { name: "bn2" type: "BatchNorm" bottom: "y" top: "z" }`;
  const net = await Net.fromText(text, { backend: 'host', phase: 'TRAIN', seed: 4, keepBlobs: true });
  await net.forward({ x: [1, 2, 3, 4], s: [1, 0, 1, 1] });
  expect(net.params.get('bn')![2]!.data[0]).toBe(1);
  expect(net.params.get('bn2')![2]!.data[0]).toBe(1);
  const d = [...net.blobs.get('d')!.data];
  expect([...net.blobs.get('y')!.data]).toEqual([d[0], d[2], d[3]]);
  net.dispose();
});

describe('what cannot be settled is said', () => {
  const made = (layer: string) =>
    Net.fromText(`${input('x', 6)}\n${code('p', layer, 'x', 'p')}`, {
      backend: 'host',
      hostLayer: user({ WithBlob, Fickle }),
    });

  it('of a layer with blobs of its own', async () => {
    const net = await made('WithBlob');
    await expect(net.forward({ x: [1, 1, 1, 1, 1, 1] })).rejects.toThrow(
      /top 0 became \[6, 1\].*compiled for \[1, 1\]/,
    );
    net.dispose();
  });

  it('of one whose backward would see other tops than its forward', async () => {
    const net = await Net.fromText(`force_backward: true\n${input('x', 6)}\n${code('p', 'Fickle', 'x', 'p')}`, {
      backend: 'host',
      hostLayer: user({ Fickle }),
    });
    const { shape } = (await net.forward({ x: [1, 1, 1, 1, 1, 1] })).get('p')!;
    await net.backward({ p: new Float32Array(shape[0]!) });
    const again = Promise.all(Array.from({ length: 8 }, () => net.backward({ p: new Float32Array(shape[0]!) })));
    await expect(again).rejects.toThrow(MokapotError);
    net.dispose();
  });
});

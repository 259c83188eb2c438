/** `convert` on real files: every target, read back by what it is for; what is refused, and what is left behind. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConvertOptions, convert } from '../../src/convert/node/index.js';
import { MokapotError } from '../../src/diagnostics/index.js';
import { loadWeights, saveBinaryproto, saveNpz } from '../../src/weights/node/files.js';
import { randomWeights } from './random_weights.js';

const NETWORKS = new URL('../../networks/', import.meta.url).pathname;
const LENET = join(NETWORKS, 'lenet.prototxt');
const SMALL = join(NETWORKS, 'fcn_small.prototxt');

let folder: string;
let lenet: string;
let small: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mokapot-convert-'));
  lenet = await randomWeights(LENET, join(folder, 'lenet.caffemodel'));
  small = await randomWeights(SMALL, join(folder, 'small.caffemodel'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let outs = 0;
const fresh = () => join(folder, `out${++outs}`);

function run(options: Partial<ConvertOptions> & Pick<ConvertOptions, 'to' | 'out'>) {
  return convert({ net: LENET, weights: lenet, backend: 'wasm', ...options });
}

async function refusal(promise: Promise<unknown>) {
  const thrown = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(thrown).toBeInstanceOf(MokapotError);
  return (thrown as MokapotError).diagnostics.find(d => d.severity === 'error')!;
}

describe('models', () => {
  it.each(['tfjs', 'onnx'] as const)('%s of LeNet: any batch, one size, the numbers of the net', async to => {
    const report = await run({ to, out: fresh() });
    expect(report.inputs.map(({ blob, shape }) => ({ blob, shape }))).toEqual([
      { blob: 'data', shape: [-1, 1, 28, 28] },
    ]);
    expect(report.outputs.map(({ blob, shape }) => ({ blob, shape }))).toEqual([{ blob: 'prob', shape: [-1, 10] }]);
    expect(report.open).toEqual({ batch: true, plane: undefined });
    expect(report.reasons?.plane).toMatch(/"ip1" has weights for one size/);
    expect(report.checks).toHaveLength(2);
    for (const { outputs } of report.checks!) expect(outputs[0]!.error).toBeLessThan(1e-5);
    expect(report.diagnostics).toEqual([]);
  });

  it.each(['tfjs', 'onnx'] as const)('%s of a fully convolutional net: any batch, height and width', async to => {
    const report = await run({ to, out: fresh(), net: SMALL, weights: small });
    expect(report.inputs[0]!.shape).toEqual([-1, 1, -1, -1]);
    expect(report.outputs[0]!.shape).toEqual([-1, 2, -1, -1]);
    expect(report.open).toEqual({ batch: true, plane: 16 });
    expect(report.checks![1]!.inputs['data']).toEqual([2, 1, 272, 304]);
    for (const { outputs } of report.checks!) expect(outputs[0]!.error).toBeLessThan(1e-5);
  });

  it('of a network in its form for training is that of its deploy form', async () => {
    const net = join(folder, 'train_val.prototxt');
    writeFileSync(
      net,
      `layer { name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: 8 mean_value: 100 }
         data_param { source: "x" batch_size: 4 } }
       layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
         inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
       layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`,
    );
    const report = await convert({
      to: 'onnx',
      out: fresh(),
      net,
      backend: 'wasm',
      inputShapes: { data: [1, 1, 8, 8] },
    });
    expect(report.inputs.map(({ blob, shape }) => ({ blob, shape }))).toEqual([{ blob: 'data', shape: [-1, 1, 8, 8] }]);
    expect(report.outputs.map(({ shape }) => shape)).toEqual([[-1, 3]]);
    expect(report.diagnostics.map(d => d.code)).toEqual(['deployed', 'deploy-transform', 'no-weights']);
    expect(report.diagnostics[1]!.hint).toContain('--mean 100.');
  });

  it('leaves nothing open with `fixed`, and takes other sizes', async () => {
    const options = { net: SMALL, weights: small, fixed: true, inputShapes: { data: [1, 1, 64, 48] } };
    const report = await run({ to: 'onnx', out: join(fresh(), 'heart.onnx'), ...options });
    expect(report.inputs[0]!.shape).toEqual([1, 1, 64, 48]);
    expect(report.files[0]!.path).toMatch(/heart\.onnx$/);
    expect(report.reasons).toEqual({});
    expect(report.checks).toHaveLength(1);
  });

  it('works preprocessing in', async () => {
    const prototxt = join(folder, 'colour.prototxt');
    writeFileSync(
      prototxt,
      `name: "colour" layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 12 dim: 10 } } }
       layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }`,
    );
    const given = { net: prototxt, weights: [], seed: 3 };
    const preprocessing = { mean: [104, 117, 123], scale: 0.5, swapChannels: true };
    for (const to of ['tfjs', 'onnx'] as const) {
      const report = await run({ to, out: fresh(), ...given, preprocessing });
      expect(report.open?.plane).toBe(1);
      expect(report.checks![0]!.outputs[0]!.greatest).toBeGreaterThan(1);
    }
    const nhwc = await run({ to: 'tfjs', out: fresh(), ...given, preprocessing, layout: 'NHWC' });
    expect(nhwc.inputs[0]!.shape).toEqual([-1, -1, -1, 3]);
    const shape = [3, 14, 14];
    const mean = { shape, data: Float32Array.from({ length: 3 * 14 * 14 }, (_, i) => i % 97) };
    await saveBinaryproto(join(folder, 'mean.binaryproto'), mean);
    const report = await run({ to: 'tfjs', out: fresh(), ...given, preprocessing: { mean } });
    expect(report.open).toEqual({ batch: true, plane: undefined });
  });

  it('ends at the blobs that are asked for', async () => {
    const prototxt = join(folder, 'cut.prototxt');
    writeFileSync(
      prototxt,
      `layer { name: "data" type: "Input" top: "data" top: "chosen" input_param { shape { dim: 4 dim: 3 } shape { dim: 4 } } }
       layer { name: "double" type: "Power" bottom: "data" top: "double" power_param { scale: 2 } }
       layer { name: "pick" type: "Filter" bottom: "double" bottom: "chosen" top: "y" }`,
    );
    for (const to of ['tfjs', 'onnx'] as const) {
      const report = await run({ to, out: fresh(), net: prototxt, weights: [], outputs: ['double'] });
      expect(report.outputs).toEqual([expect.objectContaining({ blob: 'double', shape: [-1, 3] })]);
      expect(report.checks![0]!.outputs).toEqual([{ blob: 'double', error: 0, greatest: expect.closeTo(2, 0) }]);
    }
  });

  it('quantises, and says how far that is off', async () => {
    const sizes: number[] = [];
    const errors: number[] = [];
    for (const quantize of ['float16', 'uint16', 'uint8'] as const) {
      const report = await run({ to: 'tfjs', out: fresh(), quantize });
      sizes.push(report.files[0]!.bytes);
      errors.push(report.quantization!.error);
      expect(report.quantization!.weight).toMatch(/^(conv|ip)\d\//);
      expect(report.checks![0]!.outputs[0]!.error).toBeLessThan(0.05);
    }
    const [float16, uint16, uint8] = sizes as [number, number, number];
    const numbers = 431080;
    expect(float16).toBeGreaterThanOrEqual(2 * numbers);
    expect(float16).toBeLessThan(2 * numbers + 100);
    expect(uint16).toBe(float16);
    expect(uint8).toBeGreaterThanOrEqual(numbers);
    expect(uint8).toBeLessThan(numbers + 100);
    // The greatest parameters are biases of up to ±√3: half a step of 2^-10, of 2√3/65535, of 2√3/255.
    const [half, fine, coarse] = errors as [number, number, number];
    expect(half).toBeGreaterThan(2 ** -12);
    expect(half).toBeLessThanOrEqual(2 ** -11);
    expect(fine).toBeGreaterThan(1e-5);
    expect(fine).toBeLessThan(2.7e-5);
    expect(coarse).toBeGreaterThan(4e-3);
    expect(coarse).toBeLessThan(6.9e-3);
  });

  it('stores a parameter that layers share once', async () => {
    const prototxt = join(folder, 'shared.prototxt');
    const conv = (name: string, bottom: string) =>
      `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" param { name: "w" } param { name: "b" }
         convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 2 weight_filler { type: "xavier" } } }`;
    writeFileSync(
      prototxt,
      `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 dim: 9 dim: 9 } } }
       ${conv('one', 'data')} ${conv('two', 'one')} ${conv('three', 'two')}`,
    );
    const report = await run({ to: 'tfjs', out: fresh(), net: prototxt, weights: [], seed: 1 });
    const model = JSON.parse(readFileSync(report.files.at(-1)!.path, 'utf8')) as {
      weightsManifest: { weights: { name: string; shape: number[] }[] }[];
    };
    const learnt = model.weightsManifest[0]!.weights.filter(w => /^one\/[01]/.test(w.name));
    expect(learnt.map(w => w.shape)).toEqual([[3, 3, 2, 2], [2], [3, 3, 2, 2], [2]]);
    expect(report.checks![0]!.outputs[0]!.greatest).toBeGreaterThan(0.1);
  });

  it('replaces an older model, shards and all, and leaves other files', async () => {
    const out = fresh();
    mkdirSync(out);
    for (const name of ['model.json', 'group1-shard1of2.bin', 'group1-shard2of2.bin', 'labels.txt'])
      writeFileSync(join(out, name), 'old');
    await run({ to: 'tfjs', out });
    expect(readdirSync(out).sort()).toEqual(['group1-shard1of1.bin', 'labels.txt', 'model.json']);
    const model = JSON.parse(readFileSync(join(out, 'model.json'), 'utf8')) as { format: string };
    expect(model.format).toBe('graph-model');
  });

  it('cuts weights into shards of 4 MB', async () => {
    const prototxt = join(folder, 'wide.prototxt');
    writeFileSync(
      prototxt,
      `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1500 } } }
       layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1500 weight_filler { type: "xavier" } } }`,
    );
    const report = await run({ to: 'tfjs', out: fresh(), net: prototxt, weights: [], seed: 1 });
    expect(report.files.map(f => f.bytes).slice(0, 3)).toEqual([2 ** 22, 2 ** 22, 4 * 1500 * 1501 - 2 ** 23]);
    expect(report.checks![0]!.outputs[0]!.error).toBeLessThan(1e-4);
  });
});

describe('weights', () => {
  it.each(['safetensors', 'npz', 'h5', 'caffemodel'] as const)('%s and back, bit for bit', async to => {
    const there = await run({ to, out: fresh() });
    expect(there.identical).toBe(true);
    const back = await run({ to: 'caffemodel', out: fresh(), weights: there.files[0]!.path });
    expect(Buffer.compare(readFileSync(back.files[0]!.path), readFileSync(lenet))).toBe(0);
  });

  it('need no network where none is written', async () => {
    const { files } = await convert({ to: 'npz', out: fresh(), weights: lenet });
    expect([...loadWeights(files[0]!.path).layers.keys()].sort()).toEqual(['conv1', 'conv2', 'ip1', 'ip2']);
    expect((await refusal(convert({ to: 'caffemodel', out: fresh(), weights: lenet }))).code).toBe('convert-options');
  });
});

describe('says', () => {
  it('that weights are missing, or for other layers', async () => {
    const none = await run({ to: 'tfjs', out: fresh(), weights: [], check: false });
    expect(none.diagnostics.map(d => d.code)).toEqual(['no-weights']);
    expect(none.checks).toBeUndefined();
    const { layers } = loadWeights(lenet);
    const [filter, bias] = layers.get('conv1')!;
    const some = new Map([
      ['conv1/0', filter!],
      ['conv1/1', bias!],
      ['another/0', bias!],
    ]);
    await saveNpz(join(folder, 'some.npz'), some);
    const { diagnostics } = await run({ to: 'npz', out: fresh(), weights: join(folder, 'some.npz') });
    expect(diagnostics.map(d => d.code)).toEqual(['weights-missing', 'weights-unused']);
    expect(diagnostics[0]!.message).toContain('"conv2", "ip1", "ip2"');
    expect(diagnostics[1]!.message).toContain('"another"');
  });

  it.each<[string, Partial<ConvertOptions>]>([
    ['convert-options', { to: 'npz', quantize: 'uint8' }],
    ['convert-options', { to: 'onnx', layout: 'NHWC' }],
    ['convert-options', { to: 'h5', preprocessing: { scale: 2 } }],
    ['convert-preprocessing', { to: 'tfjs', preprocessing: { swapChannels: true } }],
    ['convert-preprocessing', { to: 'tfjs', preprocessing: { mean: [1, 2, 3] } }],
    ['convert-preprocessing', { to: 'tfjs', preprocessing: { scale: 0 } }],
    ['convert-preprocessing', { to: 'tfjs', preprocessing: { scale: 2, input: 'nothing' } }],
    [
      'convert-preprocessing',
      { to: 'tfjs', preprocessing: { mean: { shape: [1, 8, 8], data: new Float32Array(64) } } },
    ],
    ['unknown-blob', { to: 'tfjs', outputs: ['prov'] }],
    ['convert-options', { to: 'npz', outputs: ['prob'] }],
    ['file-unreadable', { to: 'tfjs', net: 'no/such.prototxt' }],
    ['weights-file', { to: 'tfjs', weights: 'no/such.caffemodel' }],
  ])('%s: %o', async (code, options) => {
    const out = fresh();
    expect((await refusal(run({ out, to: 'tfjs', ...options }))).code).toBe(code);
  });

  it('where it cannot write, and leaves what was there', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, 'mine');
    expect((await refusal(run({ to: 'tfjs', out: file }))).code).toBe('convert-out');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('how a Filter and decoded boxes differ from the network, which are compared in their own form', async () => {
    const filter = join(folder, 'filter.prototxt');
    writeFileSync(
      filter,
      `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 } } }
       layer { name: "cut" type: "Slice" bottom: "data" top: "one" top: "rest" slice_param { slice_point: 1 } }
       layer { name: "chosen" type: "ReLU" bottom: "one" top: "chosen" }
       layer { name: "pick" type: "Filter" bottom: "rest" bottom: "chosen" top: "y" }`,
    );
    const detection = join(folder, 'detection.prototxt');
    writeFileSync(
      detection,
      `layer { name: "data" type: "Input" top: "loc" top: "conf" top: "prior" input_param { shape { dim: 1 dim: 16 }
         shape { dim: 1 dim: 8 } shape { dim: 1 dim: 2 dim: 16 } } }
       layer { name: "detect" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "y"
         detection_output_param { num_classes: 2 } }`,
    );
    for (const net of [filter, detection])
      for (const to of ['tfjs', 'onnx'] as const) {
        const { checks } = await run({ to, out: fresh(), net, weights: [] });
        expect(checks!.flatMap(c => c.outputs).every(o => o.error < 1e-4)).toBe(true);
      }
  });

  it('which layer cannot be exported, and leaves the folder as it was', async () => {
    const text = (shapes: string, layer: string) =>
      `layer { name: "data" type: "Input" top: "a" top: "b" top: "c" input_param { ${shapes} } } layer { name: "pick" ${layer} }`;
    const net = (name: string, ...given: Parameters<typeof text>) => {
      writeFileSync(join(folder, name), text(...given));
      return join(folder, name);
    };
    const plane = 'shape { dim: 1 dim: 1 dim: 2 dim: 2 }';
    const upsample = net('upsample.prototxt', plane.repeat(3), 'type: "Upsample" bottom: "a" bottom: "b" top: "y"');
    const detection = net(
      'eta.prototxt',
      'shape { dim: 1 dim: 8 } shape { dim: 1 dim: 4 } shape { dim: 1 dim: 2 dim: 8 }',
      `type: "DetectionOutput" bottom: "a" bottom: "b" bottom: "c" top: "y"
       detection_output_param { num_classes: 2 nms_param { eta: 0.9 } }`,
    );
    const out = fresh();
    mkdirSync(out);
    writeFileSync(join(out, 'model.json'), 'old');
    const found = await refusal(run({ to: 'tfjs', out, net: upsample, weights: [] }));
    const fresher = fresh();
    await refusal(run({ to: 'onnx', out: fresher, net: detection, weights: [] }));
    expect(existsSync(fresher)).toBe(false);
    expect(found).toMatchObject({ code: 'cannot-export', layer: 'pick' });
    expect(readdirSync(out)).toEqual(['model.json']);
    expect(readFileSync(join(out, 'model.json'), 'utf8')).toBe('old');
  });
});

describe('an input that no layer reads', () => {
  it('stands in the model once', async () => {
    const file = (type: string) => new URL(`../cases/weights/unread_input.${type}`, import.meta.url).pathname;
    const files = { net: file('prototxt'), weights: file('caffemodel') };
    const report = await convert({ ...files, to: 'onnx', out: fresh(), backend: 'wasm' });
    expect(report.inputs.map(i => i.blob)).toEqual(['data', 'label']);
    expect(report.outputs.map(o => o.blob)).toEqual(['ip']);
    const tfjs = await convert({ ...files, to: 'tfjs', out: fresh(), backend: 'wasm' });
    expect(tfjs.inputs.map(i => i.blob)).toEqual(['data', 'label']);
  });
});

/** A layer that a program brings has everything that a built-in one has; catalogues do not disturb each other. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it, describe as suite } from 'vitest';
import { foldBatchNorm } from '../../src/convert/fold_batch_norm.js';
import { convert } from '../../src/convert/node/index.js';
import { loadLayers } from '../../src/convert/node/weights.js';
import { isElementwise } from '../../src/layers/elementwise.js';
import {
  defaultCatalogue,
  type HostBlob,
  type HostLayer,
  LayerCatalogue,
  type LayerType,
  registerLayer,
  registerPythonLayer,
} from '../../src/layers/index.js';
import { deployText, describe, explainLayer, explainType, statesOf, tryCompileNet } from '../../src/net/index.js';
import { netPicture } from '../../src/picture/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { parseNet } from '../../src/schema/index.js';
import { transplant } from '../../src/tools/transplant.js';
import { Solver } from '../../src/train/node/index.js';
import { googLeNet } from '../networks/classics.js';
import { twins, untwinned, withTwins } from './twins.js';

const dir = mkdtempSync(join(tmpdir(), 'mokapot-registered-'));
afterAll(() => rmSync(dir, { recursive: true }));

const network = (name: string) => readFileSync(new URL(`../../networks/${name}.prototxt`, import.meta.url), 'utf8');
const layer = (name: string, type: string, bottoms: string, top: string, more = '') =>
  `layer { name: "${name}" type: "${type}" ${bottoms
    .split(' ')
    .map(b => `bottom: "${b}"`)
    .join(' ')} top: "${top}" ${more} }\n`;
const input = (name: string, ...shape: number[]) =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${shape.map(d => `dim: ${d}`).join(' ')} } } }\n`;

/** Mish as plainly as a layer can be written: nothing is said of it but what it computes. */
const mish: LayerType = {
  type: 'PlainMish',
  doc: 'x · tanh(log(1 + exp(x))).',
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape: ctx => ({ tops: [ctx.bottomShapes[0]!], params: [] }),
  lower: (_, b, [x]) => [b.mul(x!, b.tanh(b.log(b.add(b.exp(x!), 1))))],
};

suite('a layer that says nothing but what it computes', () => {
  const catalogue = defaultCatalogue().with(mish);
  const text = network('fcn_alexnet').replaceAll('"ReLU"', '"PlainMish"');
  const codes = (net: string) =>
    describe(net, { phase: 'TEST', stages: ['deploy'], catalogue }).diagnostics.map(d => d.code);

  it('may run in place where it is elementwise, and leaves places where they are', () => {
    expect(text).toContain('PlainMish');
    expect(codes(text)).toEqual([]);
    expect(codes(text.replace('offset: 18', 'offset: 20'))).toEqual(['crop-offset']);
  });

  it('is no part of a path of places where it is not', () => {
    const turned: LayerType = {
      ...mish,
      type: 'PlainMish',
      lower: (_, b, [x]) => [b.reshape(b.transpose(x!, [0, 1, 3, 2]), x!.shape)],
    };
    const other = new LayerCatalogue([...defaultCatalogue().types.values(), turned]);
    const wrong = text.replace('offset: 18', 'offset: 20');
    const net = describe(wrong, { phase: 'TEST', stages: ['deploy'], catalogue: other });
    expect(net.diagnostics).toEqual([]);
  });
});

suite('a check by traits', () => {
  it('tells of two DepthwiseConvolutions without fillers as of two Convolutions', () => {
    const conv = 'convolution_param { num_output: 4 group: 4 kernel_size: 1 }';
    const text =
      input('x', 1, 4, 4, 4) +
      input('label', 1, 1, 4, 4) +
      layer('a', 'DepthwiseConvolution', 'x', 'a', conv) +
      layer('b', 'DepthwiseConvolution', 'a', 'b', conv) +
      layer('loss', 'SoftmaxWithLoss', 'b label', 'loss');
    const [zero] = describe(text, { phase: 'TRAIN' }).diagnostics.filter(d => d.code === 'zero-weights');
    expect(zero?.message).toMatch(/2 layers are 0 and stay exactly 0.*: a, b\./);
  });
});

suite('registered layers', () => {
  it('make the same pictures', () => {
    const picture = (text: string, catalogue?: LayerCatalogue) =>
      JSON.parse(untwinned(JSON.stringify(netPicture(describe(text, { phase: 'TRAIN', catalogue })))));
    expect(picture(withTwins(googLeNet), twins)).toEqual(picture(googLeNet));
  });

  it('are explained alike', () => {
    const net = describe(withTwins(network('lenet')), { catalogue: twins, phase: 'TRAIN' });
    const params = parseNet(withTwins(network('lenet'))).message.layer;
    const conv = net.layers.find(l => l.name === 'conv1')!;
    const explained = explainLayer(net, conv, params.find(l => l.name === 'conv1')!);
    expect(explained.type.type).toBe('TwinConvolution');
    expect(explained.type.blocks[0]!.fields.find(f => f.name === 'num_output')!.value).toBe('20');
    expect(explainType('TwinPooling', { catalogue: twins })?.shapeRule).toBe(explainType('Pooling')!.shapeRule);
    expect(explainType('TwinPooling')).toBeUndefined();
  });

  it.each(['lenet', 'fcn_alexnet', 'fcn8s_sunnybrook'])('are deployed alike: %s', name => {
    const inputShapes = { data: [1, 3, 224, 224] };
    const plain = deployText(network(name), { inputShapes });
    const made = deployText(withTwins(network(name)), { inputShapes, catalogue: twins });
    expect(untwinned(made.text)).toBe(plain.text);
    expect(made.changes.map(untwinned)).toEqual(plain.changes);
    expect(statesOf(parseNet(withTwins(network(name))).message, twins)).toEqual(
      statesOf(parseNet(network(name)).message),
    );
  });

  const filled = (field: string, more: string) =>
    `${field} { weight_filler { type: "gaussian" std: 1 } bias_filler { type: "gaussian" std: 1 } ${more} }`;
  const load = (text: string, seed = 1) => Net.fromText(withTwins(text), { backend: 'host', seed, catalogue: twins });

  it('take weights in another shape', async () => {
    const net = (to: string, from: string) => load(input('data', 1, 4, 2, 2) + to, from === 'a' ? 1 : 2);
    const source = await net(
      layer('ip', 'InnerProduct', 'data', 'ip', filled('inner_product_param', 'num_output: 3')) +
        layer('conv', 'Convolution', 'data', 'conv', filled('convolution_param', 'num_output: 4 kernel_size: 1')),
      'a',
    );
    const target = await net(
      layer('ip', 'InnerProduct', 'data', 'ip', filled('inner_product_param', 'num_output: 3 transpose: true')) +
        layer(
          'conv',
          'Convolution',
          'data',
          'conv',
          filled('convolution_param', 'num_output: 4 kernel_size: 1 group: 2'),
        ) +
        layer('up', 'Deconvolution', 'conv', 'up', 'convolution_param { num_output: 4 group: 4 kernel_size: 4 }'),
      'b',
    );
    const path = join(dir, 'source.caffemodel');
    await source.save(path);
    const { lines } = transplant(target, path);
    expect(lines.map(l => [l.layer, l.blob, l.action])).toContainEqual(['ip', 0, 'coerced']);
    expect(lines.find(l => l.layer === 'up' && l.blob === 0)?.note).toBe('bilinear, channel by channel');
    const ip = source.params.get('ip')![0]!.data;
    const turned = target.params.get('ip')![0]!.data;
    expect(turned[1]).toBe(ip[16]);
    source.dispose();
    target.dispose();
  });

  it('are folded and become a model', async () => {
    const text =
      input('data', 1, 4, 6, 6) +
      layer('conv', 'Convolution', 'data', 'conv', filled('convolution_param', 'num_output: 6 kernel_size: 3')) +
      layer('bn', 'BatchNorm', 'conv', 'bn', 'batch_norm_param { eps: 1 }') +
      layer('scale', 'Scale', 'bn', 'scale', 'scale_param { bias_term: true }') +
      layer('relu', 'ReLU', 'scale', 'scale') +
      layer('up', 'Deconvolution', 'scale', 'up', filled('convolution_param', 'num_output: 2 kernel_size: 2')) +
      layer('bias', 'Bias', 'up', 'out');
    const net = await load(text);
    expect(foldBatchNorm(net).folded).toEqual([
      { into: 'conv', layers: ['bn', 'scale'] },
      { into: 'up', layers: ['bias'] },
    ]);
    const prototxt = join(dir, 'folded.prototxt');
    writeFileSync(prototxt, withTwins(text));
    await net.save(join(dir, 'folded.caffemodel'));
    net.dispose();
    for (const to of ['onnx', 'tfjs'] as const) {
      const out = join(dir, to);
      // The check runs the model beside the net and throws where they differ.
      const report = await convert({
        ...{ net: prototxt, weights: join(dir, 'folded.caffemodel'), to, out, catalogue: twins, backend: 'host' },
        foldBatchNorm: true,
      });
      expect(report.folded?.layers.map(l => l.into)).toEqual(['conv', 'up']);
      expect(report.folded!.error).toBeLessThan(1e-4);
    }
    // The file's layers are known by the catalogue that they are read with.
    expect([...loadLayers(join(dir, 'folded.caffemodel'), twins).get('conv')!].map(b => b.shape)).toEqual([
      [6, 4, 3, 3],
      [6],
    ]);
  });

  it('train alike', async () => {
    const text =
      'layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 1 } data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }\n' +
      layer('ip', 'InnerProduct', 'data', 'ip', filled('inner_product_param', 'num_output: 2')) +
      layer('loss', 'SoftmaxWithLoss', 'ip label', 'loss');
    const losses = async (net: string, catalogue?: LayerCatalogue) => {
      const solver = await Solver.fromText(`base_lr: 0.1 lr_policy: "fixed" net_param { ${net} }`, {
        ...{ backend: 'host', seed: 3 },
        ...(catalogue && { catalogue }),
      });
      const told: number[] = [];
      for (let i = 0; i < 4; i++) told.push(await solver.step(1));
      solver.dispose();
      return told;
    };
    const plain = await losses(text);
    expect(await losses(withTwins(text), twins)).toEqual(plain);
    expect(new Set(plain).size).toBe(4);
  });

  it('read the same data', async () => {
    const file = fileURLToPath(new URL('../goldens/hdf5_data/plain.h5', import.meta.url));
    writeFileSync(join(dir, 'h5.txt'), `${file}\n`);
    const text = (more: string) =>
      `layer { name: "d" type: "HDF5Data" top: "data" hdf5_data_param { source: "h5.txt" ${more} } }`;
    const run = async (net: string, catalogue?: LayerCatalogue) => {
      const made = await Net.fromText(net, { backend: 'host', dir, seed: 1, catalogue });
      await made.forward();
      const data = [...made.blobs.get('data')!.data];
      made.dispose();
      return data;
    };
    const plain = await run(text('batch_size: 2'));
    expect(await run(withTwins(text('batch_size: 2')), twins)).toEqual(plain);
    expect(plain.length).toBeGreaterThan(0);
    await expect(run(withTwins(text('batch_size: 0')), twins)).rejects.toThrow(/no batch_size.*hdf5_data_param/);
  });
});

suite('catalogues', () => {
  const scaled = (by: number): LayerType => ({
    ...mish,
    type: 'Mine',
    lower: (_, b, [x]) => [b.mul(x!, by)],
  });
  const text = input('x', 2) + layer('mine', 'Mine', 'x', 'y');
  const x = Float32Array.of(1, 2);

  it('of two nets in one process are apart, and leave the default one alone', async () => {
    const [two, three] = [2, 3].map(by => defaultCatalogue().with(scaled(by)));
    const nets = await Promise.all([two, three].map(catalogue => Net.fromText(text, { catalogue, backend: 'host' })));
    const run = async (net: Net, data: Float32Array) => [...(await net.forward({ x: data })).get('y')!.data];
    expect(await run(nets[0]!, x)).toEqual([2, 4]);
    expect(await run(nets[1]!, x)).toEqual([3, 6]);
    // Compiled anew for another shape.
    expect(nets[0]!.graphFor({ x: [5] }).blobs.get('y')!.shape).toEqual([5]);
    for (const net of nets) net.dispose();
    expect(describe(text).diagnostics.map(d => d.code)).toEqual(['unknown-layer-type']);
    expect(defaultCatalogue().get('Mine')).toBeUndefined();
  });

  it('are not changed by what is registered later', () => {
    const before = defaultCatalogue();
    registerLayer({ ...mish, type: 'RegisteredLater' });
    expect(before.get('RegisteredLater')).toBeUndefined();
    expect(defaultCatalogue().get('RegisteredLater')).toBeDefined();
    expect(() => registerLayer({ ...mish, type: 'RegisteredLater' })).toThrow(/registered already/);
    expect(() => before.with(mish, mish)).toThrow(/registered already/);
  });

  it('may lack everything but what the compiler puts in', () => {
    const small = new LayerCatalogue([scaled(2)]);
    const two = text + layer('again', 'Mine', 'x', 'z');
    const net = describe(two, { catalogue: small });
    expect(net.diagnostics).toEqual([]);
    expect(net.layers.map(l => l.type)).toEqual(['Input', 'Split', 'Mine', 'Mine']);
    expect(describe(layer('r', 'ReLU', 'x', 'y'), { catalogue: small, inputShapes: { x: [1] } }).ok).toBe(false);
  });

  it('have Python layers of their own', async () => {
    const adds = (n: number) =>
      class implements HostLayer {
        param_str = '';
        phase = 'TEST' as const;
        reshape([bottom]: readonly HostBlob[], [top]: readonly HostBlob[]) {
          top!.reshape(...bottom!.shape);
        }
        forward([bottom]: readonly HostBlob[], [top]: readonly HostBlob[]) {
          top!.data = bottom!.data.map(v => v + n);
        }
      };
    registerPythonLayer('catalogued', 'Adds', adds(1));
    const other = defaultCatalogue().withPythonLayer('catalogued', 'Adds', adds(10));
    const python =
      input('x', 2) + layer('p', 'Python', 'x', 'y', 'python_param { module: "catalogued" layer: "Adds" }');
    const run = async (catalogue?: LayerCatalogue) => {
      const net = await Net.fromText(python, { backend: 'host', ...(catalogue && { catalogue }) });
      const out = [...(await net.forward({ x })).get('y')!.data];
      net.dispose();
      return out;
    };
    expect(await run(other)).toEqual([11, 12]);
    expect(await run()).toEqual([2, 3]);
  });
});

it('every type with bottoms says whether it may run in place', () => {
  // Those that other tests of this file register are no part of it.
  const own = [...defaultCatalogue().types.values()].filter(t => !t.type.startsWith('Registered'));
  const silent = own.filter(t => t.bottoms.max > 0 && t.inPlace === undefined);
  expect(silent.map(t => t.type)).toEqual([]);
});

it('the lowering tells which types are elementwise', () => {
  const found = [...defaultCatalogue().types.values()].filter(type => {
    if (type.bottoms.min === 0 || type.userCode || type.type.startsWith('Registered')) return false;
    const names = Array.from({ length: type.bottoms.min }, (_, i) => `x${i}`);
    const text = names.map(n => input(n, 2, 3, 4, 5)).join('') + layer('l', type.type, names.join(' '), 'y');
    const { partial } = tryCompileNet(parseNet(text).message, { phase: 'TEST' });
    const made = partial.layers.find(l => l.name === 'l');
    // Some need parameters or other shapes.
    if (!made) return false;
    return isElementwise(made.type, made.context, made.paramShapes);
  });
  for (const type of found) expect([type.type, type.inPlace]).toEqual([type.type, true]);
  const names = found.map(t => t.type);
  expect(names).toEqual(expect.arrayContaining(['ReLU', 'PReLU', 'Power', 'Eltwise', 'Scale', 'BNLL', 'Mish']));
  expect(names).not.toContain('Softmax');
});

/** Batch normalisation folded into the layers before it: the same outputs, fewer layers. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distance } from '../../src/convert/compare.js';
import { foldBatchNorm } from '../../src/convert/fold_batch_norm.js';
import { convert } from '../../src/convert/node/index.js';
import { Random } from '../../src/random/index.js';
import { Net } from '../../src/runtime/node/net.js';

const layer = (name: string, type: string, bottom: string, top: string, more = '') =>
  `layer { name: "${name}" type: "${type}" bottom: "${bottom}" top: "${top}" ${more} }\n`;
const conv = (more: string) => `convolution_param { weight_filler { type: "gaussian" std: 0.5 } ${more} }`;
const DATA = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 dim: 9 dim: 7 } } }\n';

/** Every kind of layer that is folded, and every kind of place. */
const NET = [
  'name: "folding"\n',
  DATA,
  layer('conv', 'Convolution', 'data', 'conv', conv('num_output: 6 kernel_size: 3 pad: 1 group: 2 bias_term: false')),
  layer('bn', 'BatchNorm', 'conv', 'conv'),
  layer('scale', 'Scale', 'conv', 'normal', 'scale_param { bias_term: true }'),
  layer('relu', 'ReLU', 'normal', 'normal'),
  layer('up', 'Deconvolution', 'normal', 'up', conv('num_output: 4 kernel_size: 2 stride: 2 group: 2')),
  layer('up_bn', 'BatchNorm', 'up', 'up_bn'),
  layer('up_bias', 'Bias', 'up_bn', 'up_out'),
  layer('shared', 'Convolution', 'up_out', 'shared', conv('num_output: 3 kernel_size: 1')),
  layer('shared_bn', 'BatchNorm', 'shared', 'shared_bn'),
  `layer { name: "sum" type: "Eltwise" bottom: "shared" bottom: "shared_bn" top: "sum" }\n`,
  layer('batch', 'Convolution', 'sum', 'batch', conv('num_output: 3 kernel_size: 1')),
  layer('batch_bn', 'BatchNorm', 'batch', 'batch_bn', 'batch_norm_param { use_global_stats: false }'),
  layer('segnet', 'Convolution', 'batch_bn', 'segnet', conv('num_output: 5 kernel_size: 3')),
  layer('segnet_bn', 'BN', 'segnet', 'segnet_bn', 'bn_param { bn_mode: INFERENCE }'),
  layer(
    'ip',
    'InnerProduct',
    'segnet_bn',
    'ip',
    'inner_product_param { num_output: 3 weight_filler { type: "xavier" } }',
  ),
  layer('ip_scale', 'Scale', 'ip', 'ip_scale'),
  layer(
    'turned',
    'InnerProduct',
    'ip_scale',
    'turned',
    'inner_product_param { num_output: 4 transpose: true weight_filler { type: "xavier" } }',
  ),
  layer('turned_scale', 'Scale', 'turned', 'score'),
].join('');

function trained(net: Net): void {
  const random = new Random(5);
  for (const { name, type } of net.graph.layers.map(l => ({ name: l.name, type: l.type.type }))) {
    const blobs = net.params.get(name) ?? [];
    if (type === 'BatchNorm') {
      blobs[0]!.data = blobs[0]!.data.map(() => random.uniform(-2, 2));
      blobs[1]!.data = blobs[1]!.data.map(() => random.uniform(0.5, 3));
      blobs[2]!.data = [1.7];
    } else if (type !== 'Convolution' && type !== 'Deconvolution' && type !== 'InnerProduct')
      for (const blob of blobs) blob.data = blob.data.map(() => random.uniform(0.5, 1.5));
  }
}

let folder: string;
let prototxt: string;
let weights: string;
let net: Net;
let expected: Float32Array;
const data = Float32Array.from({ length: 2 * 4 * 9 * 7 }, (_, i) => Math.sin(i * 1.7));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mokapot-fold-'));
  prototxt = join(folder, 'net.prototxt');
  weights = join(folder, 'net.caffemodel');
  writeFileSync(prototxt, NET);
  net = await Net.fromText(NET, { phase: 'TEST', backend: 'host', seed: 11 });
  trained(net);
  await net.save(weights);
  expected = (await net.forward({ data })).get('score')!.data.slice();
});
afterAll(() => {
  net.dispose();
  rmSync(folder, { recursive: true });
});

describe('foldBatchNorm', () => {
  it('takes what stands right behind a layer, and leaves the rest', () => {
    const { param, folded } = foldBatchNorm(net);
    expect(folded).toEqual([
      { into: 'conv', layers: ['bn', 'scale'] },
      { into: 'up', layers: ['up_bn', 'up_bias'] },
      { into: 'segnet', layers: ['segnet_bn'] },
      { into: 'ip', layers: ['ip_scale'] },
      { into: 'turned', layers: ['turned_scale'] },
    ]);
    const left = param.layer.map(l => l.name);
    // Read by another layer too; by the statistics of the batch.
    expect(left).toContain('shared_bn');
    expect(left).toContain('batch_bn');
    expect(param.layer.find(l => l.name === 'conv')!.top).toEqual(['normal']);
  });

  it('leaves the network it was given as it is', async () => {
    foldBatchNorm(net);
    expect((await net.forward({ data })).get('score')!.data).toEqual(expected);
  });

  it.each(['caffemodel', 'h5'] as const)('%s comes with its prototxt and computes the same', async to => {
    const out = join(folder, to);
    const report = await convert({ to, out, net: prototxt, weights, foldBatchNorm: true, backend: 'host' });
    const { greatest } = distance(expected, expected);
    expect(report.folded!.error).toBeGreaterThan(0);
    expect(report.folded!.error).toBeLessThan(1e-5 * Math.max(1, greatest));
    const model = to === 'h5' ? 'net.caffemodel.h5' : 'net.caffemodel';
    expect(readdirSync(out).sort()).toEqual([model, 'net.prototxt']);
    const folded = await Net.fromFile(join(out, 'net.prototxt'), { weights: join(out, model), backend: 'host' });
    expect(folded.copies[0]!.missing).toEqual([]);
    expect(folded.graph.layers.map(l => l.name)).not.toContain('bn');
    const score = (await folded.forward({ data })).get('score')!.data;
    expect(distance(score, expected).error).toBeLessThan(1e-5 * Math.max(1, greatest));
    folded.dispose();
  });

  it.each(['tfjs', 'onnx'] as const)('%s has fewer ops and computes the same', async to => {
    const out = join(folder, to);
    const report = await convert({ to, out, net: prototxt, weights, foldBatchNorm: true, backend: 'host' });
    expect(report.folded!.layers).toHaveLength(5);
    expect(report.checks![0]!.outputs[0]!.error).toBeLessThan(1e-4);
  });

  it.each(['fold_split', 'fold_split2'])('where others read what the layer reads: %s', async name => {
    const file = (type: string) => new URL(`../cases/weights/${name}.${type}`, import.meta.url).pathname;
    const out = join(folder, name);
    const options = { net: file('prototxt'), weights: file('caffemodel'), backend: 'host' } as const;
    const report = await convert({ to: 'onnx', out, foldBatchNorm: true, ...options });
    expect(report.folded!.layers).toEqual([{ into: 'c', layers: ['bn'] }]);
    for (const { error, greatest } of report.checks!.flatMap(check => check.outputs))
      expect(error).toBeLessThan(1e-6 * greatest);
  });
});

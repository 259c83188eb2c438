/** Older networks as today's, as Caffe's upgrade tools make them. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode, encode, parseNet, parseSolver, parseText, printText, upgradeNet } from '../../src/schema/index.js';

const codes = (r: { diagnostics: readonly { code: string }[] }) => r.diagnostics.map(d => d.code);

describe('upgrades', () => {
  it('V0, padding layers and all', () => {
    const net = parseNet(`
      name: "old" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
      layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "data" top: "padded" }
      layers { layer { name: "c" type: "conv" num_output: 2 kernelsize: 3 stride: 1 biasterm: false
        weight_filler { type: "xavier" } blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 }
        bottom: "padded" top: "c" }
      layers { layer { name: "p" type: "pool" pool: AVE kernelsize: 2 } bottom: "c" top: "p" }
      layers { layer { name: "n" type: "lrn" local_size: 3 alpha: 0.5 beta: 0.5 } bottom: "p" top: "n" }
      layers { layer { name: "d" type: "data" source: "x" batchsize: 4 scale: 0.5 meanfile: "m" cropsize: 3 mirror: true } top: "d" }
      layers { layer { name: "l" type: "softmax_loss" } bottom: "n" bottom: "d" }`);
    expect(codes(net)).toEqual(['upgraded-v0', 'upgraded-v1', 'upgraded-input']);
    expect(net.diagnostics.every(d => d.severity === 'note')).toBe(true);
    expect(printText(net.message)).toBe(`name: "old"
layer {
  name: "input"
  type: "Input"
  top: "data"
  input_param {
    shape {
      dim: 1
      dim: 3
      dim: 8
      dim: 8
    }
  }
}
layer {
  name: "c"
  type: "Convolution"
  bottom: "data"
  top: "c"
  param {
    lr_mult: 1
    decay_mult: 1
  }
  param {
    lr_mult: 2
    decay_mult: 0
  }
  convolution_param {
    num_output: 2
    bias_term: false
    pad: 2
    kernel_size: 3
    stride: 1
    weight_filler {
      type: "xavier"
    }
  }
}
layer {
  name: "p"
  type: "Pooling"
  bottom: "c"
  top: "p"
  pooling_param {
    pool: AVE
    kernel_size: 2
  }
}
layer {
  name: "n"
  type: "LRN"
  bottom: "p"
  top: "n"
  lrn_param {
    local_size: 3
    alpha: 0.5
    beta: 0.5
  }
}
layer {
  name: "d"
  type: "Data"
  top: "d"
  transform_param {
    scale: 0.5
    mirror: true
    crop_size: 3
    mean_file: "m"
  }
  data_param {
    source: "x"
    batch_size: 4
  }
}
layer {
  name: "l"
  type: "SoftmaxWithLoss"
  bottom: "n"
  bottom: "d"
}
`);
  });

  it('V1: names of types, parameters, pre-processing in data_param', () => {
    const net = parseNet(`
      layers { name: "d" type: IMAGE_DATA top: "d" image_data_param { source: "s" scale: 0.5 mirror: true } }
      layers { name: "i" type: INNER_PRODUCT bottom: "d" top: "i" param: "w" param: "b" blob_share_mode: PERMISSIVE
        blobs_lr: 0 weight_decay: 2 loss_weight: 3 include { phase: TEST } inner_product_param { num_output: 2 } }`);
    expect(codes(net)).toEqual(['upgraded-data', 'upgraded-v1']);
    const [d, i] = net.message.layer;
    expect(d).toMatchObject({ type: 'ImageData', transform_param: { scale: 0.5, mirror: true } });
    expect(printText(d!)).not.toMatch(/image_data_param {\n {4}source: "s"\n {4}scale/);
    expect(i).toMatchObject({ type: 'InnerProduct', loss_weight: [3], include: [{ phase: 1 }] });
    expect(i?.param).toMatchObject([
      { name: 'w', share_mode: 1, lr_mult: 0, decay_mult: 2 },
      { name: 'b', lr_mult: 1 },
    ]);
  });

  it('every V1 type has a name of today', () => {
    const names = `AbsVal Accuracy ArgMax BNLL Concat ContrastiveLoss Convolution Data Deconvolution Dropout DummyData
      EuclideanLoss Eltwise Exp Flatten HDF5Data HDF5Output HingeLoss Im2col ImageData InfogainLoss InnerProduct LRN
      MemoryData MultinomialLogisticLoss MVN Pooling Power ReLU Sigmoid SigmoidCrossEntropyLoss Silence Softmax
      SoftmaxWithLoss Split Slice TanH WindowData Threshold`.split(/\s+/);
    const text = names.map((_, i) => `layers { type: ${i + 1} }`).join('\n');
    expect(new Set(parseNet(text).message.layer.map(l => l.type))).toEqual(new Set(names));
  });

  it('input_shape, and a count that does not fit', () => {
    const net = parseNet(
      'input: "a" input: "b" input_shape { dim: 1 } input_shape { dim: 2 dim: 3 } layer { name: "x" }',
    );
    expect(net.message.layer.map(l => l.name)).toEqual(['input', 'x']);
    expect(net.message.layer[0]?.input_param?.shape.map(s => s.dim)).toEqual([[1], [2, 3]]);
    expect(net.message.input).toEqual([]);
    expect(codes(parseNet('input: "a" input_dim: [1, 3, 2]'))).toContain('input-shapes');
  });

  it('BatchNorm with its statistics as params', () => {
    const net = parseNet(
      'layer { name: "bn" type: "BatchNorm" param { name: "m" lr_mult: 1 } param { lr_mult: 0 } param { lr_mult: 0 } }',
    );
    expect(codes(net)).toEqual(['upgraded-batch-norm']);
    expect(net.message.layer[0]?.param).toMatchObject([
      { name: 'm', lr_mult: 0, decay_mult: 0 },
      { lr_mult: 0, decay_mult: 0 },
      { lr_mult: 0, decay_mult: 0 },
    ]);
  });

  it('solver_type', () => {
    const solver = parseSolver('solver_type: NESTEROV net_param { input: "a" input_dim: [1, 1, 1, 1] }');
    expect(codes(solver)).toEqual(['upgraded-solver-type', 'upgraded-input']);
    expect(solver.message.type).toBe('Nesterov');
    expect(solver.message.net_param?.layer[0]?.type).toBe('Input');
    expect(codes(parseSolver('solver_type: ADAM type: "Adam"'))).toEqual(['two-solver-types']);
  });

  it('layer and layers together are refused', () => {
    expect(codes(parseNet('layer { name: "a" } layers { name: "b" }'))).toEqual(['mixed-layers']);
  });

  it('does not change the message it is given', () => {
    const text = 'input: "a" input_dim: [1, 1, 1, 1] layers { type: DATA data_param { scale: 2 } }';
    const { message } = parseText(text, 'caffe.NetParameter');
    const before = printText(message);
    upgradeNet(message);
    expect(printText(message)).toBe(before);
  });

  it('a message from binary, as from text', () => {
    const { message } = parseText('layers { name: "r" type: RELU blobs { data: 1 } }', 'caffe.NetParameter');
    const upgraded = upgradeNet(decode(encode(message, 'caffe.NetParameter'), 'caffe.NetParameter'));
    expect(upgraded.message.layer[0]).toMatchObject({ name: 'r', type: 'ReLU', blobs: [{ data: [1] }] });
  });
});

const lenet = new URL('../../../shared/data/lenet/', import.meta.url);
describe.skipIf(!existsSync(lenet))("Caffe's own upgrade of LeNet (skipped without ../shared)", () => {
  it('from text', () => {
    const v1 = parseNet(readFileSync(new URL('lenet_v1.prototxt', lenet), 'utf8'));
    const today = parseText(readFileSync(new URL('lenet_v1.upgraded.prototxt', lenet), 'utf8'), 'caffe.NetParameter');
    expect(printText(v1.message)).toBe(printText(today.message));
  });

  it('from a caffemodel', () => {
    const bytes = readFileSync(new URL('lenet_v1.caffemodel', lenet));
    const { message, diagnostics } = upgradeNet(decode(bytes, 'caffe.NetParameter'));
    expect(codes({ diagnostics })).toContain('upgraded-v1');
    const today = decode(readFileSync(new URL('lenet_iter_10000.caffemodel', lenet)), 'caffe.NetParameter');
    const sizes = (net: typeof message) => net.layer.flatMap(l => l.blobs.map(b => `${l.name} ${b.data.length}`));
    expect(sizes(message)).toEqual(sizes(today));
  });
});

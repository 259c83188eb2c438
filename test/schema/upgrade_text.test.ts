/** Texts of older Caffes as texts of today. */

import { describe, expect, it } from 'vitest';
import { encode, parseNet, parseText, upgradeText } from '../../src/schema/index.js';

const net = (text: string) => upgradeText(text, 'caffe.NetParameter');

const V1 = `name: "v1"  # kept
layers {
  # pictures
  name: "data"
  type: DATA
  top: "data"
  data_param {
    source: "x"  # here
    scale: 0.5
    batch_size: 4
    mirror: true
  }
  include: { phase: TRAIN }
}
layers {
  name: "conv" type: CONVOLUTION bottom: "data" top: "conv"
  blobs_lr: 1
  blobs_lr: 2  # bias
  weight_decay: 1
  weight_decay: 0
  convolution_param { num_output: 2 kernel_size: 3 }
}
layers { name: "ip" type: INNER_PRODUCT bottom: "conv" top: "ip" param: "w" blob_share_mode: PERMISSIVE inner_product_param { num_output: 2 } }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "ip" bottom: "label" }
`;

describe('upgradeText', () => {
  it('V1, in place', () => {
    const { text, changes } = net(V1);
    expect(text).toBe(`name: "v1"  # kept
layer {
  # pictures
  name: "data"
  type: "Data"
  top: "data"
  transform_param { scale: 0.5 mirror: true }
  data_param {
    source: "x"  # here
    batch_size: 4
  }
  include: { phase: TRAIN }
}
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  param { lr_mult: 1 decay_mult: 1 }
  param { lr_mult: 2 decay_mult: 0 }
  # bias
  convolution_param { num_output: 2 kernel_size: 3 }
}
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" param { name: "w" share_mode: PERMISSIVE } inner_product_param { num_output: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" }
`);
    expect(changes).toHaveLength(3);
    expect(net(text)).toEqual({ text, changes: [], diagnostics: [] });
  });

  it('V0, padding layers gone, comments in front', () => {
    const { text, changes } = net(`name: "old" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "data" top: "padded" }
layers {
  layer { name: "c" type: "conv" num_output: 2 kernelsize: 3
    # why
    blobs_lr: 1 blobs_lr: 2 }
  bottom: "padded" top: "c"
}
`);
    expect(text).toBe(`name: "old" layer {
  name: "input"
  type: "Input"
  top: "data"
  input_param {
    shape { dim: 1 dim: 3 dim: 8 dim: 8 }
  }
}
# why
layer {
  name: "c"
  type: "Convolution"
  bottom: "data"
  top: "c"
  param { lr_mult: 1 }
  param { lr_mult: 2 }
  convolution_param { num_output: 2 pad: 2 kernel_size: 3 }
}
`);
    expect(changes.join('\n')).toContain('1 padding layer');
  });

  it.each([
    [
      'two inputs',
      'input: "a" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4\ninput: "b" input_dim: [5, 6, 7, 8]\nlayer { name: "s" type: "Silence" bottom: "a" bottom: "b" }\n',
    ],
    ['shapes', 'input: ["a", "b"]\ninput_shape { dim: 1 }\ninput_shape { dim: [2, 3] } # b\n'],
    [
      'inputs behind the layers',
      'layer { name: "s" type: "Silence" bottom: "a" }\ninput: "a" input_shape { dim: 1 }\n',
    ],
    [
      'inputs with V1 layers',
      'input: "a"; input_dim: 1, input_dim: 2 input_dim: 3 input_dim: 4\nlayers { name: "s" type: SILENCE bottom: "a" }\n',
    ],
    ['an input without a shape', 'input: "a"\nlayers { name: "s" type: SILENCE bottom: "a" }\n'],
    [
      'BatchNorm',
      'layer { name: "bn" type: "BatchNorm" bottom: "a" top: "a" param { lr_mult: 0 } param { lr_mult: 0 }\nparam { lr_mult: 0 } }\n',
    ],
    [
      'BatchNorm with names',
      'layer { name: "bn" type: "BatchNorm" bottom: "a" top: "a" param { decay_mult: 1 name: "m" lr_mult: 1 } param { name: "v" }\n  param {\n    # kept\n  } }\n',
    ],
    ['lists of layers', 'layers: [{ name: "a" type: DATA top: "x" }, { name: "b" type: RELU bottom: "x" top: "x" }]'],
    [
      'transform_param beside',
      'layers { name: "d" type: DATA top: "x" data_param { scale: 2 } transform_param { mirror: true } }',
    ],
    ['pre-processing elsewhere', 'layers { name: "d" type: HDF5_DATA top: "x" data_param { scale: 2 } }'],
    ['line breaks of Windows', V1.replaceAll('\n', '\r\n')],
  ])('%s: the same network', (_, old) => {
    const { text, changes } = net(old);
    expect(changes).not.toEqual([]);
    const today = parseText(text, 'caffe.NetParameter');
    expect(today.diagnostics).toEqual([]);
    expect(encode(today.message)).toEqual(encode(parseNet(old).message));
    expect(net(text).text).toBe(text);
    expect(text.match(/(?<!\r)\n/) !== null && old.includes('\r\n')).toBe(false);
  });

  it('fields that have a newer name', () => {
    const { text, changes } = net(`layer { name: "l" type: "SoftmaxWithLoss" loss_param { normalize: false } }
layer { name: "m" type: "SoftmaxWithLoss" loss_param { normalization: FULL normalize: true } }
layer { name: "c" type: "Concat" concat_param { concat_dim: 2 } }
layer { name: "s" type: "Slice" slice_param { slice_dim: 2 } }
layer { name: "d" type: "DummyData" top: "a" top: "b" dummy_data_param { num: 1 num: 2 channels: 3 height: 4 width: 5 } }
`);
    expect(text).toBe(`layer { name: "l" type: "SoftmaxWithLoss" loss_param { normalization: BATCH_SIZE } }
layer { name: "m" type: "SoftmaxWithLoss" loss_param { normalization: FULL } }
layer { name: "c" type: "Concat" concat_param { axis: 2 } }
layer { name: "s" type: "Slice" slice_param { axis: 2 } }
layer { name: "d" type: "DummyData" top: "a" top: "b" dummy_data_param { shape { dim: 1 dim: 3 dim: 4 dim: 5 } shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
`);
    expect(changes).toHaveLength(5);
  });

  it('solvers', () => {
    const solver = upgradeText('net: "x"\nsolver_type: ADAGRAD # old\n', 'caffe.SolverParameter');
    expect(solver.text).toBe('net: "x"\ntype: "AdaGrad" # old\n');
    expect(upgradeText(solver.text, 'caffe.SolverParameter').changes).toEqual([]);
  });

  it.each(['layers {', 'layers { layer { type: "nonsense" } }', 'layer { name: "a" } layers { name: "b" }'])(
    'refuses %s',
    text => expect(() => net(text)).toThrow(),
  );
});

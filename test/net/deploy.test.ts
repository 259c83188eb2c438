/** Networks for training as networks for use. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, describe as group, it } from 'vitest';
import { deployText, describe } from '../../src/net/index.js';

const folder = new URL('../../networks/', import.meta.url);
const networks = readdirSync(folder).map(name => [name, readFileSync(new URL(name, folder), 'utf8')] as const);

const TRAIN_VAL = `name: "small"
# pictures for training
layer {
  name: "data" type: "Data" top: "data" top: "label"
  include { phase: TRAIN }
  transform_param { crop_size: 27 mean_value: 104 mean_value: 117 mean_value: 123 mirror: true }
  data_param { source: "train" batch_size: 64 }
}
# and for validation
layer {
  name: "data" type: "Data" top: "data" top: "label"
  include { phase: TEST }
  transform_param { crop_size: 27 mean_value: 104 mean_value: 117 mean_value: 123 scale: 0.5 }
  data_param { source: "val" batch_size: 16 }
}
# the first
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "aux_ip" type: "InnerProduct" bottom: "conv1" top: "aux_ip" inner_product_param { num_output: 5 } }
layer { name: "aux_loss" type: "SoftmaxWithLoss" bottom: "aux_ip" bottom: "label" top: "aux_loss" loss_weight: 0.3 }
layer { name: "drop" type: "Dropout" bottom: "conv1" top: "conv1" }
layer { name: "ip" type: "InnerProduct" bottom: "conv1" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "label2" type: "Power" bottom: "label" top: "label2" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label2" top: "accuracy" include { phase: TEST } }
layer {
  # what is learnt
  name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss"
}
`;

group('deployText', () => {
  it('data layers become inputs, losses probabilities; labels, measures and auxiliary heads go', () => {
    const { text, changes, diagnostics } = deployText(TRAIN_VAL);
    expect(text).toBe(`name: "small"
# and for validation
layer {
  name: "data"
  type: "Input"
  top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 27 dim: 27 } }
}
# the first
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "drop" type: "Dropout" bottom: "conv1" top: "conv1" }
layer { name: "ip" type: "InnerProduct" bottom: "conv1" top: "ip" inner_product_param { num_output: 5 } }
layer {
  name: "prob"
  type: "Softmax"
  bottom: "ip"
  top: "prob"
}
`);
    expect(changes.join('\n')).toContain('Only of auxiliary losses: aux_ip (InnerProduct)');
    expect(diagnostics.map(d => d.message).join()).toContain('subtract 104, 117, 123, then multiply by 0.5');
    expect(describe(text)).toMatchObject({ ok: true, outputs: ['prob'], inputs: ['data'] });
    expect(deployText(text).text).toBe(text);
  });

  it.each(networks)('%s is its own deploy stage', (_, text) => {
    const shapes = { data: [1, ...(/dim: 1 dim: 1 dim/.test(text) ? [1] : [3]), 256, 256] };
    const stage = describe(text, { phase: 'TEST', stages: ['deploy'] });
    const made = deployText(text, stage.ok ? {} : { inputShapes: shapes });
    expect(made.text).not.toMatch(/include|exclude|SoftmaxWithLoss|"label"/);
    const own = describe(made.text);
    expect(own.diagnostics.filter(d => d.severity === 'error')).toEqual([]);
    expect(stage.ok).toBe(true);
    const essence = (d: typeof own) =>
      d.layers.map(({ name, type, bottoms, tops, topShapes, params }) => ({
        name,
        type,
        bottoms,
        tops,
        topShapes,
        params,
      }));
    expect(essence(own)).toEqual(essence(stage));
  });

  it.each([
    ['Sigmoid for its loss', 'SigmoidCrossEntropyLoss', 'Sigmoid', ''],
    ['the axis of the softmax', 'SoftmaxWithLoss', 'Softmax', 'softmax_param { axis: 2 }'],
  ])('%s', (_, loss, end, param) => {
    const { text } =
      deployText(`layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 9 dim: 3 dim: 4 } } }
layer { name: "l" type: "${loss}" bottom: "x" bottom: "y" ${param} include { phase: TRAIN } }`);
    const found = describe(text);
    expect(found.layers.map(l => l.type)).toEqual(['Input', end]);
    expect(found.layers[0]!.topShapes).toEqual([[1, 3, 4]]);
    if (param) expect(text).toContain(param);
  });

  it('an autoencoder keeps the input that is its own label', () => {
    const { text } = deployText(`layer { name: "d" type: "Data" top: "x" transform_param { crop_size: 8 } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 3 kernel_size: 1 } }
layer { name: "l" type: "EuclideanLoss" bottom: "c" bottom: "x" }`);
    expect(describe(text)).toMatchObject({ ok: true, inputs: ['x'], outputs: ['c'] });
  });

  it('a Python layer that feeds pictures and labels, as in the FCN papers', () => {
    const { text } = deployText(
      `layer { name: "d" type: "Python" top: "data" top: "label" python_param { module: "voc_layers" layer: "VOCSegDataLayer" } }
layer { name: "c" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 21 kernel_size: 1 } }
layer { name: "l" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }`,
      { inputShapes: { data: [1, 3, 16, 16] } },
    );
    expect(describe(text)).toMatchObject({ ok: true, inputs: ['data'], outputs: ['prob'] });
  });

  it('the older forms too', () => {
    const { text } =
      deployText(`layers { name: "d" type: DATA top: "x" top: "y" data_param { crop_size: 8 } include { phase: TEST } }
layers { name: "l" type: SOFTMAX_LOSS bottom: "x" bottom: "y" }`);
    expect(describe(text).layers.map(l => [l.type, l.topShapes[0]])).toEqual([
      ['Input', [1, 3, 8, 8]],
      ['Softmax', [1, 3, 8, 8]],
    ]);
  });

  it('asks for a shape that nothing tells, and refuses broken texts', () => {
    const bare =
      'layer { name: "d" type: "Data" top: "x" data_param { source: "x" } }\nlayer { name: "r" type: "ReLU" bottom: "x" top: "y" }';
    expect(() => deployText(bare)).toThrow(/--input x=1,3,227,227/);
    expect(describe(deployText(bare, { inputShapes: { x: [2, 1, 5, 6] } }).text).blobs.get('y')!.shape).toEqual([
      2, 1, 5, 6,
    ]);
    expect(() => deployText('layer {')).toThrow();
  });
});

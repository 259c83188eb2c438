/** What a network or a solver says and nothing reads is told, and once. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { defaultCatalogue } from '../../src/layers/index.js';
import { describe } from '../../src/net/index.js';
import { defaultSchema, parseSolver } from '../../src/schema/index.js';
import { checkSolver } from '../../src/solver/index.js';
import { input, layer } from './nets.js';

const head = input('x', 1, 2, 4, 4);
const told = (text: string, catalogue = defaultCatalogue()) =>
  describe(text, { catalogue, entryShapes: { data: [3, 8, 8], label: [] } }).diagnostics.map(
    d => `${d.severity} ${d.code} ${d.message} ${d.hint ?? ''}`,
  );

it('a block of another type is told, with the types that read it', () => {
  const [first, ...more] = told(head + layer('ReLU', 'r', 'x', 'r', 'batch_norm_param { eps: 0.1 }'));
  expect(first).toMatch(/^warning no-effect Layer "r" \(ReLU\) has batch_norm_param, which.* read by BatchNorm:/);
  expect(more).toEqual([]);
  const none = 'detectnet_groundtruth_param { stride: 16 } detectnet_augmentation_param { crop_prob: 1 }';
  expect(told(head + layer('ReLU', 'r', 'x', 'r', none))).toEqual([
    expect.stringMatching(/detectnet_groundtruth_param.*no layer type here/),
    expect.stringMatching(/detectnet_augmentation_param.*no layer type here/),
  ]);
});

it('nothing is told of blocks that a type reads, and of what only chooses how it is computed', () => {
  const conv = 'convolution_param { num_output: 2 kernel_size: 1 engine: CAFFE force_nd_im2col: true }';
  expect(told(head + layer('Convolution', 'c', 'x', 'c', conv))).toEqual([]);
  const lstm = `${input('cont', 1, 2)}${layer('LSTM', 'l', 'x cont', 'l', 'recurrent_param { num_output: 2 debug_info: true }')}`;
  expect(told(head + lstm)).toEqual([]);
});

it('a layer with an error has that alone told of it', () => {
  const pool = layer('Pooling', 'p', 'x', 'p', 'convolution_param { kernel_size: 2 }');
  expect(told(head + pool)).toEqual([expect.stringContaining('error pool-zero')]);
});

it('fields that Caffe passes over too are told where they were meant to do something', () => {
  const data = (param: string) => `layer { name: "d" type: "Data" top: "data" top: "label" ${param} }`;
  expect(told(data('data_param { batch_size: 1 scale: 0.5 crop_size: 4 prefetch: 2 }'))).toEqual([
    expect.stringMatching(/has scale, which is read and has no effect.*transform_param only/),
    expect.stringMatching(/has crop_size, which/),
  ]);
  const gpu = 'data_param { batch_size: 1 } transform_param { scale: 0.5 use_gpu_transform: true }';
  expect(told(data(gpu))).toEqual([expect.stringContaining('use_gpu_transform')]);
});

it('a registered type is held to the blocks that it says it reads', () => {
  const relu = defaultCatalogue().get('ReLU')!;
  const block = 'batch_norm_param { eps: 0.1 }';
  const net = head + layer('Mine', 'm', 'x', 'm', block);
  const { paramFields: _, ...plain } = relu;
  expect(told(net, defaultCatalogue().with({ ...plain, type: 'Mine' }))).toEqual([]);
  const declared = defaultCatalogue().with({ ...plain, type: 'Mine', paramFields: ['relu_param'] });
  expect(told(net, declared)).toEqual([expect.stringContaining('has batch_norm_param')]);
});

/** They choose where and how Caffe computes, or what it prints. */
const NO_RESULT = ['test_compute_loss', 'device_id', 'debug_info', 'layer_wise_reduce', 'solver_mode'];

it('every field of a solver is read, told, or changes no result', () => {
  const files = (folder: string): string[] =>
    readdirSync(folder).flatMap(name => {
      const path = `${folder}/${name}`;
      if (statSync(path).isDirectory()) return name === 'generated' ? [] : files(path);
      return path.endsWith('.ts') ? readFileSync(path, 'utf8').replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '') : [];
    });
  const code = ['solver', 'train', 'schema'].flatMap(name => files(`${import.meta.dirname}/../../src/${name}`));
  const fields = defaultSchema().root.lookupType('caffe.SolverParameter').fieldsArray;
  const lost = fields.filter(({ name, type }) => {
    const isRead = code.some(text => new RegExp(`(\\.|\\b\\w+, |\\{ )${name}\\b|'${name}'`).test(text));
    const { message } = parseSolver(`${name}: ${type === 'string' ? '"x"' : 1}`);
    const isTold = checkSolver(message).some(d => d.code === 'no-effect');
    return !isRead && !isTold && !NO_RESULT.includes(name);
  });
  expect(lost.map(f => f.name)).toEqual([]);
});

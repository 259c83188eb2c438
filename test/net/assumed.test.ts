/** Data layers without a source take the entry that the net's own Input layer declares, and only where nobody says more. */

import { expect, it } from 'vitest';
import { describe as describeNet } from '../../src/net/index.js';

const digits = (input: string) => `
  layer { name: "d" type: "Data" top: "data" include { phase: TRAIN } data_param { batch_size: 2 } }
  layer { name: "l" type: "Data" top: "label" include { phase: TRAIN } data_param { batch_size: 2 } }
  ${input}
  layer { name: "c" type: "Convolution" bottom: "data" top: "score"
    convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" exclude { stage: "deploy" } }`;
const input = `layer { name: "i" type: "Input" top: "data" include { phase: TEST stage: "deploy" }
  input_param { shape { dim: 1 dim: 3 dim: 20 dim: 30 } } }`;

it('takes the shape of the Input layer in stage deploy, and says so', () => {
  const net = describeNet(digits(input), { phase: 'TRAIN' });
  expect(net.ok).toBe(true);
  expect(net.blobs.get('score')?.shape).toEqual([2, 2, 20, 30]);
  expect(net.blobs.get('label')?.shape).toEqual([2, 1, 20, 30]);
  expect(net.diagnostics.map(d => [d.code, d.severity])).toEqual([['assumed-shapes', 'note']]);
});

it('keeps to the shapes that are given', () => {
  const entryShapes = { data: [3, 8, 8], label: [1, 8, 8] };
  const net = describeNet(digits(input), { phase: 'TRAIN', entryShapes });
  expect(net.blobs.get('score')?.shape).toEqual([2, 2, 8, 8]);
  expect(net.diagnostics).toEqual([]);
});

it('asks for a data set where no Input layer tells', () => {
  const net = describeNet(digits(''), { phase: 'TRAIN' });
  expect(net.ok).toBe(false);
  expect(net.diagnostics.map(d => d.code)).toEqual(['no-data-set']);
});

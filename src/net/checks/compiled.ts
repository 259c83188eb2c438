/** Errors that the compiler itself tells, for docs/checks.md: how layers connect, and whether shapes fit. */

import type { Check, CheckDoc } from './check.js';
import { PICTURES, PIXELS } from './examples.js';

type Told = Pick<Check, 'code'> & CheckDoc;

const conv = (params: string, bottom = 'data') => `layer {
  name: "conv" type: "Convolution" bottom: "${bottom}" top: "conv"
  convolution_param { ${params} }
}
`;
const relu = (top: string, more = '') =>
  `layer { name: "relu" type: "ReLU" bottom: "data" top: "${top}"${more} }
`;
const pool = (params: string) => `layer {
  name: "pool" type: "Pooling" bottom: "data" top: "pool"
  pooling_param { ${params} }
}
`;
const shared = (outputs: number) => `layer {
  name: "a" type: "Convolution" bottom: "data" top: "a"
  param { name: "w" }
  convolution_param { num_output: 4 kernel_size: 3 bias_term: false }
}
layer {
  name: "b" type: "Convolution" bottom: "data" top: "b"
  param { name: "w" }
  convolution_param { num_output: ${outputs} kernel_size: 3 bias_term: false }
}
`;
const inPlace = (top: string) => `layer { name: "tanh" type: "TanH" bottom: "data" top: "tanh" }
layer { name: "relu" type: "ReLU" bottom: "data" top: "${top}" }
`;
const sum = (stride: number) => `layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 3 pad: 1 stride: ${stride} }
}
layer { name: "sum" type: "Eltwise" bottom: "conv" bottom: "data" top: "sum" }
`;
const labels = (pad: number) => `layer {
  name: "score" type: "Convolution" bottom: "data" top: "score"
  convolution_param { num_output: 2 kernel_size: 3 pad: ${pad} }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
`;
const data = (rule: string) => `layer {
  name: "data" type: "Data" top: "pixels"
  include { phase: TRAIN }
  data_param { batch_size: 8 }
}
layer { name: "relu" type: "ReLU" bottom: "pixels" top: "relu"${rule} }
`;

export const compiled: readonly Told[] = [
  {
    code: 'unknown-blob',
    doc: 'Every bottom is the top of a layer above.',
    cure: 'The hint says whether the name is mistyped, made further down, or made in another phase or stage only.',
    example: {
      head: PICTURES,
      wrong: conv('num_output: 4 kernel_size: 3', 'dta'),
      right: conv('num_output: 4 kernel_size: 3'),
    },
  },
  {
    code: 'data-phase',
    doc: 'Every state in which a layer reads data has a data layer.',
    cure: 'Give the state a data layer of its own, or leave out what reads it.',
    example: { wrong: data(''), right: data('').replace('include { phase: TRAIN }\n  ', '') },
  },
  {
    code: 'duplicate-blob',
    doc: 'Only an in-place layer makes a blob that is there already.',
    cure: 'Give the top a name of its own, or see whether two layers stand in the same phase.',
    example: { head: PICTURES, wrong: relu('label'), right: relu('relu') },
  },
  {
    code: 'in-place-shared',
    doc: 'No layer changes a blob in place that another has read before.',
    cure: 'Give the top a name of its own.',
    example: { head: PICTURES, wrong: inPlace('data'), right: inPlace('relu') },
  },
  {
    code: 'include-and-exclude',
    doc: 'A layer has include or exclude rules, not both.',
    cure: 'Say in the include rule what is left out (not_stage).',
    example: {
      head: PICTURES,
      wrong: relu('relu', ' include { phase: TEST } exclude { stage: "deploy" }'),
      right: relu('relu', ' include { phase: TEST not_stage: "deploy" }'),
    },
  },
  {
    code: 'shared-param-shape',
    doc: 'Layers that share a parameter have it in one shape.',
    cure: 'Make the layers alike, or share_mode: PERMISSIVE where only the count agrees.',
    example: { head: PICTURES, wrong: shared(6), right: shared(4) },
  },
  {
    code: 'unknown-layer-type',
    doc: 'The type of a layer is known.',
    cure: 'The hint has the nearest name, or the fork of Caffe that the type comes from.',
    example: { head: PICTURES, wrong: relu('relu').replace('"ReLU"', '"Relu"'), right: relu('relu') },
  },
  {
    code: 'unknown-field',
    doc: 'Every field is one of its block.',
    cure: "The hint has the nearest name, or the block that the field belongs to. A fork's own fields come with --schema.",
    example: {
      head: PICTURES,
      wrong: conv('num_outputs: 4 kernel_size: 3'),
      right: conv('num_output: 4 kernel_size: 3'),
    },
  },
  {
    code: 'unknown-enum-value',
    doc: 'Values of an enum are its names, in its case and without quotes.',
    cure: 'The hint lists them.',
    example: { head: PICTURES, wrong: pool('pool: AVG kernel_size: 2'), right: pool('pool: AVE kernel_size: 2') },
  },
  {
    code: 'conv-empty',
    doc: 'A kernel is no larger than its padded input.',
    cure: 'The hint has the least input that fits. So it is with pooling (pool-empty).',
    example: {
      head: PICTURES,
      wrong: conv('num_output: 4 kernel_size: 33'),
      right: conv('num_output: 4 kernel_size: 11'),
    },
  },
  {
    code: 'conv-group',
    doc: 'group divides the channels of the bottom, and num_output.',
    cure: 'Take a divisor of both.',
    example: {
      head: PICTURES,
      wrong: conv('num_output: 4 kernel_size: 3 group: 2'),
      right: conv('num_output: 6 kernel_size: 3 group: 3'),
    },
  },
  {
    code: 'pool-pad',
    doc: 'The pad of a pooling is smaller than its kernel.',
    cure: 'A window could lie in the padding alone otherwise.',
    example: { head: PICTURES, wrong: pool('kernel_size: 2 pad: 2'), right: pool('kernel_size: 2 pad: 1') },
  },
  {
    code: 'eltwise-shapes',
    doc: 'All bottoms of an Eltwise have one shape.',
    cure: 'The hint says which input sizes would fit, or whose num_output would have to change.',
    example: { head: PIXELS, wrong: sum(2), right: sum(1) },
  },
  {
    code: 'label-count',
    doc: 'There is a label for every place of the scores.',
    cure: 'Pad, crop or upsample until scores and labels have one height and width.',
    example: { head: PIXELS, wrong: labels(0), right: labels(1), phase: 'TRAIN' },
  },
];

/** Fields that public networks of other Caffes have, and what to write in their place. */

import { own } from '../diagnostics/index.js';

/** A field of a fork's. */
export interface ForkField {
  /** Whose it is, as words that follow "it is". */
  readonly of: string;
  /** What to write instead, or what becomes of the network without it. */
  readonly hint: string;
  /** The field that means the same, where one does; `value` is the value as it stands in the text. */
  readonly instead?: (value: string | undefined) => string | undefined;
}

const CEIL_MODE: ForkField = {
  of: 'the rounding of pooling in other forks',
  hint: "Caffe's own field is round_mode: `ceil_mode: false` is `round_mode: FLOOR`, `ceil_mode: true` is `round_mode: CEIL`, the default.",
  instead: value => {
    if (/^(?:false|f|0)$/i.test(value ?? '')) return 'round_mode: FLOOR';
    return /^(?:true|t|1)$/i.test(value ?? '') ? 'round_mode: CEIL' : undefined;
  },
};

const HOLE: ForkField = {
  of: "DeepLab's name of dilation",
  hint: "Caffe's own field is dilation, with the same number.",
  instead: value => (value === undefined ? undefined : `dilation: ${value}`),
};

const DEPTH: ForkField = {
  of: "C3D's, for convolution over time",
  hint: 'Caffe convolves over any number of axes: kernel_size, stride and pad are given once for each, e.g. kernel_size: [3, 5, 5].',
};

const SEGNET_WEIGHTS: ForkField = {
  of: "SegNet's way of weighting classes",
  hint: 'Without it all classes weigh the same. InfogainLoss with a diagonal matrix of the weights does it in Caffe.',
};

const FILLERS: ForkField = {
  of: "NVIDIA's and other forks', whose BatchNorm scales and shifts too",
  hint: 'In Caffe a Scale layer behind BatchNorm does that: layer { type: "Scale" scale_param { bias_term: true } }.',
};

const INTEL: ForkField = {
  of: "Intel Caffe's choice of how a layer is computed",
  hint: 'It changes no result: take it out.',
};

const WARMUP: ForkField = {
  of: "another fork's warm-up of the learning rate",
  hint: 'Mokapot’s own is mokapot_param { warmup_iter: 100 warmup_start: 0.1 }, where the start is a share of the rate.',
};

const LABEL_MAP: ForkField = {
  of: "an entry of SSD's label map, which names classes, and the text is no network",
  hint: "Name the network's own prototxt.",
};

const FIELDS: Readonly<Record<string, ForkField>> = {
  'PoolingParameter.ceil_mode': CEIL_MODE,
  'ConvolutionParameter.hole': HOLE,
  'ConvolutionParameter.hole_h': HOLE,
  'ConvolutionParameter.hole_w': HOLE,
  'ConvolutionParameter.kernel_depth': DEPTH,
  'ConvolutionParameter.temporal_stride': DEPTH,
  'ConvolutionParameter.temporal_pad': DEPTH,
  'PoolingParameter.kernel_depth': DEPTH,
  'PoolingParameter.temporal_stride': DEPTH,
  'LossParameter.weight_by_label_freqs': SEGNET_WEIGHTS,
  'LossParameter.class_weighting': SEGNET_WEIGHTS,
  'BatchNormParameter.scale_filler': FILLERS,
  'BatchNormParameter.bias_filler': FILLERS,
  'LayerParameter.engine': INTEL,
  'NetParameter.engine': INTEL,
  'NetParameter.item': LABEL_MAP,
  'SolverParameter.engine': INTEL,
  'SolverParameter.warmup_iter': WARMUP,
  'SolverParameter.warmup_start_lr': WARMUP,
};

/** The field of a message, both by their names, where a fork is known to have it and Caffe has it not. */
export function forkField(message: string, field: string): ForkField | undefined {
  return own(FIELDS, `${message}.${field}`);
}

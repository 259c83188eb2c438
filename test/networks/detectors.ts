/** Detectors of the literature as prototxt: SSD on VGG-16 and on MobileNet, and the heads of Faster R-CNN. */

import { SEPARABLE, VGG } from './classics.js';
import { conv, convRelu, dropout, fc, input, layer, normalised, pool, relu, softmax, text } from './parts.js';

/** What a feature map predicts: its blob and the sizes and ratios of its priors. */
interface Source {
  readonly blob: string;
  readonly min: number;
  readonly max?: number;
  readonly ratios: readonly number[];
  readonly step?: number;
}

const CLASSES = 21;

/** Per map: predictions by convolution, turned to N×H×W×C and flattened, and priors. */
function predictions({ blob, min, max, ratios, step }: Source, kernel: number): string[] {
  const priors = 1 + Number(max !== undefined) + 2 * ratios.length;
  const flat = (kind: string, each: number) => [
    conv(`${blob}_${kind}`, blob, priors * each, kernel, { pad: (kernel - 1) / 2 }),
    layer(
      'Permute',
      `${blob}_${kind}_perm`,
      `${blob}_${kind}`,
      'permute_param { order: 0 order: 2 order: 3 order: 1 }',
    ),
    layer('Flatten', `${blob}_${kind}_flat`, `${blob}_${kind}_perm`),
  ];
  const sizes = `min_size: ${min} ${max ? `max_size: ${max}` : ''} ${ratios.map(r => `aspect_ratio: ${r}`).join(' ')}`;
  const variance = 'variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2';
  return [
    ...flat('loc', 4),
    ...flat('conf', CLASSES),
    layer(
      'PriorBox',
      `${blob}_priors`,
      [blob, 'data'],
      `prior_box_param { ${sizes} ${variance} ${step ? `step: ${step}` : ''} }`,
    ),
  ];
}

/** All maps' predictions joined; MultiBoxLoss in TRAIN, DetectionOutput in TEST. */
function head(sources: readonly Source[], kernel: number): string[] {
  const joined = (name: string, of: string, more = '') =>
    layer(
      'Concat',
      name,
      sources.map(s => `${s.blob}_${of}`),
      more,
    );
  const [train, test] = ['TRAIN', 'TEST'].map(phase => `include { phase: ${phase} }`) as [string, string];
  return [
    ...sources.flatMap(source => predictions(source, kernel)),
    joined('mbox_loc', 'loc_flat'),
    joined('mbox_conf', 'conf_flat'),
    joined('mbox_priors', 'priors', 'concat_param { axis: 2 }'),
    input('label', 1, 1, 8, 8).replace('top: "label"', `top: "label" ${train}`),
    layer(
      'MultiBoxLoss',
      'mbox_loss',
      ['mbox_loc', 'mbox_conf', 'mbox_priors', 'label'],
      `${train} multibox_loss_param { num_classes: ${CLASSES} code_type: CENTER_SIZE neg_pos_ratio: 3 }
       propagate_down: true propagate_down: true propagate_down: false propagate_down: false`,
    ),
    layer('Reshape', 'mbox_scores', 'mbox_conf', `${test} reshape_param { shape { dim: 0 dim: -1 dim: ${CLASSES} } }`),
    layer('Softmax', 'mbox_shares', 'mbox_scores', `${test} softmax_param { axis: 2 }`),
    layer('Flatten', 'mbox_shares_flat', 'mbox_shares', test),
    layer(
      'DetectionOutput',
      'detection_out',
      ['mbox_loc', 'mbox_shares_flat', 'mbox_priors'],
      `${test} detection_output_param { num_classes: ${CLASSES} code_type: CENTER_SIZE keep_top_k: 200
        confidence_threshold: 0.01 nms_param { nms_threshold: 0.45 top_k: 400 } }`,
    ),
  ];
}

/** VGG-16 up to conv5_3, its last pooling left to the network. */
const vggTrunk = () =>
  VGG.flatMap(([out, count], block) => [
    ...Array.from({ length: count }, (_, i) => {
      const before = i > 0 ? `conv${block + 1}_${i}` : block > 0 ? `pool${block}` : 'data';
      return convRelu(`conv${block + 1}_${i + 1}`, before, out, 3, { pad: 1 });
    }),
    ...(block < 4 ? [pool(`pool${block + 1}`, `conv${block + 1}_${count}`, 2, 2)] : []),
  ]);

/** A step down: 1×1 to `inner`, then 3×3 to `out`. */
const extra = (i: number, bottom: string, inner: number, out: number, stride: number) => [
  convRelu(`conv${i}_1`, bottom, inner, 1),
  convRelu(`conv${i}_2`, `conv${i}_1`, out, 3, { stride, pad: stride - 1 }),
];

export const ssd300 = text(
  input('data', 1, 3, 300, 300),
  vggTrunk(),
  pool('pool5', 'conv5_3', 3, 1, 'pad: 1'),
  layer('Convolution', 'fc6', 'pool5', 'convolution_param { num_output: 1024 kernel_size: 3 pad: 6 dilation: 6 }'),
  [relu('fc6'), convRelu('fc7', 'fc6', 1024, 1)],
  [...extra(6, 'fc7', 256, 512, 2), ...extra(7, 'conv6_2', 128, 256, 2)],
  [...extra(8, 'conv7_2', 128, 256, 1), ...extra(9, 'conv8_2', 128, 256, 1)],
  layer(
    'Normalize',
    'conv4_3_norm',
    'conv4_3',
    'norm_param { across_spatial: false channel_shared: false scale_filler { type: "constant" value: 20 } }',
  ),
  head(
    [
      { blob: 'conv4_3_norm', min: 30, max: 60, ratios: [2], step: 8 },
      { blob: 'fc7', min: 60, max: 111, ratios: [2, 3], step: 16 },
      { blob: 'conv6_2', min: 111, max: 162, ratios: [2, 3], step: 32 },
      { blob: 'conv7_2', min: 162, max: 213, ratios: [2, 3], step: 64 },
      { blob: 'conv8_2', min: 213, max: 264, ratios: [2], step: 100 },
      { blob: 'conv9_2', min: 264, max: 315, ratios: [2], step: 300 },
    ],
    3,
  ),
);

const bnConv = (name: string, ...rest: Parameters<typeof conv> extends [string, ...infer R] ? R : never) => [
  conv(name, rest[0], rest[1], rest[2], { ...rest[3], bias: false }),
  normalised(name),
  relu(name),
];

/** chuanqi305's: predictions of 1×1, the last maps by stride 2 all the way down to 1×1. */
export const mobileNetSsd = text(
  input('data', 1, 3, 300, 300),
  bnConv('conv0', 'data', 32, 3, { stride: 2, pad: 1 }),
  SEPARABLE.flatMap(([into, out, stride], i) => [
    ...bnConv(`conv${i + 1}/dw`, `conv${i}`, into, 3, { stride, pad: 1, group: into }),
    ...bnConv(`conv${i + 1}`, `conv${i + 1}/dw`, out, 1),
  ]),
  [512, 256, 256, 128].flatMap((out, k) => [
    ...bnConv(`conv${k + 14}_1`, k > 0 ? `conv${k + 13}_2` : 'conv13', out / 2, 1),
    ...bnConv(`conv${k + 14}_2`, `conv${k + 14}_1`, out, 3, { stride: 2, pad: 1 }),
  ]),
  head(
    [
      { blob: 'conv11', min: 60, ratios: [2] },
      { blob: 'conv13', min: 105, max: 150, ratios: [2, 3] },
      { blob: 'conv14_2', min: 150, max: 195, ratios: [2, 3] },
      { blob: 'conv15_2', min: 195, max: 240, ratios: [2, 3] },
      { blob: 'conv16_2', min: 240, max: 285, ratios: [2, 3] },
      { blob: 'conv17_2', min: 285, max: 300, ratios: [2, 3] },
    ],
    1,
  ),
);

const ANCHORS = 9;

/** VGG-16 with the region proposal network and the heads of the second stage; proposals and targets come from outside. */
export const fasterRcnn = text(
  [input('data', 1, 3, 600, 800), input('rois', 128, 5)],
  vggTrunk(),
  convRelu('rpn_conv', 'conv5_3', 512, 3, { pad: 1 }),
  [conv('rpn_cls_score', 'rpn_conv', 2 * ANCHORS, 1), conv('rpn_bbox_pred', 'rpn_conv', 4 * ANCHORS, 1)],
  layer('Reshape', 'rpn_scores', 'rpn_cls_score', 'reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } }'),
  layer('Softmax', 'rpn_shares', 'rpn_scores'),
  layer('Reshape', 'rpn_prob', 'rpn_shares', `reshape_param { shape { dim: 0 dim: ${2 * ANCHORS} dim: -1 dim: 0 } }`),
  layer(
    'ROIPooling',
    'pool5',
    ['conv5_3', 'rois'],
    'roi_pooling_param { pooled_w: 7 pooled_h: 7 spatial_scale: 0.0625 }',
  ),
  [fc('fc6', 'pool5', 4096), relu('fc6'), dropout('fc6'), fc('fc7', 'fc6', 4096), relu('fc7'), dropout('fc7')],
  [fc('cls_score', 'fc7', CLASSES), fc('bbox_pred', 'fc7', 4 * CLASSES), softmax('cls_score')],
  ['bbox_targets', 'bbox_inside_weights', 'bbox_outside_weights'].map(name => input(name, 128, 4 * CLASSES)),
  layer('SmoothL1Loss', 'loss_bbox', ['bbox_pred', 'bbox_targets', 'bbox_inside_weights', 'bbox_outside_weights']),
  input('labels', 128),
  layer('SoftmaxWithLoss', 'loss_cls', ['cls_score', 'labels']),
);

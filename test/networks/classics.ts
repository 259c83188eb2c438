/** Networks of the literature as prototxt. */

import {
  add,
  concat,
  conv,
  convRelu,
  dropout,
  fc,
  globalAverage,
  inPlace,
  input,
  layer,
  lrn,
  normalised,
  pool,
  relu,
  softmax,
  text,
} from './parts.js';

/** `normFirst`: AlexNet's order norm, pool; CaffeNet's is pool, norm. */
function alex(normFirst: boolean): string {
  const reduce = (i: number) =>
    normFirst
      ? [lrn(`norm${i}`, `conv${i}`), pool(`pool${i}`, `norm${i}`, 3, 2)]
      : [pool(`pool${i}`, `conv${i}`, 3, 2), lrn(`norm${i}`, `pool${i}`)];
  const after = (i: number) => `${normFirst ? 'pool' : 'norm'}${i}`;
  return text(
    input('data', 10, 3, 227, 227),
    convRelu('conv1', 'data', 96, 11, { stride: 4 }),
    reduce(1),
    convRelu('conv2', after(1), 256, 5, { pad: 2, group: 2 }),
    reduce(2),
    convRelu('conv3', after(2), 384, 3, { pad: 1 }),
    convRelu('conv4', 'conv3', 384, 3, { pad: 1, group: 2 }),
    convRelu('conv5', 'conv4', 256, 3, { pad: 1, group: 2 }),
    pool('pool5', 'conv5', 3, 2),
    [fc('fc6', 'pool5', 4096), relu('fc6'), dropout('fc6')],
    [fc('fc7', 'fc6', 4096), relu('fc7'), dropout('fc7')],
    [fc('fc8', 'fc7', 1000), softmax('fc8')],
  );
}

export const alexNet = alex(true);
export const caffeNet = alex(false);

/** Output channels: 1×1, 3×3 behind its reduction, 5×5 behind its own, behind the pooling. */
function inception(name: string, bottom: string, [a, b0, b, c0, c, d]: readonly number[]): string {
  const at = (part: string) => `${name}/${part}`;
  return text(
    convRelu(at('1x1'), bottom, a!, 1),
    convRelu(at('3x3_reduce'), bottom, b0!, 1),
    convRelu(at('3x3'), at('3x3_reduce'), b!, 3, { pad: 1 }),
    convRelu(at('5x5_reduce'), bottom, c0!, 1),
    convRelu(at('5x5'), at('5x5_reduce'), c!, 5, { pad: 2 }),
    pool(at('pool'), bottom, 3, 1, 'pad: 1'),
    convRelu(at('pool_proj'), at('pool'), d!, 1),
    concat(name, [at('1x1'), at('3x3'), at('5x5'), at('pool_proj')]),
  );
}

export const googLeNet = text(
  input('data', 10, 3, 224, 224),
  convRelu('conv1', 'data', 64, 7, { stride: 2, pad: 3 }),
  [pool('pool1', 'conv1', 3, 2), lrn('norm1', 'pool1')],
  [convRelu('conv2_reduce', 'norm1', 64, 1), convRelu('conv2', 'conv2_reduce', 192, 3, { pad: 1 })],
  [lrn('norm2', 'conv2'), pool('pool2', 'norm2', 3, 2)],
  inception('3a', 'pool2', [64, 96, 128, 16, 32, 32]),
  inception('3b', '3a', [128, 128, 192, 32, 96, 64]),
  pool('pool3', '3b', 3, 2),
  inception('4a', 'pool3', [192, 96, 208, 16, 48, 64]),
  inception('4b', '4a', [160, 112, 224, 24, 64, 64]),
  inception('4c', '4b', [128, 128, 256, 24, 64, 64]),
  inception('4d', '4c', [112, 144, 288, 32, 64, 64]),
  inception('4e', '4d', [256, 160, 320, 32, 128, 128]),
  pool('pool4', '4e', 3, 2),
  inception('5a', 'pool4', [256, 160, 320, 32, 128, 128]),
  inception('5b', '5a', [384, 192, 384, 48, 128, 128]),
  [pool('pool5', '5b', 7, 1, 'pool: AVE'), dropout('pool5'), fc('fc', 'pool5', 1000), softmax('fc')],
);

export const VGG = [
  [64, 2],
  [128, 2],
  [256, 3],
  [512, 3],
  [512, 3],
] as const;

export const vgg16 = text(
  input('data', 1, 3, 224, 224),
  VGG.flatMap(([out, count], block) => [
    ...Array.from({ length: count }, (_, i) =>
      convRelu(
        `conv${block + 1}_${i + 1}`,
        i > 0 ? `conv${block + 1}_${i}` : block > 0 ? `pool${block}` : 'data',
        out,
        3,
        { pad: 1 },
      ),
    ),
    pool(`pool${block + 1}`, `conv${block + 1}_${count}`, 2, 2),
  ]),
  [fc('fc6', 'pool5', 4096), relu('fc6'), dropout('fc6'), fc('fc7', 'fc6', 4096), relu('fc7'), dropout('fc7')],
  [fc('fc8', 'fc7', 1000), softmax('fc8')],
);

/** A bottleneck; with a projection where the size or the number of channels changes. */
function bottleneck(name: string, bottom: string, width: number, stride: number, project: boolean): string {
  const [a, b, c, side] = ['2a', '2b', '2c', '1'].map(branch => `res${name}_branch${branch}`) as [
    string,
    string,
    string,
    string,
  ];
  return text(
    project ? [conv(side, bottom, 4 * width, 1, { stride, bias: false }), normalised(side)] : [],
    [conv(a, bottom, width, 1, { stride, bias: false }), normalised(a), relu(a)],
    [conv(b, a, width, 3, { pad: 1, bias: false }), normalised(b), relu(b)],
    [conv(c, b, 4 * width, 1, { bias: false }), normalised(c)],
    [add(`res${name}`, [project ? side : bottom, c]), relu(`res${name}`)],
  );
}

export const resNet50 = text(
  input('data', 1, 3, 224, 224),
  [
    conv('conv1', 'data', 64, 7, { stride: 2, pad: 3 }),
    normalised('conv1'),
    relu('conv1'),
    pool('pool1', 'conv1', 3, 2),
  ],
  [3, 4, 6, 3].flatMap((count, stage) =>
    Array.from({ length: count }, (_, i) => {
      const name = (s: number, k: number) => `${s + 2}${'abcdef'[k]}`;
      const before = i > 0 ? `res${name(stage, i - 1)}` : ['pool1', 'res2c', 'res3d', 'res4f'][stage]!;
      return bottleneck(name(stage, i), before, 64 * 2 ** stage, i === 0 && stage > 0 ? 2 : 1, i === 0);
    }),
  ),
  [pool('pool5', 'res5c', 7, 1, 'pool: AVE'), fc('fc1000', 'pool5', 1000), softmax('fc1000')],
);

const fire = (i: number, bottom: string, squeeze: number, expand: number) =>
  text(
    convRelu(`fire${i}/squeeze`, bottom, squeeze, 1),
    convRelu(`fire${i}/1x1`, `fire${i}/squeeze`, expand, 1),
    convRelu(`fire${i}/3x3`, `fire${i}/squeeze`, expand, 3, { pad: 1 }),
    concat(`fire${i}`, [`fire${i}/1x1`, `fire${i}/3x3`]),
  );

/** Version 1.1. */
export const squeezeNet = text(
  input('data', 10, 3, 227, 227),
  [convRelu('conv1', 'data', 64, 3, { stride: 2 }), pool('pool1', 'conv1', 3, 2)],
  [fire(2, 'pool1', 16, 64), fire(3, 'fire2', 16, 64), pool('pool3', 'fire3', 3, 2)],
  [fire(4, 'pool3', 32, 128), fire(5, 'fire4', 32, 128), pool('pool5', 'fire5', 3, 2)],
  [fire(6, 'pool5', 48, 192), fire(7, 'fire6', 48, 192), fire(8, 'fire7', 64, 256), fire(9, 'fire8', 64, 256)],
  [dropout('fire9'), convRelu('conv10', 'fire9', 1000, 1), globalAverage('pool10', 'conv10'), softmax('pool10')],
);

/** Channels into and out of each separable block, and its stride. */
export const SEPARABLE = [
  [32, 64, 1],
  [64, 128, 2],
  [128, 128, 1],
  [128, 256, 2],
  [256, 256, 1],
  [256, 512, 2],
  ...Array.from({ length: 5 }, () => [512, 512, 1] as const),
  [512, 1024, 2],
  [1024, 1024, 1],
] as const;

/** `depthwise`: the layer type of the depthwise steps. */
export const mobileNet = (depthwise: string) =>
  text(
    input('data', 1, 3, 224, 224),
    [conv('conv1', 'data', 32, 3, { stride: 2, pad: 1, bias: false }), normalised('conv1'), relu('conv1')],
    SEPARABLE.flatMap(([into, out, stride], i) => {
      const [dw, sep] = [`conv${i + 2}/dw`, `conv${i + 2}`];
      return [
        conv(dw, `conv${i + 1}`, into, 3, { stride, pad: 1, group: into, bias: false, type: depthwise }),
        normalised(dw),
        relu(dw),
        conv(sep, dw, out, 1, { bias: false }),
        normalised(sep),
        relu(sep),
      ];
    }),
    [globalAverage('pool', 'conv14'), conv('fc', 'pool', 1000, 1), softmax('fc')],
  );

/** As published: unpadded, so that the way across is cropped; one channel in, two classes out. */
export const uNet = text(
  input('data', 1, 1, 572, 572),
  [1, 2, 3, 4, 5].flatMap(i => [
    convRelu(`down${i}a`, i > 1 ? `pool${i - 1}` : 'data', 32 * 2 ** i, 3),
    convRelu(`down${i}`, `down${i}a`, 32 * 2 ** i, 3),
    ...(i < 5 ? [pool(`pool${i}`, `down${i}`, 2, 2)] : []),
  ]),
  [4, 3, 2, 1].flatMap(i => [
    conv(`rise${i}`, i === 4 ? 'down5' : `up${i + 1}`, 32 * 2 ** i, 2, { stride: 2, type: 'Deconvolution' }),
    layer('Crop', `across${i}`, [`down${i}`, `rise${i}`], 'crop_param { axis: 2 offset: 4 }'),
    concat(`joined${i}`, [`across${i}`, `rise${i}`]),
    convRelu(`up${i}a`, `joined${i}`, 32 * 2 ** i, 3),
    convRelu(`up${i}`, `up${i}a`, 32 * 2 ** i, 3),
  ]),
  conv('score', 'up1', 2, 1),
);

const bnRelu = (blob: string) => `${inPlace('BN', blob)}\n${relu(blob)}`;

/** The 11 classes of CamVid, 360×480: planes that do not halve evenly say upsample_h and upsample_w. */
export const segNet = text(
  input('data', 1, 3, 360, 480),
  VGG.flatMap(([out, count], block) => [
    ...Array.from({ length: count }, (_, i) => {
      const name = `conv${block + 1}_${i + 1}`;
      const before = i > 0 ? `conv${block + 1}_${i}` : block > 0 ? `pool${block}` : 'data';
      return `${conv(name, before, out, 3, { pad: 1 })}\n${bnRelu(name)}`;
    }),
    `layer { name: "pool${block + 1}" type: "Pooling" bottom: "conv${block + 1}_${count}" top: "pool${block + 1}"
      top: "mask${block + 1}" pooling_param { kernel_size: 2 stride: 2 } }`,
  ]),
  [5, 4, 3, 2, 1].flatMap(block => {
    const [out, count] = VGG[block - 1]!;
    const next = block > 1 ? VGG[block - 2]![0] : 11;
    const size = { 5: 'upsample_h: 23 upsample_w: 30', 4: 'upsample_h: 45 upsample_w: 60' }[block] ?? 'scale: 2';
    return [
      layer(
        'Upsample',
        `up${block}`,
        [block === 5 ? 'pool5' : `back${block + 1}_1`, `mask${block}`],
        `upsample_param { ${size} }`,
      ),
      ...Array.from({ length: count }, (_, k) => {
        const i = count - k;
        const name = `back${block}_${i}`;
        const before = k > 0 ? `back${block}_${i + 1}` : `up${block}`;
        const made = conv(name, before, i === 1 ? next : out, 3, { pad: 1 });
        return block === 1 && i === 1 ? made : `${made}\n${bnRelu(name)}`;
      }),
    ];
  }),
);

const shared = (name: string) => `param { name: "${name}_w" } param { name: "${name}_b" lr_mult: 2 }`;
const half = (p: string) => [
  layer(
    'Convolution',
    `conv1${p}`,
    `data${p}`,
    `convolution_param { num_output: 20 kernel_size: 5 } ${shared('conv1')}`,
  ),
  pool(`pool1${p}`, `conv1${p}`, 2, 2),
  layer(
    'Convolution',
    `conv2${p}`,
    `pool1${p}`,
    `convolution_param { num_output: 50 kernel_size: 5 } ${shared('conv2')}`,
  ),
  pool(`pool2${p}`, `conv2${p}`, 2, 2),
  fc(`ip1${p}`, `pool2${p}`, 500, shared('ip1')),
  relu(`ip1${p}`),
  fc(`ip2${p}`, `ip1${p}`, 10, shared('ip2')),
  fc(`feat${p}`, `ip2${p}`, 2, shared('feat')),
];

/** Two LeNets with one set of weights on the two channels of a pair. */
export const siamese = text(
  [input('pair_data', 64, 2, 28, 28), input('sim', 64)],
  'layer { name: "slice" type: "Slice" bottom: "pair_data" top: "data" top: "data_p" slice_param { slice_dim: 1 slice_point: 1 } }',
  [...half(''), ...half('_p')],
  layer('ContrastiveLoss', 'loss', ['feat', 'feat_p', 'sim'], 'contrastive_loss_param { margin: 1 }'),
);

const lstm = (name: string, bottom: string) =>
  layer(
    'LSTM',
    name,
    [bottom, 'cont'],
    'recurrent_param { num_output: 128 weight_filler { type: "uniform" min: -0.1 max: 0.1 } }',
  );

/** 25 characters at a time of 32 texts, 65 different ones. */
export const charRnn = text(
  [input('text', 25, 32), input('cont', 25, 32), input('target', 25, 32)],
  layer('Embed', 'embed', 'text', 'embed_param { num_output: 128 input_dim: 65 bias_term: false }'),
  [lstm('lstm1', 'embed'), lstm('lstm2', 'lstm1')],
  layer('InnerProduct', 'score', 'lstm2', 'inner_product_param { num_output: 65 axis: 2 }'),
  layer('SoftmaxWithLoss', 'loss', ['score', 'target'], 'softmax_param { axis: 2 }'),
);

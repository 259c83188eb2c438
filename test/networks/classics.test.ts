/** Networks of the literature: they compile, with the blob shapes and parameter counts that they are known for. */

import { describe, expect, it } from 'vitest';
import type { Shape } from '../../src/ir/index.js';
import * as nets from './classics.js';
import '../../src/vitest/index.js';

const mobileShapes = {
  conv1: [1, 32, 112, 112],
  'conv6/dw': [1, 256, 28, 28],
  conv14: [1, 1024, 7, 7],
  fc: [1, 1000, 1, 1],
};
/** Learned numbers; then means, variances and one factor for each of 27 BatchNorms. */
const MOBILE = 4_231_976 + 21_888 + 27;

const table: readonly (readonly [
  name: string,
  text: string,
  params: number,
  shapes: Readonly<Record<string, Shape>>,
])[] = [
  [
    'AlexNet',
    nets.alexNet,
    60_965_224,
    {
      conv1: [10, 96, 55, 55],
      pool1: [10, 96, 27, 27],
      conv2: [10, 256, 27, 27],
      pool2: [10, 256, 13, 13],
      pool5: [10, 256, 6, 6],
      prob: [10, 1000],
    },
  ],
  [
    'CaffeNet',
    nets.caffeNet,
    60_965_224,
    { norm1: [10, 96, 27, 27], norm2: [10, 256, 13, 13], pool5: [10, 256, 6, 6], prob: [10, 1000] },
  ],
  [
    'GoogLeNet',
    nets.googLeNet,
    6_998_552,
    {
      conv1: [10, 64, 112, 112],
      pool2: [10, 192, 28, 28],
      '3a': [10, 256, 28, 28],
      '3b': [10, 480, 28, 28],
      '4e': [10, 832, 14, 14],
      '5b': [10, 1024, 7, 7],
      pool5: [10, 1024, 1, 1],
    },
  ],
  ['VGG-16', nets.vgg16, 138_357_544, { pool1: [1, 64, 112, 112], pool5: [1, 512, 7, 7], prob: [1, 1000] }],
  [
    'ResNet-50',
    nets.resNet50,
    // As learned; then conv1's bias; then means, variances and one factor for each of 53 BatchNorms.
    25_557_032 + 64 + 53_120 + 53,
    {
      conv1: [1, 64, 112, 112],
      pool1: [1, 64, 56, 56],
      res2c: [1, 256, 56, 56],
      res3d: [1, 512, 28, 28],
      res4f: [1, 1024, 14, 14],
      res5c: [1, 2048, 7, 7],
    },
  ],
  [
    'SqueezeNet 1.1',
    nets.squeezeNet,
    1_235_496,
    {
      conv1: [10, 64, 113, 113],
      pool1: [10, 64, 56, 56],
      fire5: [10, 256, 28, 28],
      fire9: [10, 512, 14, 14],
      pool10: [10, 1000, 1, 1],
    },
  ],
  ['MobileNet', nets.mobileNet('Convolution'), MOBILE, mobileShapes],
  ['MobileNet with DepthwiseConvolution', nets.mobileNet('DepthwiseConvolution'), MOBILE, mobileShapes],
  [
    'SegNet',
    nets.segNet,
    // VGG-16's filters there and back, the last of them to 11 classes; biases; scale and shift of all but the last.
    2 * 14_710_464 - 64 * 3 * 9 + 64 * 11 * 9 + (4224 + 3712 + 11) + 2 * (4224 + 3712),
    {
      pool3: [1, 256, 45, 60],
      pool4: [1, 512, 23, 30],
      pool5: [1, 512, 12, 15],
      up5: [1, 512, 23, 30],
      up4: [1, 512, 45, 60],
      up1: [1, 64, 360, 480],
      back1_1: [1, 11, 360, 480],
    },
  ],
  [
    'U-Net',
    nets.uNet,
    31_030_658,
    {
      down1: [1, 64, 568, 568],
      down5: [1, 1024, 28, 28],
      rise4: [1, 512, 56, 56],
      up4: [1, 512, 52, 52],
      joined1: [1, 128, 392, 392],
      score: [1, 2, 388, 388],
    },
  ],
  [
    'LeNet siamese',
    nets.siamese,
    431_102,
    { data_p: [64, 1, 28, 28], pool2: [64, 50, 4, 4], feat_p: [64, 2], loss: [] },
  ],
  [
    'char-RNN',
    nets.charRnn,
    65 * 128 + 2 * (512 * 128 + 512 + 512 * 128) + 65 * 128 + 65,
    { embed: [25, 32, 128], lstm2: [25, 32, 128], score: [25, 32, 65], loss: [] },
  ],
];

describe.each(table)('%s', (_, text, params, shapes) => {
  it.each(['TRAIN', 'TEST'] as const)('compiles in phase %s', phase => {
    expect(text).toCompile({ phase });
  });

  it('has its parameters', () => expect(text).toHaveParamCount(params));

  it.each(Object.entries(shapes))('blob %s', (blob, shape) => {
    expect(text).toHaveBlobShape(blob, shape);
  });
});

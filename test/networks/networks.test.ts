/** The networks that ship, in each of their stages. */

import { readFileSync } from 'node:fs';
import { expect, it, describe as suite } from 'vitest';
import { type DescribeOptions, describe } from '../../src/net/index.js';
import '../../src/vitest/index.js';

const read = (name: string) => readFileSync(new URL(`../../networks/${name}.prototxt`, import.meta.url), 'utf8');

const RGB = { data: [3, 256, 256], label: [1, 256, 256] };
const GREY = { data: [1, 256, 256], label: [1, 256, 256] };
const DIGITS_28 = { data: [1, 28, 28], label: [] };
const NETS = {
  fcn_alexnet: RGB,
  fcn_alexnet_sunnybrook: RGB,
  fcn8s: RGB,
  fcn8s_sunnybrook: RGB,
  fcn_small: GREY,
  lenet: DIGITS_28,
  lv_unet: GREY,
} as const;

/** What each learns from, and what is measured in validation alone, where it is not a loss and an accuracy. */
const LOSSES: Readonly<Record<string, readonly string[]>> = { lv_unet: ['loss', 'dice_loss'] };
const MEASURE: Readonly<Record<string, string>> = { lv_unet: 'dice' };

const train: DescribeOptions = { phase: 'TRAIN', stages: ['train'] };
const val: DescribeOptions = { phase: 'TEST', stages: ['val'] };
const deploy: DescribeOptions = { phase: 'TEST', stages: ['deploy'] };

suite.each(Object.entries(NETS))('%s', (name, entryShapes) => {
  const text = read(name);

  it('compiles for training, validation and inference, without a word of the parser', () => {
    expect(text).toCompile({ ...train, entryShapes });
    expect(text).toCompile({ ...val, entryShapes });
    expect(text).toCompile(deploy);
    const { diagnostics } = describe(text, deploy);
    expect(diagnostics).toEqual([]);
  });

  it('compiles for plain Caffe phases too', () => {
    expect(text).toCompile({ phase: 'TRAIN', entryShapes });
    expect(text).toCompile({ phase: 'TEST', entryShapes });
  });

  it('has a loss to train with, and none in inference', () => {
    const losses = (options: DescribeOptions) =>
      describe(text, options).layers.filter(l => l.lossWeights.some(w => w !== 0));
    expect(losses({ ...train, entryShapes }).map(l => l.name)).toEqual(LOSSES[name] ?? ['loss']);
    expect(losses(deploy)).toEqual([]);
  });

  it('has its measure in validation only', () => {
    const has = (options: DescribeOptions) => describe(text, options).outputs.includes(MEASURE[name] ?? 'accuracy');
    expect([has({ ...train, entryShapes }), has({ ...val, entryShapes }), has(deploy)]).toEqual([false, true, false]);
  });

  it('has the same parameters in every stage', () => {
    const count = describe(text, deploy).paramCount;
    expect(text).toHaveParamCount(count, { ...train, entryShapes });
    expect(text).toHaveParamCount(count, { ...val, entryShapes });
  });
});

suite('FCN-AlexNet', () => {
  const net = {
    text: read('fcn_alexnet'),
    phase: 'TRAIN' as const,
    inputShapes: { data: [1, 3, 256, 256], label: [1, 1, 256, 256] },
  };

  it.each([
    ['conv1', [1, 96, 112, 112]],
    ['pool1', [1, 96, 56, 56]],
    ['norm2', [1, 256, 28, 28]],
    ['pool5', [1, 256, 14, 14]],
    ['fc7', [1, 4096, 9, 9]],
    ['score_fr', [1, 21, 9, 9]],
    ['upscore', [1, 21, 319, 319]],
    ['score', [1, 21, 256, 256]],
    ['loss', []],
  ])('%s is %j', (blob, shape) => expect(net).toHaveBlobShape(blob, shape));

  it("has AlexNet's parameters", () => {
    expect(net).toHaveParamShape('conv1', 0, [96, 3, 11, 11]);
    expect(net).toHaveParamShape('conv2', 0, [256, 48, 5, 5]);
    expect(net).toHaveParamShape('conv4', 0, [384, 192, 3, 3]);
    expect(net).toHaveParamShape('fc6', 0, [4096, 256, 6, 6]);
    expect(net).toHaveParamShape('upscore', 0, [21, 1, 63, 63]);
    // conv1..fc7 as in AlexNet's fully connected form, 21 · 4097 of score_fr and 21 · 63² of upscore.
    expect(net).toHaveParamCount(
      34_944 + 307_456 + 885_120 + 663_936 + 442_624 + 37_752_832 + 16_781_312 + 86_037 + 83_349,
    );
  });

  it('takes pictures of other sizes', () => {
    const odd = { ...net, inputShapes: { data: [1, 3, 375, 500], label: [1, 1, 375, 500] } };
    expect(odd).toHaveBlobShape('score', [1, 21, 375, 500]);
  });

  it('is warned of: all its weights stay 0', () => {
    const { diagnostics } = describe(net.text, net);
    expect(diagnostics.map(d => d.code)).toEqual(['zero-weights']);
    for (const name of ['conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'fc6', 'fc7', 'score_fr']) {
      expect(diagnostics[0]!.message).toContain(name);
    }
    expect(diagnostics[0]!.message).not.toContain('upscore');
  });
});

suite('the Sunnybrook versions', () => {
  it.each(['fcn_alexnet_sunnybrook', 'fcn8s_sunnybrook'])(
    '%s has two classes, and Dice in training and validation',
    name => {
      const text = read(name);
      expect(text).toHaveBlobShape('score', [1, 2, 256, 256], deploy);
      for (const stage of [train, val]) expect(text).toHaveBlobShape('dice', [1], { ...stage, entryShapes: GREY });
      expect(text).not.toHaveBlobShape('dice', [1], deploy);
      expect(text).toHaveParamShape(
        name.startsWith('fcn8s') ? 'conv1_1' : 'conv1',
        0,
        name.startsWith('fcn8s') ? [64, 1, 3, 3] : [96, 1, 11, 11],
        {
          ...train,
          entryShapes: GREY,
        },
      );
    },
  );

  it('differ from the 21-class networks in the classes alone', () => {
    const shapes = (name: string) =>
      describe(read(name), deploy).layers.map(l => [l.name, l.type, l.topShapes.map(s => s.slice(2))]);
    expect(shapes('fcn_alexnet_sunnybrook')).toEqual(shapes('fcn_alexnet'));
    expect(shapes('fcn8s_sunnybrook')).toEqual(shapes('fcn8s'));
  });
});

suite('FCN-8s', () => {
  const net = { text: read('fcn8s'), ...deploy };

  it.each([
    ['conv1_1', [1, 64, 454, 454]],
    ['pool3', [1, 256, 57, 57]],
    ['pool4', [1, 512, 29, 29]],
    ['fc7', [1, 4096, 9, 9]],
    ['upscore2', [1, 21, 20, 20]],
    ['score_pool4c', [1, 21, 20, 20]],
    ['upscore_pool4', [1, 21, 42, 42]],
    ['score_pool3c', [1, 21, 42, 42]],
    ['upscore8', [1, 21, 344, 344]],
    ['score', [1, 21, 256, 256]],
  ])('%s is %j', (blob, shape) => expect(net).toHaveBlobShape(blob, shape));

  it("has VGG-16's parameters", () => {
    // VGG-16 without its last layer, the three score layers and the three upsamplings.
    expect(net).toHaveParamCount(138_357_544 - 4_097_000 + 21 * (4097 + 513 + 257) + 21 * (16 + 16 + 256));
  });
});

suite('LeNet', () => {
  it("is Caffe's", () => {
    const net = { text: read('lenet'), ...deploy };
    expect(net).toHaveParamShape('conv1', 0, [20, 1, 5, 5]);
    expect(net).toHaveParamShape('conv2', 0, [50, 20, 5, 5]);
    expect(net).toHaveParamShape('ip1', 0, [500, 800]);
    expect(net).toHaveParamShape('ip2', 1, [10]);
    expect(net).toHaveParamCount(431_080);
    expect(net).toHaveBlobShape('prob', [1, 10]);
  });
});

suite('the small FCN', () => {
  it('is small, filled, and keeps the size of the picture', () => {
    const text = read('fcn_small');
    const net = describe(text, deploy);
    expect(net.macs).toBeLessThan(0.15e9);
    expect(text).toHaveBlobShape('score', [1, 2, 256, 256], deploy);
    expect(text).toHaveBlobShape('score', [1, 2, 192, 320], { ...deploy, inputShapes: { data: [1, 1, 192, 320] } });
    expect(describe(text, { ...train, entryShapes: GREY }).diagnostics).toEqual([]);
  });
});

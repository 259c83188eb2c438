/** The networks that the benchmarks run, each with the shape it is trained at. */

import { readFileSync } from 'node:fs';
import type { Shape } from '../src/index.js';
import { alexNet, charRnn, resNet50, uNet } from '../test/networks/classics.js';
import { add, conv, globalAverage, input, normalised, relu, text } from '../test/networks/parts.js';

export interface BenchNetwork {
  readonly title: string;
  readonly text: string;
  readonly inputs: Readonly<Record<string, Shape>>;
  /** Runs of a kind in one process, besides those that warm up. */
  readonly runs: number;
  /** What updates the parameters. Default: SGD with momentum. */
  readonly solver?: 'SGD' | 'Adam';
  /** The blob that the table tells the size of. Default: `data`. */
  readonly shown?: string;
  /** Numbers that inputs other than pictures hold: whole ones below this; ones, but for the first of each sequence. */
  readonly filled?: Readonly<Record<string, number | 'cont'>>;
}

/**
 * The text with a filler for weights that it leaves at 0: noise, as a trained network would have. Writing through
 * `net.params` would hand the arrays out, and a training whose arrays someone holds compares them at every step.
 */
function awake(prototxt: string): string {
  return prototxt.replace(
    /\b(convolution_param|inner_product_param) \{(?![^}]*weight_filler)/g,
    block => `${block} weight_filler { type: "uniform" min: -0.01 max: 0.01 } `,
  );
}

const file = (name: string) => awake(readFileSync(new URL(`../networks/${name}.prototxt`, import.meta.url), 'utf8'));

/** The inverted residual of MobileNet-v2: out of few channels into many, a filter a channel, and back into few. */
function inverted(name: string, bottom: string, [into, out, stride, expansion]: readonly number[]): string {
  const [wide, deep, thin] = [`${name}/expand`, `${name}/dw`, `${name}/project`];
  const width = into! * expansion!;
  return text(
    expansion === 1 ? [] : [conv(wide, bottom, width, 1, { bias: false }), normalised(wide), relu(wide)],
    conv(deep, expansion === 1 ? bottom : wide, width, 3, { stride: stride!, pad: 1, group: width, bias: false }),
    [normalised(deep), relu(deep), conv(thin, deep, out!, 1, { bias: false }), normalised(thin)],
    stride === 1 && into === out ? add(name, [bottom, thin]) : [],
  );
}

/** As published (expansion, channels, repetitions, stride), but for ReLU in ReLU6's place, as ports to Caffe have it. */
function mobileNetV2(): string {
  const groups = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const;
  let [bottom, channels, count] = ['conv1', 32, 0];
  const blocks = groups.flatMap(([expansion, out, times, first]) =>
    Array.from({ length: times }, (_, i) => {
      const name = `block${++count}`;
      const stride = i === 0 ? first : 1;
      const made = inverted(name, bottom, [channels, out, stride, expansion]);
      bottom = stride === 1 && channels === out ? name : `${name}/project`;
      channels = out;
      return made;
    }),
  );
  return text(
    [input('data', 1, 3, 224, 224), conv('conv1', 'data', 32, 3, { stride: 2, pad: 1, bias: false })],
    [normalised('conv1'), relu('conv1'), ...blocks],
    [conv('conv_last', bottom, 1280, 1, { bias: false }), normalised('conv_last'), relu('conv_last')],
    [globalAverage('pool', 'conv_last'), conv('fc', 'pool', 1000, 1)],
    `layer { name: "flat" type: "Flatten" bottom: "fc" top: "flat" }`,
  );
}

const unetBn = () => readFileSync(new URL('unet_bn.prototxt', import.meta.url), 'utf8');

const segmentation = (size: number) => ({ data: [1, 3, size, size], label: [1, 1, size, size] });

/** A classic as the literature has it, which ends in scores, with a label and a loss. */
const withLoss = (text: string, scores: string, label: Shape) => `${awake(text).replace(/layer \{ name: "prob".*/, '')}
layer { name: "label" type: "Input" top: "label" input_param { shape { ${label.map(d => `dim: ${d}`).join(' ')} } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "${scores}" bottom: "label" top: "loss" }`;

export const networks: Readonly<Record<string, BenchNetwork>> = {
  lenet: { title: 'LeNet', text: file('lenet'), inputs: { data: [64, 1, 28, 28], label: [64] }, runs: 40 },
  alexnet: {
    title: 'AlexNet',
    text: withLoss(alexNet, 'fc8', [10]),
    inputs: { data: [10, 3, 227, 227], label: [10] },
    runs: 6,
  },
  fcn_alexnet: { title: 'FCN-AlexNet', text: file('fcn_alexnet_sunnybrook'), inputs: segmentation(256), runs: 7 },
  fcn8s: { title: 'FCN-8s', text: file('fcn8s_sunnybrook'), inputs: segmentation(256), runs: 3 },
  unet: {
    title: 'U-Net',
    text: withLoss(uNet, 'score', [1, 1, 68, 68]),
    inputs: { data: [1, 1, 252, 252], label: [1, 1, 68, 68] },
    runs: 3,
  },
  fcn_small: {
    title: 'FCN-small',
    text: file('fcn_small'),
    inputs: { data: [4, 1, 256, 256], label: [4, 1, 256, 256] },
    runs: 9,
  },
  unet_bn: {
    title: 'U-Net with BatchNorm',
    text: unetBn(),
    inputs: { data: [8, 1, 144, 144], label: [8, 1, 144, 144] },
    runs: 5,
    solver: 'Adam',
  },
  resnet50: {
    title: 'ResNet-50',
    text: withLoss(resNet50, 'fc1000', [8]),
    inputs: { data: [8, 3, 224, 224], label: [8] },
    runs: 3,
  },
  mobilenet_v2: {
    title: 'MobileNet-v2',
    text: withLoss(mobileNetV2(), 'flat', [8]),
    inputs: { data: [8, 3, 224, 224], label: [8] },
    runs: 3,
  },
  char_rnn: {
    title: 'char-RNN, 2 LSTMs of 128',
    text: awake(charRnn),
    inputs: { text: [25, 32], cont: [25, 32], target: [25, 32] },
    runs: 9,
    shown: 'text',
    filled: { text: 65, target: 65, cont: 'cont' },
  },
};

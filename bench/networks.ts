/** The networks that the benchmarks run, each with the shape it is trained at. */

import { readFileSync } from 'node:fs';
import type { Shape } from '../src/index.js';
import { alexNet, uNet } from '../test/networks/classics.js';

export interface BenchNetwork {
  readonly title: string;
  readonly text: string;
  readonly inputs: Readonly<Record<string, Shape>>;
  /** Runs of a kind in one process, besides those that warm up. */
  readonly runs: number;
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
  },
};

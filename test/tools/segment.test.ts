/** Segmenter: masks over whole pictures, whatever part of them is fed or computed; tiles; test-time augmentation. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/engine.js';
import { type InputPicture, Segmenter, type SegmenterOptions } from '../../src/tools/segment.js';
import { failure } from '../failure.js';

const codeOf = async (work: Promise<unknown>) => (await failure(work)).code;

const FCN_SMALL = fileURLToPath(new URL('../../networks/fcn_small.prototxt', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'mokapot-segment-'));
let files = 0;

function file(text: string): string {
  const path = join(dir, `net${files++}.prototxt`);
  writeFileSync(path, text);
  return path;
}

const input = (h: number, w: number) =>
  `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: ${h} dim: ${w} } } }`;
const conv = (name: string, bottom: string, out: number, param: string) =>
  `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: ${out} ${param} weight_filler { type: "xavier" } } }`;

/** Scores: 0 for background, pixel − 0.5 for the rest. */
const BRIGHT = `layer { name: "zero" type: "Power" bottom: "x" top: "zero" power_param { scale: 0 } }
layer { name: "bright" type: "Power" bottom: "x" top: "bright" power_param { shift: -0.5 } }
layer { name: "score" type: "Concat" bottom: "zero" bottom: "bright" top: "score" }`;

function noise(height: number, width: number, seed = 1): InputPicture {
  let state = seed;
  const data = Float32Array.from({ length: height * width }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  });
  return { name: 'noise', data, shape: [1, height, width] };
}

async function scoresOf(path: string, picture: InputPicture, options: SegmenterOptions = {}) {
  const segmenter = await Segmenter.load(path, picture, { seed: 7, engine: createHostEngine(), ...options });
  try {
    const scores = await segmenter.scores(picture);
    const { data } = await segmenter.segment(picture);
    return { scores, mask: [...data], notes: segmenter.notes.map(n => n.code) };
  } finally {
    segmenter.dispose();
  }
}

function farthest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
}

describe('tiles', () => {
  it('of FCN-small give the whole picture’s probabilities', async () => {
    const picture = { ...noise(512, 384), data: noise(512, 384).data.map(v => 255 * v) };
    const whole = await scoresOf(FCN_SMALL, picture, { engine: undefined });
    const tiled = await scoresOf(FCN_SMALL, picture, { engine: undefined, tile: [320, 300] });
    expect(farthest(tiled.scores.data, whole.scores.data)).toBeLessThan(1e-5);
    expect(tiled.notes).toEqual([]);
  }, 60_000);

  const CROPPED = [
    input(96, 96),
    conv('a', 'data', 4, 'kernel_size: 5 stride: 2 pad: 20'),
    'layer { name: "p" type: "Pooling" bottom: "a" top: "p" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }',
    conv('b', 'p', 2, 'kernel_size: 3 pad: 1'),
    conv('u', 'b', 2, 'kernel_size: 8 stride: 4').replace('"Convolution"', '"Deconvolution"'),
    'layer { name: "score" type: "Crop" bottom: "u" bottom: "data" top: "score" crop_param { axis: 2 offset: 19 } }',
  ].join('\n');

  it.each([
    ['of another size than the picture’s multiples', [50, 41]],
    ['that leave one row', [95, 92]],
    ['as large as the picture', [97, 120]],
  ] as const)('with a Crop of a padded picture, %s', async (_, tile) => {
    const path = file(CROPPED);
    const whole = await scoresOf(path, noise(96, 120));
    expect(farthest((await scoresOf(path, noise(96, 120), { tile })).scores.data, whole.scores.data)).toBeLessThan(
      1e-5,
    );
  });

  it('where a layer sees the whole picture it is told, and is not the same', async () => {
    const mvn = 'layer { name: "n" type: "MVN" bottom: "data" top: "n" }';
    const path = file([input(64, 64), mvn, conv('score', 'n', 2, 'kernel_size: 3 pad: 1')].join('\n'));
    const picture = noise(64, 64);
    picture.data.fill(3, 0, 1000);
    const whole = await scoresOf(path, picture);
    const tiled = await scoresOf(path, picture, { tile: [32, 32] });
    expect(tiled.notes).toEqual(['tiles-inexact']);
    expect(farthest(tiled.scores.data, whole.scores.data)).toBeGreaterThan(1e-3);
  });

  it('are refused where places get lost, and where they are too small to get on', async () => {
    const lost = [
      input(16, 16),
      'layer { name: "f" type: "InnerProduct" bottom: "data" top: "f" inner_product_param { num_output: 512 weight_filler { type: "xavier" } } }',
      'layer { name: "score" type: "Reshape" bottom: "f" top: "score" reshape_param { shape { dim: 1 dim: 2 dim: 16 dim: 16 } } }',
    ].join('\n');
    expect(await codeOf(scoresOf(file(lost), noise(16, 16), { tile: [8, 8] }))).toBe('tile-network');
    expect(await codeOf(scoresOf(file(CROPPED), noise(96, 96), { tile: [12, 12] }))).toBe('tile-small');
  });

  it('are taken of themselves where the memory does not suffice', async () => {
    const deep = [
      input(32, 32),
      conv('a', 'data', 16, 'kernel_size: 3 pad: 1'),
      conv('score', 'a', 2, 'kernel_size: 3 pad: 1'),
    ];
    const path = file(deep.join('\n'));
    const picture = noise(256, 256);
    const whole = await scoresOf(path, picture);
    const tiled = await scoresOf(path, picture, { engine: createHostEngine(2 ** 21) });
    expect(tiled.notes).toEqual(['tiles-memory']);
    expect(farthest(tiled.scores.data, whole.scores.data)).toBeLessThan(1e-5);
    const none = scoresOf(path, picture, { engine: createHostEngine(2 ** 12) });
    expect(await codeOf(none)).toBe('out-of-memory');
  });
});

describe('a part of the picture', () => {
  it('that convolutions without padding leave lies where they saw it; around it is background', async () => {
    const middle =
      'convolution_param { num_output: 1 kernel_size: 5 bias_term: false weight_filler { type: "constant" value: 0.04 } }';
    const path = file(`${input(12, 12)}
layer { name: "x" type: "Convolution" bottom: "data" top: "x" ${middle} }
${BRIGHT}`);
    const picture = noise(12, 14);
    const { mask } = await scoresOf(path, picture);
    const known = Array.from({ length: 12 * 14 }, (_, i) => {
      const [y, x] = [Math.floor(i / 14), i % 14];
      if (y < 2 || x < 2 || y > 9 || x > 11) return 0;
      let sum = 0;
      for (let v = -2; v <= 2; v++) for (let u = -2; u <= 2; u++) sum += picture.data[(y + v) * 14 + x + u]!;
      return Number(0.04 * sum > 0.5);
    });
    expect(mask).toEqual(known);
    expect(mask).toContain(1);
  });

  it.each([
    ['asked for', '', { crop: [8, 6] as const }],
    [
      'that the TEST data layer cuts out',
      'layer { name: "l" type: "Data" top: "data" include { phase: TEST } data_param { source: "x" batch_size: 1 } transform_param { crop_size: 8 } }',
      {},
    ],
    [
      'that augment_param cuts out in TEST',
      'layer { name: "l" type: "Data" top: "data" include { phase: TEST } data_param { source: "x" batch_size: 1 } augment_param { crop_size: 8 } }',
      {},
    ],
  ])('%s is fed from the middle and put back there', async (_, layer, options) => {
    const data = layer || input(4, 4);
    const identity = 'layer { name: "x" type: "Power" bottom: "data" top: "x" }';
    const { mask } = await scoresOf(file(`${data}\n${identity}\n${BRIGHT}`), noise(13, 16), options);
    const { data: pixels } = noise(13, 16);
    const columns = layer ? [4, 12] : [5, 11];
    const known = Array.from({ length: 13 * 16 }, (__, i) => {
      const [y, x] = [Math.floor(i / 16), i % 16];
      return Number(y >= 2 && y < 10 && x >= columns[0]! && x < columns[1]! && pixels[i]! > 0.5);
    });
    expect(mask).toEqual(known);
  });

  const data = (name: string, rules: string, more: string) =>
    `layer { name: "${name}" type: "Data" top: "data" ${rules} data_param { source: "x" batch_size: 1 } ${more} }`;
  const crop = 'augment_param { crop_size: 8 }';

  it.each([
    [
      'phases',
      data('t', 'include { phase: TRAIN }', crop),
      data('v', 'include { phase: TEST not_stage: "deploy" }', ''),
    ],
    ['stages', data('t', 'include { stage: "train" }', crop), data('v', 'include { stage: "val" }', '')],
    [
      'exclude',
      data('t', 'exclude { phase: TEST }', crop),
      data('v', 'exclude { phase: TRAIN } exclude { stage: "deploy" }', ''),
    ],
    ['only TRAIN', data('t', 'include { phase: TRAIN }', crop), ''],
  ])('that the layer for training cuts out is not what TEST is fed: %s', async (_, train, test) => {
    const deploy = input(4, 4).replace(' top', ' include { stage: "deploy" } top');
    const path = (layers: string) => file(`${layers}\n${BRIGHT.replaceAll('"x"', '"data"')}`);
    const { data: pixels } = noise(13, 16);
    const { mask } = await scoresOf(path(`${train}\n${test}\n${deploy}`), noise(13, 16));
    expect(mask).toEqual([...pixels].map(v => Number(v > 0.5)));
  });

  it.each([
    ['phase and stage', 'include { phase: TEST not_stage: "deploy" }'],
    ['a stage', 'include { stage: "val" }'],
    ['a stage of its own', 'include { phase: TEST stage: "held-back" }'],
  ])('that the layer for TEST cuts out is found by %s', async (_, rules) => {
    const deploy = input(4, 4).replace(' top', ' include { stage: "deploy" } top');
    const other = 'augment_param { crop_size: 4 }';
    const inPlace = 'layer { name: "shift" type: "Power" bottom: "data" top: "data" }';
    const train = data('t', rules.includes('phase') ? 'include { phase: TRAIN }' : 'include { stage: "train" }', other);
    const layers = [train, data('v', rules, crop), deploy, inPlace].join('\n');
    const path = file(`${layers}\n${BRIGHT.replaceAll('"x"', '"data"')}`);
    const segmenter = await Segmenter.load(path, noise(13, 16), { engine: createHostEngine() });
    expect(segmenter.crop).toEqual([8, 8]);
    segmenter.dispose();
  });

  it('larger than the picture cannot be cut out', async () => {
    const path = file(`${input(4, 4)}\n${BRIGHT.replaceAll('"x"', '"data"')}`);
    expect(await codeOf(scoresOf(path, noise(6, 6), { crop: [8, 4] }))).toBe('picture-small');
  });

  it('scores that are fewer than the pixels are refused', async () => {
    const path = file([input(8, 8), conv('score', 'data', 2, 'kernel_size: 2 stride: 2')].join('\n'));
    expect(await codeOf(scoresOf(path, noise(8, 8)))).toBe('scores-size');
  });
});

describe('outputs that tell classes apart', () => {
  const pixels = noise(6, 7);
  const bright = [...pixels.data].map(v => Number(v > 0.5));

  it('one channel behind a Sigmoid is the probability of class 1', async () => {
    const path = file(`${input(6, 7)}
layer { name: "x" type: "Power" bottom: "data" top: "x" power_param { shift: -0.5 } }
layer { name: "p" type: "Sigmoid" bottom: "x" top: "p" }`);
    const { mask, scores } = await scoresOf(path, pixels);
    expect(scores.classes).toBe(2);
    expect(mask).toEqual(bright);
  });

  it('one channel of an ArgMax is the class itself', async () => {
    const path = file(`${input(6, 7)}
${BRIGHT.replaceAll('"x"', '"data"')}
layer { name: "class" type: "ArgMax" bottom: "score" top: "class" argmax_param { axis: 1 } }`);
    expect((await scoresOf(path, pixels)).mask).toEqual(bright);
  });
});

describe('test-time augmentation', () => {
  it('changes nothing where the network treats all pixels alike', async () => {
    const path = file(`${input(9, 9)}\n${BRIGHT.replaceAll('"x"', '"data"')}`);
    const plain = await scoresOf(path, noise(9, 9));
    for (const tta of ['flips', 'flips+rot90'] as const) {
      expect((await scoresOf(path, noise(9, 9), { tta })).mask).toEqual(plain.mask);
    }
  });

  it('averages probabilities over the flips, each laid back', async () => {
    const softmax = 'layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }';
    const path = file([input(6, 8), conv('score', 'data', 2, 'kernel_size: 3 pad: 1'), softmax].join('\n'));
    const picture = noise(6, 8);
    const [h, w] = [6, 8];
    const sum = new Float64Array(2 * h * w);
    for (const [fy, fx] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      const at = (c: number, y: number, x: number) => (c * h + (fy ? h - 1 - y : y)) * w + (fx ? w - 1 - x : x);
      const flipped = Float32Array.from(picture.data, (_, i) => picture.data[at(0, Math.floor(i / w), i % w)]!);
      const { scores } = await scoresOf(path, { ...picture, data: flipped });
      for (let i = 0; i < sum.length; i++)
        sum[i]! += scores.data[at(Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w)]! / 4;
    }
    const { scores } = await scoresOf(path, picture, { tta: 'flips' });
    expect(farthest(scores.data, Float32Array.from(sum))).toBeLessThan(1e-6);
    // The same of scores that no Softmax has made probabilities.
    const raw = file([input(6, 8), conv('score', 'data', 2, 'kernel_size: 3 pad: 1')].join('\n'));
    expect(farthest((await scoresOf(raw, picture, { tta: 'flips' })).scores.data, scores.data)).toBeLessThan(1e-6);
  });

  it('quarter turns want a square', async () => {
    const path = file(`${input(6, 8)}\n${BRIGHT.replaceAll('"x"', '"data"')}`);
    expect(await codeOf(scoresOf(path, noise(6, 8), { tta: 'flips+rot90' }))).toBe('tta-square');
    expect((await scoresOf(path, noise(6, 8), { tta: 'flips+rot90', crop: [6, 6] })).mask).toHaveLength(48);
  });
});

/** augment_param in data layers of every kind: shapes, alignment, TEST, what is refused, and nets compiled for it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  augment,
  createLmdb,
  createPhantom,
  encodeDatum,
  encodePng,
  openDataset,
  parseAugment,
  recipeOf,
} from '../../src/data/index.js';
import { openFeed } from '../../src/feeds/node/data_feeds.js';
import type { DataFeed } from '../../src/feeds/source.js';
import { describe as describeNet, selectLayers } from '../../src/net/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { parseNet } from '../../src/schema/index.js';
import { temporaryFolder } from '../data/temporary.js';
import { failure } from '../failure.js';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const SIDE = 24;
/** A disc whose place hangs on the entry: bright in the picture, class 1 in the label. */
const inDisc = (entry: number, i: number) =>
  Math.hypot(Math.floor(i / SIDE) - 8 - entry, (i % SIDE) - 13 + entry) < 5 ? 1 : 0;

beforeAll(async () => {
  const [features, labels] = [await createLmdb(at('features')), await createLmdb(at('labels'))];
  const lines = [];
  for (let e = 0; e < 5; e++) {
    const mask = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => inDisc(e, i));
    const shape = { channels: 1, height: SIDE, width: SIDE };
    await features.put(`0${e}`, encodeDatum({ ...shape, data: mask.map(v => 20 + 200 * v) }, e));
    await labels.put(`0${e}`, encodeDatum({ ...shape, data: mask }, 0));
    writeFileSync(at(`${e}.png`), encodePng({ ...shape, channels: 1, data: mask.map(v => 20 + 200 * v) }));
    writeFileSync(at(`${e}_mask.png`), encodePng({ ...shape, channels: 1, data: mask }));
    lines.push(e);
  }
  await Promise.all([features.close(), labels.close()]);
  writeFileSync(at('pictures.txt'), lines.map(e => `${e}.png ${e}`).join('\n'));
  writeFileSync(at('masks.txt'), lines.map(e => `${e}_mask.png 0`).join('\n'));
  await createPhantom({ count: 12, size: 40, channels: 'L', val: 40, out: at('set'), seed: 3 });
});

const RECIPE = 'rotation: 180 scale: 0.2 shift: 0.1 flip_horizontal: 0.5 elastic: 0.02 crop_size: 20';
type Fed = Record<string, { data: Float32Array; shape: readonly number[] }>;
const fedOf = async (feed: DataFeed) => (await feed.next()).feeds as Fed;

async function open(text: string, more: object = {}, phase: 'TRAIN' | 'TEST' = 'TRAIN', stages: string[] = []) {
  const feed = (await openFeed(selectLayers(parseNet(text).message, { phase, stages }), {
    dir: folder,
    seed: 4,
    shuffle: true,
    ...more,
  }))!;
  onTestFinished(() => feed.close());
  return feed;
}

/** How far the bright disc of each picture lies from the mask's, in pixels; discs that are cut by the edge are left out. */
function misplaced(data: Float32Array, label: Float32Array, side: number): number[] {
  const middle = (of: Float32Array, weight: (v: number) => number) => {
    let [sum, y, x] = [0, 0, 0];
    of.forEach((v, i) => {
      const w = weight(v);
      sum += w;
      y += w * Math.floor(i / side);
      x += w * (i % side);
    });
    return { sum, y: y / sum, x: x / sum };
  };
  const size = side * side;
  return Array.from({ length: data.length / size }, (_, e) => {
    const picture = middle(data.subarray(e * size, (e + 1) * size), v => (v > 120 ? 1 : 0));
    const mask = middle(label.subarray(e * size, (e + 1) * size), v => v);
    expect(mask.sum).toBeGreaterThan(10);
    return Math.hypot(picture.y - mask.y, picture.x - mask.x);
  });
}

const pair = (labels: string, recipe = RECIPE) => `
  layer { name: "pictures" type: "Data" top: "data" data_param { source: "features" batch_size: 5 } augment_param { ${recipe} } }
  layer { name: "masks" type: "Data" top: "label" data_param { source: "labels" batch_size: 5 } ${labels} }
  layer { name: "score" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 2 kernel_size: 1 } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }`;

describe('Data with sources of their own', () => {
  const text = pair('augment_param { labels_of: "pictures" }');

  it('moves pictures and labels alike, anew each epoch, and the net is compiled for the crop', async () => {
    const feed = await open(text);
    expect(feed.entryShapes).toEqual({ data: [1, SIDE, SIDE], label: [1, SIDE, SIDE] });
    const epochs: string[] = [];
    for (let epoch = 0; epoch < 3; epoch++) {
      const { data, label } = await fedOf(feed);
      expect([data!.shape, label!.shape]).toEqual([
        [5, 1, 20, 20],
        [5, 1, 20, 20],
      ]);
      for (const off of misplaced(data!.data, label!.data, 20)) expect(off).toBeLessThan(0.6);
      expect(new Set(label!.data)).toEqual(new Set([0, 1]));
      epochs.push(data!.data.join());
    }
    expect(new Set(epochs).size).toBe(3);
    const net = describeNet(text, { phase: 'TRAIN', entryShapes: feed.entryShapes });
    expect(net.diagnostics.filter(d => d.severity === 'error')).toEqual([]);
    expect(net.blobs.get('label')!.shape).toEqual([5, 1, 20, 20]);
    expect(net.blobs.get('score')!.shape).toEqual([5, 2, 20, 20]);
  });

  it('in TEST is the middle of each, and nothing else', async () => {
    const feed = await open(text, {}, 'TEST');
    const { data, label } = await fedOf(feed);
    for (let e = 0; e < 5; e++) {
      for (let i = 0; i < 400; i++) {
        const source = (Math.floor(i / 20) + 2) * SIDE + (i % 20) + 2;
        expect(label!.data[400 * e + i]).toBe(inDisc(e, source));
        expect(data!.data[400 * e + i]).toBe(20 + 200 * inDisc(e, source));
      }
    }
    expect((await fedOf(feed))['data']!.data).toEqual(data!.data);
  });

  it('a label picture that does not move is an error of check; one of nothing is one of the run too', async () => {
    const shapes = { data: [1, SIDE, SIDE], label: [1, SIDE, SIDE] };
    const codes = (given: string) =>
      describeNet(given, { phase: 'TRAIN', entryShapes: shapes }).diagnostics.flatMap(d =>
        d.code.startsWith('augment') ? `${d.code} ${d.severity} ${d.layer}` : [],
      );
    expect(codes(text)).toEqual([]);
    expect(codes(pair('', 'rotation: 20'))).toEqual(['augment-labels error masks']);
    const named = pair('augment_param { labels_of: "nobody" }', 'rotation: 20');
    expect(codes(named)).toEqual(['augment-labels error masks']);
    expect(await failure(open(named))).toMatchObject({ code: 'augment-labels', location: expect.anything() });
  });

  it('changes a classified picture, and leaves its class', async () => {
    const one = `layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "features" batch_size: 5 }
      augment_param { rotation: 90 noise: 0.1 crop_size: 16 crop_size: 12 } transform_param { mean_value: 100 scale: 0.01 } }`;
    const feed = await open(one);
    const { data, label } = await fedOf(feed);
    expect(data!.shape).toEqual([5, 1, 16, 12]);
    expect([...label!.data]).toEqual([0, 1, 2, 3, 4]);
    // Augmented first, then mean and scale as ever.
    expect(Math.max(...data!.data.map(Math.abs))).toBeLessThan(2);
    const net = await Net.fromText(one, { phase: 'TRAIN', entryShapes: feed.entryShapes, backend: 'host' });
    expect(net.blobs.get('data')!.shape).toEqual([5, 1, 16, 12]);
    net.dispose();
  });
});

it('ImageData: pictures by one list, label pictures by another, shuffled alike', async () => {
  const layer = (name: string, top: string, list: string, augmentParam: string) =>
    `layer { name: "${name}" type: "ImageData" top: "${top}" top: "${name}_class" augment_param { ${augmentParam} }
      image_data_param { source: "${list}" batch_size: 5 is_color: false shuffle: true } }`;
  const feed = await open(
    layer('a', 'data', 'pictures.txt', RECIPE) + layer('b', 'label', 'masks.txt', 'labels_of: "a"'),
  );
  for (let i = 0; i < 2; i++) {
    const { data, label, a_class: classes } = await fedOf(feed);
    expect([...classes!.data].sort()).toEqual([0, 1, 2, 3, 4]);
    for (const off of misplaced(data!.data, label!.data, 20)) expect(off).toBeLessThan(0.6);
  }
});

describe('the data set in use', () => {
  const layers = (recipe: string) =>
    ['data', 'label']
      .map(
        top =>
          `layer { name: "${top}" type: "Data" top: "${top}" data_param { batch_size: 3 }
            ${top === 'data' ? `augment_param { ${recipe} }` : ''} }`,
      )
      .join('\n');

  it('is changed by what the pictures’ layer says: each entry by seed, epoch and position', async () => {
    const dataset = await openDataset(at('set'));
    onTestFinished(() => dataset.close());
    const split = await dataset.split('train');
    const text = `${RECIPE} gamma: 0.3 noise: 0.1`;
    const feed = await open(layers(text), { split });
    const recipe = recipeOf(parseAugment(text));
    const size = split.size;
    const seen: number[] = [];
    for (let left = 2 * size; left > 0; left -= 3) {
      const { feeds, names } = await feed.next();
      const { data, label } = feeds as Fed;
      for (const [i, name] of names!['data']!.entries()) {
        const position = split.indexOf(name)!;
        const epoch = Math.floor(seen.length / size);
        seen.push(position);
        const key = { seed: 4, epoch, entry: position, turn: 0 };
        const wanted = augment({ entry: await split.entry(position), key }, recipe);
        expect(data!.data.slice(400 * i, 400 * (i + 1))).toEqual(wanted.data);
        expect(label!.data.slice(400 * i, 400 * (i + 1))).toEqual(wanted.label);
      }
    }
    const net = describeNet(layers(text), { phase: 'TRAIN', entryShapes: feed.entryShapes });
    expect([...net.blobs.values()].map(b => b.shape)).toEqual([
      [3, 1, 20, 20],
      [3, 1, 20, 20],
    ]);
  });
});

describe('what makes no sense', () => {
  const shapes = { data: [1, SIDE, SIDE], label: [1, SIDE, SIDE] };
  const single = (augmentParam: string, more = '') =>
    `layer { name: "d" type: "Data" top: "data" data_param { source: "features" batch_size: 1 } ${more}
      augment_param { ${augmentParam} } }
     layer { name: "r" type: "ReLU" bottom: "data" top: "r" }`;

  it.each([
    ['rotation: 400', 'augment-range', '180'],
    ['rotation: -5', 'augment-range', '0'],
    ['rotation: nan', 'augment-range', '180'],
    ['flip_horizontal: 1.5', 'augment-range', '1'],
    ['gamma_probability: 2', 'augment-range', '1'],
    ['scale: 1', 'augment-range', '0.95'],
    ['elastic: 0.2', 'augment-range', '0.125'],
    ['elastic: 0.05 elastic_grid: 20', 'augment-range', '0.025'],
    ['elastic_grid: 0', 'augment-range', '64'],
    ['crop_size: [1, 2, 3]', 'augment-range', 'height and width'],
    ['crop_size: 0', 'augment-range', 'one side'],
  ])('%s', async (given, code, hint) => {
    const { diagnostics } = describeNet(single(given), { phase: 'TRAIN', entryShapes: shapes });
    const told = diagnostics.find(d => d.code === code)!;
    expect(told).toMatchObject({ severity: 'error', layer: 'd', location: { range: { start: { line: 2 } } } });
    expect(told.hint).toContain(hint);
    expect(await failure(open(single(given)))).toMatchObject({ code });
  });

  it('a crop larger than the pictures, by check and by the run', async () => {
    const { diagnostics } = describeNet(single('crop_size: 25'), { phase: 'TRAIN', entryShapes: shapes });
    expect(diagnostics.map(d => d.code)).toContain('crop-too-big');
    const feed = await open(single('crop_size: 25'));
    expect(await failure(feed.next())).toMatchObject({
      code: 'augment-crop',
      message: expect.stringContaining('24 × 24'),
    });
  });

  it('two crops', () => {
    const both = single('crop_size: 20', 'transform_param { crop_size: 20 }');
    expect(describeNet(both, { phase: 'TRAIN', entryShapes: shapes }).diagnostics).toContainEqual(
      expect.objectContaining({ code: 'two-crops', severity: 'error' }),
    );
  });

  it('a layer that reads no pictures', () => {
    const relu = `layer { name: "i" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 } } }
      layer { name: "r" type: "ReLU" bottom: "data" top: "r" augment_param { rotation: 20 } }`;
    const told = describeNet(relu, { phase: 'TRAIN' }).diagnostics.find(d => d.code === 'no-effect')!;
    expect(told).toMatchObject({
      layer: 'r',
      hint: expect.stringContaining('Data, ImageData'),
      location: expect.anything(),
    });
  });
});

/** Training on augmented pictures: the same run for the same seed, resumed or not, by the network's words or the run's. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPhantom, encodePng } from '../../src/data/index.js';
import type { MokapotError } from '../../src/diagnostics/index.js';
import { feedOfArrays } from '../../src/feeds/arrays.js';
import { selectLayers } from '../../src/net/index.js';
import { parseNet } from '../../src/schema/index.js';
import type { TrainEvent } from '../../src/train/events.js';
import { withAugment } from '../../src/train/node/augmented.js';
import { type TrainOptions, train } from '../../src/train/node/index.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';
import { failure } from '../failure.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const RECIPE = 'rotation: 180 flip_vertical: 0.5 scale: 0.2 elastic: 0.02 gamma: 0.3 noise: 0.1 crop_size: 32';

const layers = (augment: string) =>
  ['data', 'label']
    .map(
      top => `layer { name: "${top}" type: "Data" top: "${top}" data_param { batch_size: 2 }
        ${top === 'data' ? augment : ''} }`,
    )
    .join('\n');
const net = (augment = '') => `name: "tiny" ${layers(augment)}
layer { name: "scale" type: "Power" bottom: "data" top: "x" power_param { scale: 0.0078125 shift: -1 } }
layer { name: "score" type: "Convolution" bottom: "x" top: "score" convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy" include { phase: TEST } }
`;
const base: TrainOptions = {
  net: at('net.prototxt'),
  dataset: at('set'),
  epochs: 3,
  lr: 0.05,
  seed: 5,
  backend: 'host',
};

beforeAll(async () => {
  await createPhantom({ count: 14, size: 48, channels: 'L', val: 40, out: at('set'), seed: 3 });
  writeFileSync(at('net.prototxt'), net());
  writeFileSync(at('own.prototxt'), net(`augment_param { ${RECIPE} }`));
});

async function run(options: TrainOptions, onEvent: (event: TrainEvent) => void = () => {}): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train(options)) {
    events.push(event);
    onEvent(event);
  }
  return events;
}

const lossesOf = (events: readonly TrainEvent[]) => events.flatMap(e => (e.type === 'iteration' ? [e.loss] : []));
const testsOf = (events: readonly TrainEvent[]) => events.flatMap(e => (e.type === 'test' ? [e.loss] : []));
const rejectedRun = async (options: TrainOptions) => failure(run(options));

describe('a run on augmented pictures', () => {
  it('is the same by the network and by the option, the same again, and another for another seed', async () => {
    const own = lossesOf(await run({ ...base, net: at('own.prototxt') }));
    expect(lossesOf(await run({ ...base, augment: RECIPE }))).toEqual(own);
    expect(lossesOf(await run({ ...base, augment: `augment_param { ${RECIPE} }` }))).toEqual(own);
    expect(lossesOf(await run({ ...base, net: at('own.prototxt'), seed: 6 }))).not.toEqual(own);
    expect(lossesOf(await run(base))).not.toEqual(own);
    // What a run says replaces what the network says.
    const plain = lossesOf(await run({ ...base, augment: 'rotation: 0' }));
    expect(lossesOf(await run({ ...base, net: at('own.prototxt'), augment: 'rotation: 0' }))).toEqual(plain);
    expect(plain).toEqual(lossesOf(await run(base)));
  });

  it('tests on what is not augmented: with weights that stay, only the crop changes a figure', async () => {
    const still = { ...base, lr: 0, epochs: 1 };
    const without = testsOf(await run({ ...still, augment: 'crop_size: 32' }));
    const augmented = testsOf(await run({ ...still, augment: RECIPE }));
    expect(augmented).toEqual(without);
    expect(new Set(augmented).size).toBe(1);
    expect(testsOf(await run({ ...still, augment: RECIPE.replace('crop_size: 32', '') }))).toEqual(
      testsOf(await run(still)),
    );
    expect(augmented).not.toEqual(testsOf(await run(still)));
  });

  it('goes on after it was broken off to the very weights of the unbroken one', async () => {
    await run({ ...base, augment: RECIPE, runDir: at('whole') });
    const stop = new AbortController();
    await run({ ...base, augment: RECIPE, runDir: at('broken'), signal: stop.signal }, event => {
      if (event.type === 'iteration' && event.iter === 6) stop.abort();
    });
    const events = await run({ resume: at('broken') });
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'done' });
    const file = 'snapshot_iter_12.caffemodel';
    const name = events
      .flatMap(e => (e.type === 'snapshot' ? [e.weights] : []))
      .at(-1)!
      .split('/')
      .at(-1)!;
    expect(readFileSync(at('broken', name)).equals(readFileSync(at('whole', name))), file).toBe(true);
    for (const dir of ['whole', 'broken']) rmSync(at(dir), { recursive: true });
  });

  it('ends with a diagnostic where a picture cannot be cut, and by the time it does its threads have ended', async () => {
    expect(await rejectedRun({ ...base, augment: 'crop_size: 64 rotation: 3' })).toMatchObject({
      code: 'crop-too-big',
    });
  });

  it('is refused where the recipe is wrong, or no layer reads pictures', async () => {
    expect(await rejectedRun({ ...base, augment: 'rotation: 999' })).toMatchObject({ code: 'augment-range' });
    expect(await rejectedRun({ ...base, augment: 'labels_of: "data"' })).toMatchObject({ code: 'augment-labels' });
    const input = `layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 1 dim: 2 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1 } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "ip" top: "loss" }`;
    const solverText = `net_param { ${input} } base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot_after_train: false`;
    expect(await rejectedRun({ solverText, backend: 'host', augment: 'rotation: 3' })).toMatchObject({
      code: 'augment-no-pictures',
    });
  });
});

describe('which layers --augment changes', () => {
  const source = (top: string, more = '') =>
    `layer { name: "${top}" type: "Data" top: "${top}" data_param { source: "${top}" batch_size: 2 } ${more} }`;
  const learned = `layer { name: "half" type: "Power" bottom: "mask" top: "half" power_param { scale: 0.5 } }
    layer { name: "score" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 2 kernel_size: 1 } }`;
  const soft = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "half" top: "loss" }';
  const augmented = (text: string, phase: 'TRAIN' | 'TEST' = 'TRAIN') =>
    Object.fromEntries(
      withAugment(selectLayers(parseNet(text).message, { phase }), 'noise: 0.1 rotation: 20').layers.flatMap(l =>
        l.type === 'Data' ? [[l.name, l.augment_param]] : [],
      ),
    );

  it.each([
    ['class numbers, whatever their name', soft],
    ['what a loss compares', 'layer { name: "loss" type: "EuclideanLoss" bottom: "score" bottom: "mask" top: "loss" }'],
    [
      'also where it comes first',
      'layer { name: "loss" type: "EuclideanLoss" bottom: "mask" bottom: "score" top: "loss" }',
    ],
  ])('labels are told by their use: %s', (_, loss) => {
    for (const readers of [source('data') + source('mask'), source('mask') + source('data')]) {
      const { data, mask } = augmented(readers + learned + loss);
      expect(data).toMatchObject({ labels_of: '', rotation: 20 });
      expect(mask).toMatchObject({ labels_of: 'data' });
    }
  });

  it('what is both, or neither, is refused, and the layer’s own word tells', () => {
    const both =
      'layer { name: "more" type: "Convolution" bottom: "mask" top: "more" convolution_param { num_output: 1 kernel_size: 1 } }';
    const thrown = (text: string) => {
      try {
        return augmented(text);
      } catch (cause) {
        return (cause as MokapotError).diagnostics[0];
      }
    };
    const net = (more = '', data = '') => source('data', data) + source('mask', more) + learned + both + soft;
    expect(thrown(net())).toMatchObject({ code: 'augment-labels', layer: 'mask' });
    expect(thrown(source('data') + source('mask') + learned)).toMatchObject({ code: 'augment-labels', layer: 'mask' });
    const said = augmented(net('augment_param { labels_of: "data" }'));
    expect(said).toMatchObject({ data: { labels_of: '' }, mask: { labels_of: 'data' } });
    // Two kinds of pictures: whose labels?
    const two = source('data') + source('other') + source('mask');
    const mixed =
      'layer { name: "o" type: "Convolution" bottom: "other" top: "o" convolution_param { num_output: 2 kernel_size: 1 } }';
    expect(thrown(two + learned + mixed + soft)).toMatchObject({ code: 'augment-labels', layer: 'mask' });
  });

  it('a test net may have no pictures', () => {
    const none = 'layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 1 } } }';
    expect(augmented(none, 'TEST')).toEqual({});
    expect(() => augmented(none)).toThrow('no data layer whose pictures can be augmented');
  });
});

describe('what goes by the data set in use', () => {
  it('is refused where the training data are others', async () => {
    const list = at('list.txt');
    mkdirSync(at('pictures'), { recursive: true });
    writeFileSync(at('pictures', 'a.png'), encodePng({ width: 8, height: 8, channels: 1, data: new Uint8Array(64) }));
    writeFileSync(list, `${at('pictures', 'a.png')} 1\n`);
    const text = `layer { name: "data" type: "ImageData" top: "data" top: "label" image_data_param { source: "${list}" batch_size: 1 is_color: false } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
    const solverText = `net_param { ${text} } base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot_after_train: false`;
    const other = { solverText, dataset: at('set'), backend: 'host' } as const;
    expect(await rejectedRun({ ...other, oversample: ['1=2'] })).toMatchObject({ code: 'oversample' });
    expect(await rejectedRun({ ...other, classWeights: 'auto' })).toMatchObject({ code: 'class-weights' });
    expect((await run({ ...other, classWeights: '1,2' })).at(-1)).toMatchObject({ reason: 'done' });
    const fed = feedOfArrays(
      { data: { data: new Float32Array(64), shape: [1, 8, 8] }, label: { data: [1], shape: [] } },
      { batchSize: 1 },
    );
    expect(await rejectedRun({ ...other, data: fed, augment: 'rotation: 9' })).toMatchObject({
      code: 'augment-no-pictures',
    });
    expect(await rejectedRun({ ...other, data: fed, oversample: ['1=2'] })).toMatchObject({ code: 'oversample' });
  });
});

describe('mokapot train --augment', () => {
  const args = ['train', '--net', at('net.prototxt'), '--dataset', at('set'), '--epochs', '1', '--seed', '5'];
  const more = ['--backend', 'host', '--lr', '0.05', '--json'];
  const losses = (out: string) =>
    out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
      .flatMap(e => (e.type === 'iteration' ? [e.loss] : []));

  it('takes fields, a file of them, and a recipe by its name with more fields behind it', async () => {
    const of = async (recipe: string) => {
      const ran = await mokapot([...args, ...more, '--augment', recipe, '--out', at('by-cli')]);
      rmSync(at('by-cli'), { recursive: true, force: true });
      expect(ran).toMatchObject({ code: 0, err: '' });
      return losses(ran.out);
    };
    writeFileSync(at('recipe.prototxt'), `# for hearts\naugment_param {\n  ${RECIPE}\n}\n`);
    const inline = await of(RECIPE);
    expect(await of(at('recipe.prototxt'))).toEqual(inline);
    expect(await of('cardiac crop_size: 32')).not.toEqual(inline);
  });

  it('says what it cannot use, with its place', async () => {
    const of = (recipe: string) => mokapot([...args, ...more, '--augment', recipe, '--out', at('none')]);
    expect(await of('cardac')).toMatchObject({ code: 1, err: expect.stringContaining('Did you mean "cardiac"?') });
    expect((await of('rotatoin: 20')).err).toContain('rotation');
    expect((await of('rotation: 200')).err).toMatch(/augment-range.*--augment/s);
    const both = await mokapot(['train', '--resume', at('none'), '--augment', 'cardiac']);
    expect(both).toMatchObject({ code: 1, err: expect.stringContaining('--augment') });
  });
});

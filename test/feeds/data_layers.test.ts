/** ImageData, HDF5Data, WindowData and MemoryData from real files through training, tests and the command line; HDF5Output. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../../src/data/index.js';
import { MokapotError } from '../../src/diagnostics/index.js';
import { openFeed } from '../../src/feeds/node/data_feeds.js';
import { selectLayers } from '../../src/net/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { parseNet } from '../../src/schema/index.js';
import { Solver } from '../../src/train/node/index.js';
import { Hdf5Reader } from '../../src/weights/formats/hdf5_read.js';
import { hdf5Parts } from '../../src/weights/formats/hdf5_write.js';
import { withFile } from '../../src/weights/node/files.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';
import { failure } from '../failure.js';

const GOLDENS = new URL('../goldens/hdf5_data/', import.meta.url).pathname;
const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

/** Pictures of 6 × 8: those of class 1 are bright on the left. */
function picture(seed: number, label: number): Uint8Array {
  const data = Uint8Array.from(
    { length: 48 },
    (_, i) => ((seed * 31 + i * 7) % 40) + (label === 1 && i % 8 < 4 ? 150 : 0),
  );
  return encodePng({ width: 8, height: 6, channels: 1, data });
}

beforeAll(() => {
  const lines = Array.from({ length: 10 }, (_, i) => {
    writeFileSync(file(`p${i}.png`), picture(i, i % 2));
    return `p${i}.png ${i % 2}`;
  });
  writeFileSync(file('list.txt'), lines.join('\n'));
  writeFileSync(file('h5.txt'), `${GOLDENS}plain.h5\n${GOLDENS}packed.h5\n`);
});

const bind = (text: string, phase: 'TRAIN' | 'TEST' = 'TRAIN', seed = 1) =>
  openFeed(selectLayers(parseNet(text).message, { phase }), { dir: folder, seed, shuffle: true });
type Fed = Record<string, { data: Float32Array; shape: readonly number[] }>;
const images = (more = '', layer = '') => `layer { name: "d" type: "ImageData" top: "data" top: "label"
  image_data_param { source: "list.txt" batch_size: 4 ${more} } ${layer} }`;

describe('ImageData', () => {
  it('reads its list in order and wraps round', async () => {
    const feeds = (await bind(images('is_color: false')))!;
    expect([feeds.entries, feeds.batchSize, feeds.entryShapes]).toEqual([10, 4, { data: [1, 6, 8], label: [] }]);
    const labels: number[][] = [];
    for (let i = 0; i < 3; i++) {
      const { feeds: fed, names } = await feeds.next();
      labels.push([...(fed as Fed)['label']!.data]);
      if (i === 2) expect(names!['data']).toEqual(['p8.png', 'p9.png', 'p0.png', 'p1.png']);
      expect((fed as Fed)['data']!.shape).toEqual([4, 1, 6, 8]);
    }
    expect(labels).toEqual([
      [0, 1, 0, 1],
      [0, 1, 0, 1],
      [0, 1, 0, 1],
    ]);
  });

  it('shuffles anew each epoch where it says so; a test’s whole pass is in order', async () => {
    const feeds = (await bind(images('shuffle: true')))!;
    const order: string[] = [];
    for (let i = 0; i < 5; i++) order.push(...(await feeds.next()).names!['data']!);
    expect([...order.slice(0, 10)].sort()).toEqual([...order.slice(10)].sort());
    expect(order.slice(0, 10)).not.toEqual(order.slice(10));
    const whole: string[] = [];
    for await (const batch of feeds.wholePass()) whole.push(...batch.names!['label']!);
    expect(whole).toEqual(Array.from({ length: 10 }, (_, i) => `p${i}.png`));
  });

  it('skips some of the first epoch by rand_skip, and refuses to skip all', async () => {
    const firsts = new Set<string>();
    for (let seed = 0; seed < 12; seed++) {
      const feeds = (await bind(images('rand_skip: 4'), 'TRAIN', seed))!;
      firsts.add((await feeds.next()).names!['data']![0]!);
    }
    expect([...firsts].sort()).toEqual(['p0.png', 'p1.png', 'p2.png', 'p3.png']);
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, seed) =>
        bind(images('rand_skip: 1000'), 'TRAIN', seed).catch(e => e as MokapotError),
      ),
    );
    expect(all.find(r => r instanceof MokapotError)).toMatchObject({ diagnostics: [{ code: 'loader-skip' }] });
  });

  it('resizes, subtracts the mean, crops and scales', async () => {
    const feeds = (await bind(
      images(
        'new_height: 6 new_width: 8',
        'transform_param { mean_value: 10 scale: 0.5 crop_size: 2 force_gray: true }',
      ),
      'TEST',
    ))!;
    const { data, shape } = ((await feeds.next()).feeds as Fed)['data']!;
    expect(shape).toEqual([4, 3, 2, 2]);
    const at = (y: number, x: number) => (((y * 8 + x) * 7) % 40) / 2 - 5;
    expect([...data.subarray(0, 4)]).toEqual([at(2, 3), at(2, 4), at(3, 3), at(3, 4)]);
  });

  it('goes on where it was saved', async () => {
    const feeds = (await bind(images('shuffle: true')))!;
    await feeds.next();
    const state = JSON.parse(JSON.stringify(feeds.save()));
    const wanted = (await feeds.next()).names;
    const other = (await bind(images('shuffle: true')))!;
    other.restore(state);
    expect((await other.next()).names).toEqual(wanted);
  });

  it.each([
    ['data-source', images().replace('"list.txt"', '""')],
    ['data-source', images().replace('"list.txt"', '"none.txt"')],
    ['batch-size', images().replace('batch_size: 4', 'batch_size: 0')],
  ])('says %s', async (code, text) => {
    expect(await failure(bind(text))).toMatchObject({ code });
  });
});

const rows = (more = '', tops = 'top: "data" top: "label"') =>
  `layer { name: "d" type: "HDF5Data" ${tops} hdf5_data_param { source: "h5.txt" batch_size: 2 ${more} } }`;

describe('HDF5Data', () => {
  it('takes rows of file after file, of several tops of any shape and type', async () => {
    const feeds = (await bind(rows()))!;
    expect([feeds.entries, feeds.entryShapes]).toEqual([7, { data: [1, 2, 3], label: [] }]);
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) {
      const fed = (await feeds.next()).feeds as Fed;
      expect(fed['data']!.shape).toEqual([2, 1, 2, 3]);
      const firsts = [0, 6].map(at => fed['data']!.data[at]!);
      expect([...fed['label']!.data]).toEqual(firsts.map(v => (v / 100) % 2));
      expect([...fed['data']!.data.subarray(0, 6)]).toEqual(Array.from({ length: 6 }, (_, k) => firsts[0]! + k));
      seen.push(...firsts);
    }
    expect(seen).toEqual([0, 100, 200, 300, 400, 500, 600, 0]);
  });

  it('shuffles files and the rows in each, an epoch at a time, and goes on where it was saved', async () => {
    const feeds = (await bind(rows('shuffle: true')))!;
    const order: number[] = [];
    for (let i = 0; i < 7; i++)
      order.push(...((await feeds.next()).feeds as Fed)['data']!.data.filter((_, k) => k % 6 === 0));
    for (const epoch of [order.slice(0, 7), order.slice(7)]) {
      expect([...epoch].sort((a, b) => a - b)).toEqual([0, 100, 200, 300, 400, 500, 600]);
      const small = epoch.map(v => v < 300);
      expect([small.indexOf(true), small.indexOf(false)].sort()).toSatisfy(
        ([a, b]: number[]) => a === 0 && (b === 3 || b === 4),
      );
      expect(small.lastIndexOf(true) - small.indexOf(true)).toBe(2);
    }
    const state = JSON.parse(JSON.stringify(feeds.save()));
    const wanted = (await feeds.next()).feeds;
    const other = (await bind(rows('shuffle: true')))!;
    other.restore(state);
    expect((await other.next()).feeds).toEqual(wanted);
  });

  it('names file, line and dataset of what is wrong', async () => {
    expect(await failure(bind(rows('', 'top: "pixels"')))).toMatchObject({
      code: 'hdf5-file',
      message: expect.stringMatching(/no dataset "pixels"/),
      hint: expect.stringMatching(/"data", "label"/),
    });
    writeFileSync(
      file('other.h5'),
      Buffer.concat([
        ...hdf5Parts(
          new Map([
            ['data', blob([2, 5])],
            ['label', blob([3])],
          ]),
        ),
      ]),
    );
    writeFileSync(file('cut.h5'), readFileSync(`${GOLDENS}plain.h5`).subarray(0, 900));
    const named = async (text: string, tops?: string) => {
      writeFileSync(file('bad.txt'), text);
      return failure(bind(rows('', tops).replace('h5.txt', 'bad.txt')));
    };
    expect(await named(`${GOLDENS}plain.h5\nother.h5`, 'top: "data"')).toMatchObject({
      message: expect.stringMatching(/is 5 in .*other\.h5, and 1 × 2 × 3/),
      location: { range: { start: { line: 2 } } },
    });
    expect(await named('other.h5')).toMatchObject({
      message: expect.stringMatching(/2 rows of "data" and 3 of "label"/),
    });
    expect(await named('\ncut.h5')).toMatchObject({
      code: 'hdf5-file',
      message: expect.stringMatching(/cut\.h5/),
      location: { range: { start: { line: 2 } } },
    });
    expect(await named('list.txt')).toMatchObject({ message: expect.stringMatching(/no HDF5 file/) });
    expect(await named('none.h5')).toMatchObject({ message: expect.stringMatching(/no HDF5 file at .*none\.h5/) });
    expect(await named(' \n')).toMatchObject({ code: 'hdf5-list' });
  });
});

const blob = (shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });

const classify = (bottom = 'data') => `
  layer { name: "scale" type: "Power" bottom: "${bottom}" top: "x" power_param { scale: 0.01 } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
  layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }`;
const solver = (net: string) =>
  `net: "${net}" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 random_seed: 2 max_iter: 60 test_iter: 3 test_interval: 30 snapshot: 60 snapshot_prefix: "snap"`;

describe('training from files', () => {
  it('ImageData, by a solver in the library', async () => {
    writeFileSync(file('images.prototxt'), images('is_color: false shuffle: true') + classify());
    writeFileSync(file('images_solver.prototxt'), solver('images.prototxt'));
    const trained = await Solver.fromFile(file('images_solver.prototxt'), { backend: 'host' });
    expect(trained.net.blobs.get('data')!.shape).toEqual([4, 1, 6, 8]);
    expect(trained.net.blobs.get('label')!.shape).toEqual([4]);
    await trained.step(60);
    const { outputs, batches } = await trained.test(0, { whole: true });
    expect([batches, outputs['accuracy']]).toEqual([3, [1]]);
    await trained.dispose();
  });

  it('ImageData, by the command line: train, then test', async () => {
    const out = file('run');
    const ran = await mokapot(['train', '--solver', file('images_solver.prototxt'), '--out', out, '--backend', 'host']);
    expect([ran.code, ran.err]).toEqual([0, '']);
    const weights = join(out, 'snap_iter_60.caffemodel');
    expect(existsSync(weights)).toBe(true);
    const tested = await mokapot([
      'test',
      '--net',
      file('images.prototxt'),
      '--weights',
      weights,
      '--backend',
      'host',
      '--json',
    ]);
    expect(JSON.parse(tested.out)).toMatchObject({ batches: 3, outputs: { accuracy: [1] } });
    expect(tested.err).toBe('');
    const fresh = await mokapot(['test', '--net', file('images.prototxt'), '--backend', 'host', '--json']);
    expect([fresh.code, fresh.err]).toEqual([0, expect.stringMatching(/warning.*No weights are given/)]);
  });

  it('HDF5Data, and HDF5Output writes what the test saw', async () => {
    const output =
      'layer { name: "out" type: "HDF5Output" bottom: "ip" bottom: "label" hdf5_output_param { file_name: "seen.h5" } include { phase: TEST } }';
    writeFileSync(file('rows.prototxt'), rows('shuffle: true') + classify() + output);
    writeFileSync(file('rows_solver.prototxt'), solver('rows.prototxt'));
    const trained = await Solver.fromFile(file('rows_solver.prototxt'), { backend: 'host' });
    await trained.step(2);
    expect(existsSync(file('seen.h5'))).toBe(false);
    await trained.test(0, { whole: true });
    await trained.dispose();
    const { data, label } = datasets('seen.h5');
    expect([data!.shape, label!.shape]).toEqual([
      [7, 2, 1, 1],
      [7, 1, 1, 1],
    ]);
    expect([...label!.data]).toEqual([0, 1, 0, 1, 0, 1, 0]);
  });

  it('WindowData', async () => {
    const block = (i: number) =>
      `# ${i}\np${i}.png\n3\n6\n8\n3\n1 0.9 ${i % 2 ? 0 : 4} 0 7 5\n1 0.8 0 0 3 5\n0 0.1 4 0 7 5\n`;
    writeFileSync(file('windows.txt'), block(0) + block(1));
    const net = `layer { name: "d" type: "WindowData" top: "data" top: "label" transform_param { crop_size: 4 mirror: true mean_value: 20 }
      window_data_param { source: "windows.txt" batch_size: 8 fg_fraction: 0.5 context_pad: 1 crop_mode: "square" } }`;
    writeFileSync(file('windows.prototxt'), net + classify());
    writeFileSync(file('windows_solver.prototxt'), solver('windows.prototxt'));
    const trained = await Solver.fromFile(file('windows_solver.prototxt'), { backend: 'host' });
    expect(trained.net.blobs.get('data')!.shape).toEqual([8, 3, 4, 4]);
    expect(Number.isFinite(await trained.step(3))).toBe(true);
    await trained.dispose();
  });
});

function datasets(name: string) {
  return withFile(file(name), source => {
    const reader = new Hdf5Reader(source);
    const found = [...reader.group(reader.root)!].map(([key, at]) => {
      const { shape, read } = reader.dataset(at, key);
      return [key, { shape, data: read() }] as const;
    });
    return Object.fromEntries(found) as Record<string, { shape: readonly number[]; data: Float32Array } | undefined>;
  });
}

const memory =
  'layer { name: "m" type: "MemoryData" top: "data" top: "label" memory_data_param { batch_size: 2 channels: 1 height: 1 width: 3 } }';

describe('MemoryData', () => {
  const data = Float32Array.from({ length: 12 }, (_, i) => i);
  const labels = [0, 1, 1, 0];

  it('hands out batch after batch, and begins again', async () => {
    const net = await Net.fromText(
      `${memory} layer { name: "p" type: "Power" bottom: "data" top: "y" power_param { scale: 2 } }`,
      { backend: 'host' },
    );
    net.setInputArrays(data, labels);
    const seen: number[][] = [];
    for (let i = 0; i < 3; i++) seen.push([...(await net.forward()).y!.data]);
    expect(seen).toEqual([
      [0, 2, 4, 6, 8, 10],
      [12, 14, 16, 18, 20, 22],
      [0, 2, 4, 6, 8, 10],
    ]);
    const own = await net.forward({ data: [1, 1, 1, 1, 1, 1], label: [0, 0] });
    expect([...own.y!.data]).toEqual([2, 2, 2, 2, 2, 2]);
    expect([...(await net.forward()).y!.data]).toEqual([12, 14, 16, 18, 20, 22]);
    net.dispose();
  });

  it('feeds a solver, batch after batch', async () => {
    const trained = await Solver.fromText(
      `net_param { ${memory} ${classify()} } base_lr: 0 lr_policy: "fixed" random_seed: 1 max_iter: 10`,
      { backend: 'host' },
    );
    trained.net.setInputArrays(data, labels);
    await trained.step(4);
    const [first, second, ...again] = trained.losses;
    expect(first).not.toBe(second);
    expect(again).toEqual([first, second]);
    await trained.dispose();
  });

  it('says what does not fit', async () => {
    const net = await Net.fromText(memory, { backend: 'host' });
    expect(() => net.setInputArrays(data, [0, 1, 2])).toThrow(/12 numbers and 3 labels .* multiple of 2/);
    expect(() => net.setInputArrays(data, labels, 'q')).toThrow(/no MemoryData layer "q".*"m"/);
    expect(await failure(net.forward())).toMatchObject({ code: 'missing-input' });
    expect(await failure(Net.fromText(memory.replace('height: 1', '')))).toMatchObject({ code: 'memory-data-shape' });
    net.dispose();
  });
});

describe('HDF5Output', () => {
  const input = (shape: string) =>
    `layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { ${shape} } shape { dim: 2 } } }`;
  const out = (name: string) =>
    `layer { name: "o" type: "HDF5Output" bottom: "a" bottom: "b" hdf5_output_param { file_name: "${name}" } }`;

  it('has the first batch in its file at once, and all of them at the end', async () => {
    const net = await Net.fromText(input('dim: 2 dim: 3') + out('twice.h5'), { backend: 'host', dir: folder });
    await net.forward({ a: [1, 2, 3, 4, 5, 6], b: [7, 8] });
    expect(datasets('twice.h5')).toEqual({
      data: { shape: [2, 3, 1, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      label: { shape: [2, 1, 1, 1], data: Float32Array.of(7, 8) },
    });
    for (let i = 0; i < 4; i++) await net.forward({ a: [0, 0, 0, 0, 0, i], b: [i, i] });
    net.dispose();
    expect([...datasets('twice.h5')['label']!.data]).toEqual([7, 8, 0, 0, 1, 1, 2, 2, 3, 3]);
  });

  it('does not write at a backward, which computes anew', async () => {
    const text = `${input('dim: 2 dim: 3')} force_backward: true layer { name: "p" type: "Power" bottom: "a" top: "y" } ${out('once.h5')}`;
    const net = await Net.fromText(text, { backend: 'host', dir: folder });
    await net.forward({ a: [1, 2, 3, 4, 5, 6], b: [7, 8] });
    await net.backward({ y: [1, 1, 1, 1, 1, 1] });
    net.dispose();
    expect(datasets('once.h5')['label']!.shape).toEqual([2, 1, 1, 1]);
  });

  it.each([
    ['hdf5-output-file', input('dim: 2 dim: 3') + out('')],
    ['hdf5-output-axes', input('dim: 2 dim: 3 dim: 1 dim: 1 dim: 1') + out('x.h5')],
    ['batch-mismatch', input('dim: 3 dim: 3') + out('x.h5')],
  ])('says %s', async (code, text) => {
    expect(await failure(Net.fromText(text, { backend: 'host' }))).toMatchObject({ code });
  });

  it('says where it cannot write', async () => {
    const net = await Net.fromText(input('dim: 2 dim: 3') + out('list.txt/x.h5'), { backend: 'host', dir: folder });
    expect(await failure(net.forward({ a: [1, 2, 3, 4, 5, 6], b: [7, 8] }))).toMatchObject({
      code: 'hdf5-output-written',
    });
  });
});

describe('a net that stands alone', () => {
  it('reads its own data, batch after batch, unless it is fed', async () => {
    const net = await Net.fromText(
      rows() + images().replaceAll('"d"', '"e"').replace('"data" top: "label"', '"pixels" top: "class"'),
      { backend: 'host', dir: folder },
    );
    const first = await net.forward();
    expect([...first.data!.data].filter((_, i) => i % 6 === 0)).toEqual([0, 100]);
    expect([...first.class!.data]).toEqual([0, 1, 0, 1]);
    expect([...(await net.forward()).data!.data].filter((_, i) => i % 6 === 0)).toEqual([200, 300]);
    const fed = await net.forward({ data: new Float32Array(12).fill(7) });
    expect([...fed.data!.data]).toEqual(new Array(12).fill(7));
    expect([...(await net.forward()).data!.data].filter((_, i) => i % 6 === 0)).toEqual([400, 500]);
    net.dispose();
  });

  it('whose files are not there says so, or is fed', async () => {
    const gone = rows().replace('h5.txt', 'gone.txt');
    await expect(Net.fromText(gone, { backend: 'host', dir: folder })).rejects.toThrow(/there is none/);
    const net = await Net.fromText(gone, { backend: 'host', dir: folder, inputShapes: { data: [1, 2], label: [1] } });
    expect([...(await net.forward({ data: [1, 2], label: [0] })).data!.data]).toEqual([1, 2]);
    net.dispose();
  });
});

describe('looking at such nets', () => {
  it('check and summary take shapes from the files, and say what is wrong with a list', async () => {
    writeFileSync(file('looked.prototxt'), images() + classify());
    const summary = await mokapot(['summary', file('looked.prototxt'), '--json']);
    const blobs = JSON.parse(summary.out).layers.find((l: { name: string }) => l.name === 'd');
    expect(JSON.stringify(blobs)).toContain('[4,3,6,8]');
    expect((await mokapot(['check', file('looked.prototxt')])).out).not.toContain('assumed');
    writeFileSync(file('broken.txt'), 'p0.png 0\np1.png\n');
    writeFileSync(file('looked.prototxt'), images().replace('list.txt', 'broken.txt') + classify());
    const broken = await mokapot(['check', file('looked.prototxt')]);
    expect([broken.code, broken.out]).toEqual([
      1,
      expect.stringMatching(/Line 2 of .*broken\.txt[\s\S]*looked\.prototxt:\d+:\d+/),
    ]);
  });

  it('assume shapes where the files are not there, but what the layer itself says', async () => {
    const net = images('new_height: 5 new_width: 7').replace('list.txt', 'gone.txt') + classify();
    writeFileSync(file('gone.prototxt'), net);
    const { out } = await mokapot(['summary', file('gone.prototxt'), '--json']);
    expect(out.replace(/\s/g, '')).toContain('[4,3,5,7]');
    writeFileSync(file('gone.prototxt'), rows().replace('h5.txt', 'gone.txt') + classify());
    expect((await mokapot(['check', file('gone.prototxt')])).code).toBe(0);
  });
});

/** Data layers with an LMDB of their own, read in Caffe's order; the whole pass of a test; errors of sources. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLmdb, encodeDatum } from '../../src/data/index.js';
import { openFeed } from '../../src/feeds/node/data_feeds.js';
import { selectLayers } from '../../src/net/index.js';
import { parseNet } from '../../src/schema/index.js';
import { Solver } from '../../src/train/node/index.js';
import { failure } from '../failure.js';

const folder = mkdtempSync(join(tmpdir(), 'mokapot-feeds-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ENTRIES = 5;

beforeAll(async () => {
  const writer = await createLmdb(join(folder, 'db'));
  for (let i = 0; i < ENTRIES; i++) {
    const data = Uint8Array.from({ length: 8 }, (_, k) => 10 * i + k);
    await writer.put(`0000${i}`, encodeDatum({ channels: 2, height: 2, width: 2, data }, i % 3));
  }
  await writer.close();
});

const layer = (more = '') => `layer { name: "d" type: "Data" top: "data" top: "label"
  data_param { source: "db" batch_size: 2 backend: LMDB } ${more} }`;
const places = { dir: folder, seed: 1, shuffle: false };
const bind = (text: string, phase: 'TRAIN' | 'TEST' = 'TRAIN') =>
  openFeed(selectLayers(parseNet(text).message, { phase }), places);

type Fed = Record<string, { data: Float32Array; shape: readonly number[] }>;
const first = (feeds: unknown) => [...(feeds as Fed)['data']!.data].filter((_, i) => i % 8 === 0);

describe('an LMDB of the layer’s own', () => {
  it('is read in order and wraps round, data and label together', async () => {
    const feeds = (await bind(layer()))!;
    expect(feeds.entryShapes).toEqual({ data: [2, 2, 2], label: [] });
    expect([feeds.entries, feeds.batchSize, feeds.batchesPerEpoch]).toEqual([5, 2, 3]);
    const batches = [await feeds.next(), await feeds.next(), await feeds.next()].map(b => b.feeds as Fed);
    expect(batches.map(first)).toEqual([
      [0, 10],
      [20, 30],
      [40, 0],
    ]);
    expect(batches.map(b => [...b['label']!.data])).toEqual([
      [0, 1],
      [2, 0],
      [1, 0],
    ]);
    expect(batches[0]!['data']!.shape).toEqual([2, 2, 2, 2]);
    expect(batches[0]!['label']!.shape).toEqual([2]);
    await feeds.close();
  });

  it('gives each entry once in a whole pass, and leaves the position alone', async () => {
    const feeds = (await bind(layer()))!;
    await feeds.next();
    const seen: [number, number[]][] = [];
    for await (const batch of feeds.wholePass()) seen.push([batch.count, first(batch.feeds)]);
    expect(seen).toEqual([
      [2, [0, 10]],
      [2, [20, 30]],
      [1, [40]],
    ]);
    expect(first((await feeds.next()).feeds)).toEqual([20, 30]);
    await feeds.close();
  });

  it('goes on where it was saved', async () => {
    const feeds = (await bind(layer('transform_param { mirror: true }')))!;
    await feeds.next();
    const state = feeds.save();
    const wanted = (await feeds.next()).feeds;
    const other = (await bind(layer('transform_param { mirror: true }')))!;
    other.restore(JSON.parse(JSON.stringify(state)));
    expect((await other.next()).feeds).toEqual(wanted);
    await Promise.all([feeds.close(), other.close()]);
  });

  it('is transformed and cropped', async () => {
    const feeds = (await bind(layer('transform_param { scale: 0.5 mean_value: 4 crop_size: 1 }'), 'TEST'))!;
    const { data, shape } = ((await feeds.next()).feeds as Fed)['data']!;
    expect(shape).toEqual([2, 2, 1, 1]);
    expect([...data]).toEqual([-2, 0, 3, 5]);
    await feeds.close();
  });
});

it.each([
  ['lmdb-missing', layer().replace('"db"', '"none"')],
  ['data-backend', layer().replace('backend: LMDB', 'backend: LEVELDB')],
  ['batch-size', layer().replace('batch_size: 2', '')],
  ['no-data-set', layer().replace('source: "db"', '')],
])('says %s', async (code, text) => {
  expect(await failure(bind(text))).toMatchObject({ code });
});

it('feeds a solver’s nets: training and test, each with its own position', async () => {
  const net = (phase: string, batch: number) =>
    `layer { name: "d" type: "Data" top: "data" top: "label" include { phase: ${phase} } data_param { source: "db" batch_size: ${batch} } }`;
  writeFileSync(
    join(folder, 'net.prototxt'),
    `${net('TRAIN', 2)}${net('TEST', 3)}
     layer { name: "scale" type: "Power" bottom: "data" top: "x" power_param { scale: 0.02 } }
     layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
     layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`,
  );
  writeFileSync(
    join(folder, 'solver.prototxt'),
    'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 random_seed: 2 test_iter: 2 test_interval: 5',
  );
  const solver = await Solver.fromFile(join(folder, 'solver.prototxt'), { backend: 'host' });
  expect(solver.net.blobs.get('data')!.shape).toEqual([2, 2, 2, 2]);
  expect(solver.testNets[0]!.blobs.get('label')!.shape).toEqual([3]);
  const before = await solver.test(0, { whole: true });
  expect(before.batches).toBe(2);
  await solver.step(60);
  expect((await solver.test(0, { whole: true })).loss!).toBeLessThan(before.loss!);
  await solver.dispose();
});

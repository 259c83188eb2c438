/** dataset create and show. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  contactSheet,
  decodeImage,
  encodeMask,
  encodePng,
  openDataset,
  parseAugment,
  recipeOf,
} from '../../src/data/index.js';
import { seedsOf } from '../../src/train/index.js';
import { folder, mokapot } from './cli.js';

let phantom: string;

beforeAll(async () => {
  phantom = join(folder(), 'phantom');
  const made = await mokapot(['dataset', 'create', 'phantom', '--out', phantom, '--count', '12', '--size', '64']);
  expect(made).toMatchObject({ code: 0, err: '' });
});

describe('dataset create', () => {
  it('phantom: real files in the layout of Sunnybrook, from which the sunnybrook command makes a set again', async () => {
    const out = join(folder(), 'again');
    const dirs = ['--images', join(phantom, 'challenge_training'), '--contours', phantom];
    const { code, out: text } = await mokapot([
      'dataset',
      'create',
      'sunnybrook',
      ...dirs,
      '--out',
      out,
      '--val',
      '25',
    ]);
    expect(code).toBe(0);
    expect(text).toMatch(/sunnybrook, 12 entries/);
    expect(text).toMatch(/held back 3, .*\(by image\)/);
    expect(text).toMatch(/1 +left ventricle/);
    expect(existsSync(join(out, 'train_db', 'features', 'data.mdb'))).toBe(true);
  });

  it('images: pairs by name, tells what it left out, counts classes', async () => {
    const dir = folder();
    for (const sub of ['images', 'labels']) mkdirSync(join(dir, sub));
    const size = { width: 8, height: 6 };
    for (let i = 0; i < 4; i++) {
      const data = new Uint8Array(48).fill(40 * i);
      writeFileSync(join(dir, 'images', `${i}.png`), encodePng({ ...size, channels: 1, data }));
      if (i < 3)
        writeFileSync(join(dir, 'labels', `${i}.png`), encodeMask({ ...size, data: data.map((_, j) => j % 3) }));
    }
    const out = join(dir, 'set');
    const argv = [
      '--images',
      join(dir, 'images'),
      '--labels',
      join(dir, 'labels'),
      '--classes',
      'sky,sea',
      '--out',
      out,
    ];
    const ran = await mokapot(['dataset', 'create', 'images', ...argv, '--channels', 'L', '--val', '34']);
    expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('3.png has no label picture') });
    expect(ran.out).toMatch(/2 +class 2 +48 +33.33 %/);
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))).toMatchObject({
      classes: ['sky', 'sea', 'class 2'],
    });
  });

  it.each([
    ['a missing folder', ['sunnybrook', '--images', '/no/such', '--contours', '/no/such'], 'no such file or folder'],
    ['a folder without contours', ['sunnybrook', '--images', '.', '--contours', 'docs'], 'There are no contours'],
    ['too many per cent', ['phantom', '--count', '12', '--size', '64', '--val', '100'], '100'],
  ])('refuses %s', async (_, argv, sentence) => {
    const ran = await mokapot(['dataset', 'create', ...argv, '--out', join(folder(), 'x')]);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining(sentence) });
  });

  it("does not touch a folder with other people's files", async () => {
    const out = folder();
    writeFileSync(join(out, 'thesis.txt'), 'years of work');
    const ran = await mokapot(['dataset', 'create', 'phantom', '--out', out, '--count', '12', '--size', '64']);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('is not empty') });
  });

  it('wants to know where to', async () => {
    expect(await mokapot(['dataset', 'create', 'phantom'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--out'),
    });
  });
});

describe('dataset show', () => {
  it('prints shapes and shares, and draws a contact sheet', async () => {
    const png = join(folder(), 'sheet.png');
    const { code, out } = await mokapot(['dataset', 'show', phantom, '--png', png, '--max', '6']);
    expect(code).toBe(0);
    expect(out).toMatch(/pictures +1x64x64/);
    expect((await decodeImage(readFileSync(png))).width).toBeGreaterThan(600);
    const json = JSON.parse((await mokapot(['dataset', 'show', phantom, '--json'])).out) as {
      classes: { share: number }[];
    };
    expect(json.classes[0]!.share + json.classes[1]!.share).toBeCloseTo(1, 10);
  });

  it('refuses what is no data set, and a sheet that cannot be written', async () => {
    expect(await mokapot(['dataset', 'show', folder()])).toMatchObject({
      code: 1,
      err: expect.stringContaining('is no data set'),
    });
    const sheet = await mokapot(['dataset', 'show', phantom, '--png', '/no/such/sheet.png']);
    expect(sheet).toMatchObject({ code: 1, err: expect.stringContaining('Cannot write /no/such/sheet.png') });
  });
});

describe('dataset show --augment', () => {
  const sheet = async (...more: string[]) => {
    const png = join(folder(), 'sheet.png');
    const ran = await mokapot(['dataset', 'show', phantom, '--png', png, '--columns', '4', '--max', '8', ...more]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    return { ...ran, picture: await decodeImage(readFileSync(png)) };
  };

  it('shows training pictures, each with what becomes of it beside', async () => {
    const still = await sheet('--augment', 'rotation: 0');
    expect(still.out).toContain('each row a training picture and what becomes of it');
    const { width, height, data } = still.picture;
    expect([width, height]).toEqual([4 + 4 * 164, 4 + 2 * 164]);
    /** The pixels of a cell, without its frame. */
    const cell = (from: Uint8Array, row: number, column: number) =>
      Array.from({ length: 160 }, (_, y) => {
        const start = 3 * ((4 + row * 164 + y) * width + 4 + column * 164);
        return [...from.subarray(start, start + 480)].join();
      }).join();
    for (const row of [0, 1])
      for (const column of [1, 2, 3])
        expect(cell(data as Uint8Array, row, column) === cell(data as Uint8Array, row, 0)).toBe(true);
    const moved = (await sheet('--augment', 'cardiac')).picture.data as Uint8Array;
    for (const row of [0, 1]) {
      expect(cell(moved, row, 0) === cell(data as Uint8Array, row, 0)).toBe(true);
      expect(new Set([0, 1, 2, 3].map(column => cell(moved, row, column))).size).toBe(4);
    }
    expect((await sheet('--augment', 'cardiac')).picture.data).toEqual(moved);
    expect((await sheet('--augment', 'cardiac', '--seed', '2')).picture.data).not.toEqual(moved);
    // What a run of that seed is fed.
    const dataset = await openDataset(phantom);
    const seed = seedsOf(1, 0).data;
    const augment = { recipe: recipeOf(parseAugment('rotation: 25')), seed };
    const drawn = await decodeImage(await contactSheet(dataset, { columns: 4, max: 8, augment }));
    await dataset.close();
    expect((await sheet('--augment', 'rotation: 25', '--seed', '1')).picture.data).toEqual(drawn.data);
  });

  it('needs a sheet to be asked for, and a recipe that there is', async () => {
    const without = await mokapot(['dataset', 'show', phantom, '--augment', 'cardiac']);
    expect(without).toMatchObject({ code: 1, err: expect.stringContaining('--png') });
    const wrong = await mokapot(['dataset', 'show', phantom, '--png', 'x.png', '--augment', 'gamma: 7']);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('augment-range') });
  });
});

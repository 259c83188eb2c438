/** infer: masks and overlays from entries and from files, with a network that marks bright pixels. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeLabel, openDataset, readManifest } from '../../src/data/index.js';
import { loadNpz, saveNpz } from '../../src/weights/node/files.js';
import { folder, mokapot } from './cli.js';

/** Scores: 0 for background, (pixel - 127.5) for the rest. */
const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 64 dim: 64 } } }
layer { name: "zero" type: "Power" bottom: "data" top: "zero" power_param { scale: 0 } }
layer { name: "bright" type: "Power" bottom: "data" top: "bright" power_param { shift: -127.5 } }
layer { name: "score" type: "Concat" bottom: "zero" bottom: "bright" top: "score" }
`;

let phantom: string;
let net: string;

beforeAll(async () => {
  const dir = folder();
  phantom = join(dir, 'phantom');
  net = join(dir, 'net.prototxt');
  writeFileSync(net, NET);
  await mokapot(['dataset', 'create', 'phantom', '--out', phantom, '--count', '20', '--size', '64']);
});

describe('infer', () => {
  it('takes all held-back entries of a data set and tells the mean Dice', async () => {
    const out = folder();
    const { code, out: text } = await mokapot(['infer', '--net', net, '--dataset', phantom, '--out', out]);
    const { count } = (await readManifest(phantom)).splits.val;
    expect(code).toBe(0);
    expect(text).toMatch(new RegExp(`Dice 0\\.\\d+ in the mean of ${count}\\n$`));
    expect(readdirSync(out)).toHaveLength(2 * count);
  });

  it('takes a file, and a contour as its label; the mask is where the picture is bright', async () => {
    const { splits } = await readManifest(phantom);
    const entry = splits.train.entries[0]!;
    const out = folder();
    const argv = ['infer', entry.image, '--label', entry.label, '--net', net, '--out', out, '--json'];
    const { code, out: text, err } = await mokapot(argv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const result = JSON.parse(text) as { name: string; mask: string; overlay: string; shares: number[]; dice: number };
    expect(result.name).toBe(basename(entry.image, '.dcm'));
    expect(existsSync(result.overlay)).toBe(true);
    const mask = await decodeLabel(readFileSync(result.mask));
    expect([mask.width, mask.height]).toEqual([64, 64]);
    expect(mask.data.filter(v => v === 1).length / 4096).toBeCloseTo(result.shares[1]!, 10);
    expect(result.dice).toBeGreaterThanOrEqual(0);
  });

  it.each([
    [['--dataset', '/no/such'], 'no data set'],
    [[], 'No picture is given'],
    [['/no/such.png'], '/no/such.png'],
    [['package.json'], 'neither a PNG nor a JPEG'],
  ])('%j is refused', async (argv, sentence) => {
    const ran = await mokapot(['infer', '--net', net, '--out', folder(), ...argv]);
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringContaining(sentence) });
  });

  it('knows an entry by a name that is nearly right, and weights that are none', async () => {
    const { splits } = await readManifest(phantom);
    const name = splits.val.entries[0]!.name;
    const argv = ['infer', '--net', net, '--dataset', phantom, '--out', folder()];
    expect((await mokapot([...argv, `${name}x`])).err).toContain(`Did you mean ${name}?`);
    expect(await mokapot([...argv, '--weights', '/no/such.caffemodel'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('/no/such.caffemodel'),
    });
  });

  it('refuses weights of which no layer is the network’s, naming layers of both', async () => {
    const dir = folder();
    const learnt = join(dir, 'net.prototxt');
    writeFileSync(
      learnt,
      `${NET}layer { name: "ip1" type: "InnerProduct" bottom: "score" top: "ip1" inner_product_param { num_output: 3 } }`,
    );
    const weights = join(dir, 'other.npz');
    await saveNpz(weights, new Map([['fc8/0', { shape: [3], data: new Float32Array(3) }]]));
    const ran = await mokapot(['infer', '--net', learnt, '--weights', weights, '--dataset', phantom, '--out', dir]);
    expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/No layer of .*other\.npz fits .*"fc8".*"ip1"/) });
  });

  it('keeps the largest part, and masks of the middle and of tiles are of the whole picture', async () => {
    const name = (await readManifest(phantom)).splits.val.entries[0]!.name;
    const maskOf = async (...more: string[]) => {
      const argv = ['infer', name, '--net', net, '--dataset', phantom, '--out', folder(), '--json', ...more];
      const { code, out, err } = await mokapot(argv);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const mask = await decodeLabel(readFileSync((JSON.parse(out) as { mask: string }).mask));
      expect([mask.width, mask.height]).toEqual([64, 64]);
      return [...mask.data];
    };
    const whole = await maskOf();
    const ones = (mask: readonly number[]) => mask.reduce((a, b) => a + b, 0);
    expect(await maskOf('--tile', '20,30')).toEqual(whole);
    expect(await maskOf('--tta', 'flips+rot90')).toEqual(whole);
    const largest = await maskOf('--largest-component');
    expect(ones(largest)).toBeLessThan(ones(whole));
    expect(largest.every((v, i) => v <= whole[i]!)).toBe(true);
    const isMiddle = (i: number) => Math.floor(i / 64) >= 16 && i / 64 < 48 && i % 64 >= 12 && i % 64 < 52;
    expect(await maskOf('--crop', '32,40')).toEqual(whole.map((v, i) => (isMiddle(i) ? v : 0)));
  });

  it('writes the numbers of a blob that is no score of pixels to an .npz, a row a picture', async () => {
    const dir = folder();
    const features = join(dir, 'net.prototxt');
    writeFileSync(
      features,
      `${NET}layer { name: "mean" type: "Pooling" bottom: "data" top: "mean" pooling_param { pool: AVE global_pooling: true } }
layer { name: "flat" type: "Flatten" bottom: "mean" top: "flat" }`,
    );
    const pooling = join(dir, 'pooling.prototxt');
    const global = 'pooling_param { pool: AVE global_pooling: true }';
    writeFileSync(pooling, `${NET}layer { name: "pool" type: "Pooling" bottom: "score" top: "pool" ${global} }`);
    const argv = ['infer', '--net', features, '--dataset', phantom, '--out', dir];
    const { code, out, err } = await mokapot([...argv, '--output', 'flat']);
    expect([code, err]).toEqual([0, expect.any(String)]);
    const entries = (await readManifest(phantom)).splits.val.entries;
    expect(out).toContain(`flat: ${entries.length}x1 of ${entries.length} pictures`);
    const rows = loadNpz(join(dir, 'flat.npz')).get('flat')!;
    expect(rows.shape).toEqual([entries.length, 1]);
    expect(readFileSync(join(dir, 'flat.txt'), 'utf8').trim().split('\n')).toHaveLength(entries.length);
    const split = await (await openDataset(phantom)).split('val');
    for (const [i, value] of [...rows.data].entries()) {
      const { data } = await split.entry(i);
      expect(value).toBeCloseTo(data.reduce((a, b) => a + b, 0) / data.length, 2);
    }

    const pooled = await mokapot(['infer', '--net', pooling, '--dataset', phantom, '--out', dir, '--output', 'pool']);
    expect(pooled.out).toContain(`pool: ${entries.length}x2x1x1 of`);

    const scores = await mokapot([...argv, '--output', 'score', '--features', '--json']);
    expect(JSON.parse(scores.out)).toMatchObject({ blob: 'score', shapes: [[entries.length, 2, 64, 64]] });
    expect((await mokapot([...argv, '--output', 'flatt'])).err).toContain('Did you mean flat?');
  });

  it.each([
    ['all of them', 'power_param { shift: -1000 }'],
    ['some of them', 'power_param { shift: -50 }'],
  ])('scores that are no number tell no class, not the background: %s', async (_, power) => {
    const other = join(folder(), 'net.prototxt');
    const log = `layer { name: "below" type: "Power" bottom: "data" top: "below" ${power} }
layer { name: "bright" type: "Log" bottom: "below" top: "bright" }`;
    writeFileSync(other, NET.replace(/layer \{ name: "bright".*/, log));
    const out = folder();
    const ran = await mokapot(['infer', '--net', other, '--dataset', phantom, '--out', out]);
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringContaining('error[non-finite]') });
    expect(readdirSync(out)).toEqual([]);
  });

  it('refuses a network without scores, naming its outputs', async () => {
    const other = join(folder(), 'net.prototxt');
    writeFileSync(other, NET.replace(/layer \{ name: "score".*\n/, ''));
    const ran = await mokapot(['infer', '--net', other, '--dataset', phantom, '--out', folder()]);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('None of the network') });
  });
});

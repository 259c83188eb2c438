/** infer: masks and overlays from entries and from files, with a network that marks bright pixels. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeLabel, readManifest } from '../../src/data/index.js';
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

  it('refuses a network without scores, naming its outputs', async () => {
    const other = join(folder(), 'net.prototxt');
    writeFileSync(other, NET.replace(/layer \{ name: "score".*\n/, ''));
    const ran = await mokapot(['infer', '--net', other, '--dataset', phantom, '--out', folder()]);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('None of the network') });
  });
});

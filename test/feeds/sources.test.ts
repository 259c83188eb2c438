/** Sources that data layers name: what people give by mistake, as the cases in test/cases have it. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mokapot, project } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';

const cases = temporaryFolder();
cpSync(project('test/cases'), cases, { recursive: true });
const inCase = (path: string) => join(cases, path);

describe('an HDF5 file as source', () => {
  const sentence = /a\.h5 is an HDF5 file; source is a text file that lists them\./;

  it('is all that check and train tell', async () => {
    const checked = await mokapot(['check', inCase('h5-as-source/g.prototxt')]);
    expect(checked.out).toMatch(sentence);
    expect([checked.code, checked.out.match(/error\[/g)?.length, /note\[/.test(checked.out)]).toEqual([1, 1, false]);
    const trained = await mokapot(['train', '--solver', inCase('h5-as-source/s_g.prototxt')]);
    expect([trained.code, trained.err.match(/error\[/g)?.length]).toEqual([1, 1]);
    expect(trained.err).toMatch(sentence);
  });
});

describe('raw Datums under force_gray', () => {
  it('keep their channels, with a word', async () => {
    const { code, out, err } = await mokapot(['summary', inCase('force-gray-raw-datum/fg.prototxt')]);
    expect(code).toBe(0);
    expect(out).toMatch(/data 4x3x20x24/);
    expect(err).toMatch(/keeps them: force_gray is for encoded pictures/);
  });
});

describe('an indexed PNG as a label of ImageData', () => {
  it('is told with its cure, before the label is found wrong', async () => {
    const { code, out, err } = await mokapot(['train', '--solver', inCase('palette-imagedata/s2.prototxt')]);
    expect(code).toBe(1);
    expect(out + err).toMatch(/labpal\/p00\.png .* is an indexed PNG, and its colours are read as grey/);
    expect(out + err).toMatch(/Save it as a grey PNG whose values are the classes/);
  });
});

describe('check --dataset', () => {
  it('takes shapes from the data set', async () => {
    const args = ['--dataset', inCase('check-dataset-shapes/set_labpal')];
    const { code, out } = await mokapot(['check', inCase('check-dataset-shapes/bad.prototxt'), ...args]);
    expect(code).toBe(1);
    expect(out).toMatch(/"data" +Data +\[3, 3, 32, 40\]/);
    expect(out).not.toMatch(/No data set is named/);
  });

  it('warns of one class, as train does', async () => {
    const set = join(cases, 'set255');
    const made = ['--images', inCase('masks-0-255/img'), '--labels', inCase('masks-0-255/lab255'), '--out', set];
    const created = await mokapot(['dataset', 'create', 'images', ...made]);
    expect(created.err).toMatch(/warning\[masks-0-255\].*\n.*--map-label 255=1/);
    const net = inCase('masks-0-255/net.prototxt');
    expect((await mokapot(['check', net, '--dataset', set])).out).toMatch(/warning\[masks-0-255\]/);
    const run = await mokapot(['train', '--net', net, '--dataset', set, '--epochs', '1', '--out', join(cases, 'run')]);
    expect(run.out + run.err).toMatch(/warning\[masks-0-255\]/);
    const again = await mokapot([
      'dataset',
      'create',
      'images',
      ...made.slice(0, 4),
      '--out',
      set,
      '--map-label',
      '255=1',
    ]);
    expect(again.err).not.toMatch(/warning/);
    expect(again.out).toMatch(/1 +class 1 +2,280/);
    expect(await mokapot(['dataset', 'show', set, '--verify'])).toMatchObject({ code: 0 });
  });
});

describe('what is no regular file', () => {
  const layers: readonly (readonly [string, string])[] = [
    ['ImageData', 'image_data_param'],
    ['HDF5Data', 'hdf5_data_param'],
    ['WindowData', 'window_data_param'],
    ['Data', 'data_param'],
  ];

  it.skipIf(process.platform === 'win32').each(layers)('is refused as the source of %s', async (type, param) => {
    const dir = join(cases, `odd_${type}`);
    mkdirSync(dir);
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    for (const [source, what] of [
      [join(dir, 'pipe'), 'FIFO'],
      ['/dev/zero', 'device'],
    ]) {
      const net = join(dir, 'net.prototxt');
      const transform = 'transform_param { crop_size: 4 }';
      writeFileSync(
        net,
        `layer { name: "d" type: "${type}" top: "data" top: "label" ${transform} ${param} { source: "${source}" batch_size: 1 ${type === 'Data' ? 'backend: LMDB' : ''} } }`,
      );
      const { code, out } = await mokapot(['check', net, '--read-data']);
      expect([code, out], `${type} ${source}`).toEqual([1, expect.stringContaining(`it is a ${what}`)]);
    }
  });

  it('is refused as a network where it never ends', async () => {
    const { code, out } = await mokapot(['check', '/dev/zero']);
    expect([code, out]).toEqual([1, expect.stringContaining('is larger than 64 MiB')]);
  });
});

describe('a negative label', () => {
  it('gets a hint that fits it', async () => {
    const { code, err } = await mokapot([
      'train',
      '--solver',
      inCase('negative-label-help/s_hn.prototxt'),
      '--out',
      inCase('hn'),
    ]);
    expect([code, err]).toEqual([1, expect.stringMatching(/error\[label-value\].*the label -1/)]);
    expect(err).toMatch(/help: Classes are counted from 0 on: shift the labels, or, .*ignore_label: -1/);
  });
});

/** evaluate: figures, tables, the page and pictures; wrong input; nothing half written. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeImage, openDataset, readManifest } from '../../src/data/index.js';
import { Evaluator } from '../../src/tools/evaluate.js';
import * as slicePictures from '../../src/tools/slice_pictures.js';
import { folder, mokapot } from './cli.js';

vi.mock(import('../../src/tools/slice_pictures.js'), { spy: true });

const INPUT =
  'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 64 dim: 64 } } }';
/** Scores: 0 for background, (mean of 3×3 pixels − 127.5) for the rest. */
const NET = `${INPUT}
layer { name: "smooth" type: "Pooling" bottom: "data" top: "smooth" pooling_param { pool: AVE kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "zero" type: "Power" bottom: "smooth" top: "zero" power_param { scale: 0 } }
layer { name: "bright" type: "Power" bottom: "smooth" top: "bright" power_param { shift: -100 } }
layer { name: "score" type: "Concat" bottom: "zero" bottom: "bright" top: "score" }
`;

let phantom: string;
let net: string;

beforeAll(async () => {
  const dir = folder();
  phantom = join(dir, 'phantom');
  net = join(dir, 'net.prototxt');
  writeFileSync(net, NET);
  await mokapot(['dataset', 'create', 'phantom', '--out', phantom, '--count', '20', '--size', '64', '--val', '50']);
});

interface Json {
  readonly units: { readonly distance: string };
  readonly slices: readonly { readonly name: string; readonly classes: readonly { readonly dice: number | null }[] }[];
  readonly patients: readonly { readonly patient: string; readonly classes: readonly { readonly dice: number }[] }[];
  readonly classes: readonly { readonly dice: { readonly mean: number } }[];
}

describe('evaluate', () => {
  it('writes the page, tables, JSON, plots and a picture for each patient', async () => {
    const out = join(folder(), 'report');
    const { code, out: text, err } = await mokapot(['evaluate', '--net', net, '--dataset', phantom, '-o', out]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(text).toContain('left ventricle:');
    expect(text).toMatch(/good contours \d+\.\d %/);
    const { val } = (await readManifest(phantom)).splits;
    expect(readdirSync(out).sort()).toEqual([
      ...['bland_altman.svg', 'bland_altman_ejection_fraction.svg', 'evaluation.json', 'patients.csv', 'pictures'],
      ...['report.html', 'slices.csv', 'volumes.csv'],
    ]);
    expect(readdirSync(join(out, 'pictures')).sort()).toEqual(val.patients!.map(p => `${p}.png`));
    const picture = await decodeImage(readFileSync(join(out, 'pictures', readdirSync(join(out, 'pictures'))[0]!)));
    expect(picture.width).toBeGreaterThan(300);

    const found = JSON.parse(readFileSync(join(out, 'evaluation.json'), 'utf8')) as Json;
    expect(found.units.distance).toBe('mm');
    expect(found.slices.map(s => s.name).sort()).toEqual(val.entries.map(e => e.name).sort());
    const scores = found.patients.map(p => p.classes[0]!.dice);
    expect(scores).toEqual([...scores].sort((a, b) => a - b));
    // The Dice that a mean of 3×3 pixels over 100 has with the label of the first entry.
    const dataset = await openDataset(phantom);
    const { data, label } = await (await dataset.split('val')).entry(0);
    await dataset.close();
    let [predicted, truth, both] = [0, 0, 0];
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 64; x++) {
        let [sum, count] = [0, 0];
        for (let v = y - 1; v <= y + 1; v++)
          for (let u = x - 1; u <= x + 1; u++) {
            count++;
            if (v >= 0 && u >= 0 && v < 64 && u < 64) sum += data[v * 64 + u]!;
          }
        const p = sum / count > 100;
        predicted += Number(p);
        truth += label[y * 64 + x]!;
        both += Number(p && label[y * 64 + x] === 1);
      }
    }
    const first = found.slices.find(s => s.name === val.entries[0]!.name)!;
    expect(first.classes[0]!.dice).toBeCloseTo((2 * both) / (predicted + truth), 6);
  });

  it('the page stands alone: no script, nothing from elsewhere, all patients, balanced tags', async () => {
    const out = folder();
    await mokapot(['evaluate', '--net', net, '--dataset', phantom, '-o', out, '--split', 'all']);
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    expect(page).not.toMatch(/<script|\bon\w+="|src="|href="(?!data:)|url\(|@import/);
    expect(page).toContain('prefers-color-scheme: dark');
    const { train, val } = (await readManifest(phantom)).splits;
    for (const patient of [...train.patients!, ...val.patients!]) expect(page).toContain(`>${patient}<small>`);
    for (const tag of ['table', 'tr', 'td', 'th', 'figure', 'svg', 'section', 'details', 'div']) {
      const count = (pattern: string) => page.match(new RegExp(pattern, 'g'))?.length ?? 0;
      expect([tag, count(`<${tag}[ >]`)]).toEqual([tag, count(`</${tag}>`)]);
    }
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('keeps the largest part, averages over flips, and computes in tiles, with the figures of each', async () => {
    const dice = async (...more: string[]) => {
      const argv = ['evaluate', '--net', net, '--dataset', phantom, '-o', folder(), '--json', ...more];
      const { code, out, err } = await mokapot(argv);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      return (JSON.parse(out) as Json).classes[0]!.dice.mean;
    };
    const plain = await dice();
    expect(await dice('--largest-component')).not.toBe(plain);
    // The network treats a picture and its mirrors alike.
    expect(await dice('--tta', 'flips')).toBeCloseTo(plain, 3);
    expect(await dice('--tta', 'flips+rot90')).toBeCloseTo(plain, 3);
    expect(await dice('--tile', '24')).toBe(plain);
    expect(await dice('--crop', '40,48')).not.toBe(plain);
  });

  it('tells of a set without millimetres, and measures in pixels', async () => {
    const dir = folder();
    await mokapot(['dataset', 'create', 'phantom', '--out', dir, '--count', '4', '--size', '64', '--val', '50']);
    const path = join(dir, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { splits: Record<string, { entries: object[] }> };
    for (const { entries } of Object.values(manifest.splits))
      for (const e of entries) delete (e as { geometry?: unknown }).geometry;
    writeFileSync(path, JSON.stringify(manifest));
    const { code, out, err } = await mokapot(['evaluate', '--net', net, '--dataset', dir, '-o', folder()]);
    expect(code).toBe(0);
    expect(err).toContain('note[evaluate-pixels]');
    expect(out).toMatch(/Hausdorff [\d.]+ pixels/);
    expect(out).not.toContain('good contours');
  });

  it('takes away what an older report had and this one has not, and nothing else', async () => {
    const out = folder();
    const argv = ['evaluate', '--net', net, '--dataset', phantom, '-o', out];
    await mokapot(argv);
    const before = readdirSync(out);
    const old = ['bland_altman_class2.svg', 'bland_altman_ejection_fraction_class1.svg'];
    for (const name of [...old, 'notes.txt', 'bland_altman_mine.svg']) writeFileSync(join(out, name), 'old');
    expect((await mokapot(argv)).code).toBe(0);
    expect(readdirSync(out).sort()).toEqual([...before, 'notes.txt', 'bland_altman_mine.svg'].sort());
  });

  it.each([
    ['include { phase: TEST not_stage: "deploy" }', [], 'the middle 40×40', [40, 40]],
    ['include { phase: TEST not_stage: "deploy" }', ['--crop', 'whole'], 'whole pictures', 'whole'],
    ['include { phase: TRAIN }', [], 'whole pictures', 'whole'],
  ])('says what is fed: a crop of the layer that has %s, %j', async (rules, more, fed, crop) => {
    const cropping = join(folder(), 'net.prototxt');
    const layer = `layer { name: "v" type: "Data" top: "data" ${rules} data_param { batch_size: 1 } augment_param { crop_size: 40 } }`;
    writeFileSync(cropping, `${layer}\n${NET.replace(' top', ' include { stage: "deploy" } top')}`);
    const out = folder();
    const ran = await mokapot(['evaluate', '--net', cropping, '--dataset', phantom, '-o', out, ...more]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain(`Fed: ${fed}\n`);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain(`<dt>Fed</dt><dd>${fed}</dd>`);
    expect(JSON.parse(readFileSync(join(out, 'evaluation.json'), 'utf8'))).toMatchObject({ crop });
    const inferred = await mokapot(['infer', '--net', cropping, '--dataset', phantom, '-o', folder(), ...more]);
    expect(inferred.out.includes('Fed: the middle 40×40')).toBe(crop !== 'whole');
  });

  it('makes contours of the slices that are drawn, once all are measured: none is kept meanwhile', async () => {
    const result = vi.spyOn(Evaluator.prototype, 'result');
    const contours = vi.mocked(slicePictures.sliceContours);
    contours.mockClear();
    const out = folder();
    await mokapot(['evaluate', '--net', net, '--dataset', phantom, '-o', out]);
    expect(contours).toHaveBeenCalledTimes((await readManifest(phantom)).splits.val.entries.length);
    expect(Math.min(...contours.mock.invocationCallOrder)).toBeGreaterThan(result.mock.invocationCallOrder[0]!);
    const paths = readFileSync(join(out, 'report.html'), 'utf8').match(/ d="M[^"]*Z" fill="none" stroke="#ff4a36"/g);
    expect(paths!.length).toBeGreaterThan(0);
    result.mockRestore();
  });

  it('warns of weights that are none, and takes a seed for them', async () => {
    const learnt = join(folder(), 'net.prototxt');
    const filler = 'weight_filler { type: "gaussian" std: 0.01 }';
    writeFileSync(
      learnt,
      `${INPUT}\nlayer { name: "score" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 2 kernel_size: 3 pad: 1 ${filler} } }`,
    );
    const run = (seed: string) =>
      mokapot(['evaluate', '--net', learnt, '--dataset', phantom, '-o', folder(), '--json', '--seed', seed]);
    const [a, b, c] = [await run('1'), await run('1'), await run('2')];
    const figures = (ran: { out: string }) => (JSON.parse(ran.out) as Json).classes;
    expect(a.err).toContain('fresh-weights');
    expect(figures(a)).toEqual(figures(b));
    expect(figures(a)).not.toEqual(figures(c));
  });
});

describe('evaluate refuses', () => {
  const refused = async (argv: string[], sentence: string) => {
    const out = join(mkdtempSync(join(folder(), 'x')), 'report');
    const ran = await mokapot(['evaluate', '--net', net, '--dataset', phantom, '-o', out, ...argv]);
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringContaining(sentence) });
    expect(existsSync(out)).toBe(false);
  };

  it.each([
    [['--dataset', '/no/such'], 'no data set'],
    [['--weights', '/no/such.caffemodel'], '/no/such.caffemodel'],
    [['--net', '/no/such.prototxt'], '/no/such.prototxt'],
    [['--output', 'scoree'], 'Did you mean score?'],
    [['--output', 'data'], 'no-scores'],
    [['--crop', '65'], 'picture-small'],
    [['--crop', '40,48', '--tta', 'flips+rot90'], 'tta-square'],
  ])('%j', async (argv, sentence) => refused(argv, sentence));

  it('networks that know fewer classes, or make no score for each pixel', async () => {
    const file = (text: string) => {
      const path = join(folder(), 'net.prototxt');
      writeFileSync(path, text);
      return path;
    };
    await refused(['--net', file(NET.replace(/layer \{ name: "score".*\n/, ''))], 'None of the network');
    await refused(
      [
        '--net',
        file(
          `${NET}layer { name: "p" type: "Pooling" bottom: "score" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }`,
        ),
      ],
      'scores-size',
    );
    const three = join(folder(), 'three');
    await mokapot(['dataset', 'create', 'phantom', '--out', three, '--count', '4', '--size', '64', '--val', '50']);
    const path = join(three, 'manifest.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"left ventricle"', '"left ventricle", "right ventricle"'));
    await refused(['--dataset', three], 'class-count');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"spacing": \[[^\]]*\]/, '"spacing": "wide"'));
    await refused(['--dataset', three], 'dataset-manifest');
  });

  it('wrong usage with exit code 2', async () => {
    for (const argv of [
      ['--split', 'test'],
      ['--tta', 'rotations'],
      ['--tile', '0'],
      ['--tile', '1,2,3'],
    ]) {
      expect((await mokapot(['evaluate', '--net', net, '--dataset', phantom, ...argv])).code).toBe(2);
    }
    expect((await mokapot(['evaluate', '--net', net])).code).toBe(2);
  });

  it.each(['pictures', 'report.html', 'bland_altman_class2.svg'])('a folder whose %s is not its own', async name => {
    const out = folder();
    const own = join(out, name, name === 'pictures' ? 'mine.png' : '');
    if (name === 'pictures') mkdirSync(join(out, name));
    writeFileSync(own, 'mine');
    const argv = ['evaluate', '--net', net, '--dataset', phantom, '-o', out];
    const refusal = {
      code: 1,
      out: '',
      err: expect.stringMatching(/error\[folder-used\]: .* is not of an evaluation/),
    };
    expect(await mokapot(argv)).toMatchObject(refusal);
    // A file that only has the name of ours says nothing.
    writeFileSync(join(out, 'evaluation.json'), '{ "score": 1 }');
    expect(await mokapot(argv)).toMatchObject(refusal);
    expect(readFileSync(own, 'utf8')).toBe('mine');
    expect(readdirSync(out).sort()).toEqual([name, 'evaluation.json'].sort());
  });

  it('nothing is left of one that was stopped, and an older report stays', async () => {
    const out = folder();
    await mokapot(['evaluate', '--net', net, '--dataset', phantom, '-o', out]);
    const before = readFileSync(join(out, 'report.html'), 'utf8');
    const stopped = new AbortController();
    stopped.abort();
    const argv = ['evaluate', '--net', net, '--dataset', phantom, '-o', out, '--split', 'all'];
    const ran = await mokapot(argv, { signal: stopped.signal });
    expect(ran.code).toBe(130);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toBe(before);
    expect(readdirSync(out).filter(name => name.startsWith('.'))).toEqual([]);
  });
});

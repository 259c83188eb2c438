/** Net surgery, on files: what is moved, what it computes then, and what is said of it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { parseNet } from '../../src/schema/index.js';
import { type TransplantOptions, transplant } from '../../src/tools/transplant.js';
import { tensorsOf } from '../../src/weights/index.js';
import { saveSafetensors } from '../../src/weights/node/files.js';

const dir = mkdtempSync(join(tmpdir(), 'mokapot-transplant-'));
afterAll(() => rmSync(dir, { recursive: true }));

const input = (...shape: number[]) =>
  `layer { name: "data" type: "Input" top: "data" input_param { shape { ${shape.map(d => `dim: ${d}`).join(' ')} } } }`;
const FILLERS = 'weight_filler { type: "gaussian" std: 1 } bias_filler { type: "gaussian" std: 1 }';
const layer = (type: string, name: string, bottom: string, param: string, fillers = FILLERS) => {
  const field = type === 'InnerProduct' ? 'inner_product_param' : 'convolution_param';
  return `layer { name: "${name}" type: "${type}" bottom: "${bottom}" top: "${name}" ${field} { ${param} ${fillers} } }`;
};
const conv = (name: string, bottom: string, param: string, fillers?: string) =>
  layer('Convolution', name, bottom, param, fillers);
const ip = (name: string, bottom: string, param: string) => layer('InnerProduct', name, bottom, param);

const make = (text: string, seed = 1) => Net.fromText(text, { backend: 'host', seed });
const numbers = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i + 1));
let files = 0;
async function saved(net: Net, ending = 'caffemodel'): Promise<string> {
  const path = join(dir, `w${files++}.${ending}`);
  await net.save(path);
  return path;
}

/** The first text's weights into the second's net. `run` gives what a net answers. */
async function moved(from: string, to: string, options: TransplantOptions = {}) {
  const [source, target] = [await make(from), await make(to, 2)];
  const report = transplant(target, await saved(source), options);
  const run = async (net: Net, data: Float32Array) => [...(await net.forward({ data })).values()][0]!.data;
  return { source, target, report, run };
}

function failure(run: () => unknown): MokapotError['diagnostics'][number] {
  try {
    run();
  } catch (e) {
    if (e instanceof MokapotError) return e.diagnostics[0]!;
    throw e;
  }
  throw new Error('it went through');
}

describe('a classifier into its fully convolutional net', () => {
  const CLASSIFIER = [
    input(1, 3, 6, 6),
    conv('conv1', 'data', 'num_output: 4 kernel_size: 3'),
    ip('fc6', 'conv1', 'num_output: 5'),
    ip('fc7', 'fc6', 'num_output: 5'),
    ip('fc8', 'fc7', 'num_output: 9'),
  ].join('\n');
  const FCN = [
    input(1, 3, 6, 6),
    conv('conv1', 'data', 'num_output: 4 kernel_size: 3'),
    conv('fc6', 'conv1', 'num_output: 5 kernel_size: 4'),
    conv('fc7', 'fc6', 'num_output: 5 kernel_size: 1'),
    conv('score', 'fc7', 'num_output: 2 kernel_size: 1', 'weight_filler { type: "xavier" }'),
    layer('Deconvolution', 'up', 'score', 'num_output: 2 kernel_size: 4 stride: 2 bias_term: false', ''),
  ].join('\n');

  it('says what became of every blob', async () => {
    const { report, source, target } = await moved(CLASSIFIER, FCN);
    const told = report.lines.map(l => `${l.action} ${l.layer} ${l.blob} ${l.shape.join('x')} ${l.note ?? ''}`.trim());
    expect(told).toEqual([
      'copied conv1 0 4x3x3x3',
      'copied conv1 1 4',
      'coerced fc6 0 5x4x4x4 fully connected to convolution',
      'copied fc6 1 5',
      'coerced fc7 0 5x5x1x1 fully connected to convolution',
      'copied fc7 1 5',
      'dropped fc8 0 9x5 the network has no such layer',
      'dropped fc8 1 9 the network has no such layer',
      'filler score 0 2x5x1x1 xavier',
      'filler score 1 2 constant 0',
      'filler up 0 2x2x4x4 bilinear, channel by channel',
    ]);
    expect(report.lines[2]!.from).toEqual({ layer: 'fc6', shape: [5, 64] });
    expect(target.params.get('fc6')![0]!.data).toEqual(source.params.get('fc6')![0]!.data);
    const all = [...target.params.values()].flat().reduce((n, b) => n + b.data.length, 0);
    expect([report.taken, report.total]).toEqual([all - 10 - 2 - 64, all]);
    // As surgery.py's upsample_filt(4), on the diagonal.
    const up = target.params.get('up')![0]!.data;
    const filter = [0.25, 0.75, 0.75, 0.25].flatMap(y => [0.25, 0.75, 0.75, 0.25].map(x => x * y));
    expect([...up]).toEqual([...filter, ...new Array(32).fill(0), ...filter]);
  });

  it('answers as the classifier did, and the other way round too', async () => {
    const [short, fcn] = [CLASSIFIER, FCN].map(t => t.split('\n').slice(0, 4).join('\n')) as [string, string];
    for (const [from, to] of [
      [short, fcn],
      [fcn, short],
    ] as const) {
      const { source, target, run } = await moved(from, to);
      const data = numbers(108);
      const [a, b] = [await run(source, data), await run(target, data)];
      expect(a).toHaveLength(5);
      a.forEach((v, i) => {
        expect(b[i]).toBeCloseTo(v, 4);
      });
    }
  });

  it('takes weights from any format, without their network too', async () => {
    const source = await make(CLASSIFIER);
    const params = new Map([...source.params].map(([n, b]) => [n, b.map(({ shape, data }) => ({ shape, data }))]));
    const bare = join(dir, 'bare.safetensors');
    await saveSafetensors(bare, tensorsOf(params));
    for (const path of [bare, await saved(source, 'h5')]) {
      const target = await make(FCN, 2);
      expect(
        transplant(target, path)
          .lines.filter(l => l.action === 'coerced')
          .map(l => l.layer),
      ).toEqual(['fc6', 'fc7']);
      expect(target.params.get('fc6')![0]!.data).toEqual(source.params.get('fc6')![0]!.data);
      const again = await make(FCN, 3);
      again.copyFrom(await saved(target, 'h5'));
      expect(again.params.get('fc6')![0]!.data).toEqual(source.params.get('fc6')![0]!.data);
    }
  });

  it('renames', async () => {
    const rename = [['fc8', 'score']] as const;
    const { report } = await moved(
      CLASSIFIER,
      FCN.replace('num_output: 2 kernel_size: 1', 'num_output: 9 kernel_size: 1'),
      {
        rename,
      },
    );
    expect(report.lines.find(l => l.layer === 'score')).toMatchObject({ action: 'coerced', from: { layer: 'fc8' } });
    const target = await make(FCN);
    const path = await saved(await make(CLASSIFIER));
    const why = (...r: [string, string][]) => failure(() => transplant(target, path, { rename: r }));
    expect(why(['fc9', 'score'])).toMatchObject({ code: 'transplant-rename', hint: expect.stringContaining('fc6') });
    expect(why(['fc8', 'scores'])).toMatchObject({ code: 'transplant-rename', hint: expect.stringContaining('score') });
    expect(why(['fc8', 'score'], ['fc7', 'score']).message).toMatch(/Two layers are renamed to "score"/);
  });

  it('holds the weights against the network they are said to be of', async () => {
    const target = await make(FCN);
    const path = await saved(await make(CLASSIFIER));
    const before = target.params.get('conv1')![0]!.data.slice();
    const from = (text: string) => parseNet(text).message;
    expect(failure(() => transplant(target, path, { from: from(FCN) }))).toMatchObject({ code: 'transplant-from' });
    const wider = from(CLASSIFIER.replace('num_output: 4', 'num_output: 8'));
    expect(failure(() => transplant(target, path, { from: wider })).message).toMatch(/conv1.*4×3×3×3.*8×3×3×3/);
    expect(target.params.get('conv1')![0]!.data).toEqual(before);
    expect(transplant(target, path, { from: from(CLASSIFIER) }).lines[0]!.action).toBe('copied');
  });

  it('refuses what has nothing in common, and leaves the net alone', async () => {
    const target = await make(FCN);
    const other = await make([input(1, 3, 6, 6), conv('first', 'data', 'num_output: 4 kernel_size: 3')].join('\n'));
    const before = target.params.get('conv1')![0]!.data.slice();
    const why = failure(() => transplant(target, new Uint8Array(0)));
    expect(why.code).toBe('weights-format');
    const path = await saved(other);
    expect(failure(() => transplant(target, path))).toMatchObject({
      code: 'transplant-nothing',
      hint: expect.stringMatching(/--rename.*first.*conv1/),
    });
    const fat = await saved(
      await make(CLASSIFIER.split('\n').slice(0, 2).join('\n').replace('num_output: 4', 'num_output: 7')),
    );
    expect(failure(() => transplant(target, fat)).hint).toMatch(/7×3×3×3 does not fit 4×3×3×3: 7 outputs, not 4/);
    expect(target.params.get('conv1')![0]!.data).toEqual(before);
  });
});

describe('filters of another form', () => {
  const net = (channels: number, param: string) => [input(1, channels, 5, 5), conv('c', 'data', param)].join('\n');

  it.each([
    [2, 1],
    [4, 1],
    [4, 2],
  ])('group %i becomes group %i, with the same answers', async (g, h) => {
    const { source, target, report, run } = await moved(
      net(8, `num_output: 4 kernel_size: 3 group: ${g}`),
      net(8, `num_output: 4 kernel_size: 3 group: ${h}`),
    );
    expect(report.lines[0]).toMatchObject({
      action: 'coerced',
      note: `group ${g} to ${h}: 0 between the former groups`,
    });
    const data = numbers(200);
    const wanted = await run(source, data);
    (await run(target, data)).forEach((v, i) => {
      expect(v).toBeCloseTo(wanted[i]!, 4);
    });
  });

  it('a depthwise layer has as many groups as channels, whatever group says', async () => {
    const depthwise = [input(1, 4, 5, 5), layer('ConvolutionDepthwise', 'c', 'data', 'num_output: 4 kernel_size: 3')];
    const whole = await moved(depthwise.join('\n'), net(4, 'num_output: 4 kernel_size: 3'));
    expect(whole.report.lines[0]).toMatchObject({
      action: 'coerced',
      note: 'group 4 to 1: 0 between the former groups',
    });
    const target = await make(depthwise.join('\n'), 2);
    const { lines } = transplant(target, await saved(whole.target));
    expect(lines[0]).toMatchObject({ action: 'coerced', note: 'group 1 to 4: the diagonal, as all else is 0' });
    const data = numbers(100);
    const [expected, answered] = [await whole.run(whole.source, data), await whole.run(target, data)];
    expect([...answered]).toEqual([...expected]);
  });

  const up = (group: number) =>
    [
      input(1, 3, 4, 4),
      layer('Deconvolution', 'up', 'data', `num_output: 3 kernel_size: 4 stride: 2 group: ${group}`, ''),
    ].join('\n');

  it('the published upsampling filters, whole, become grouped ones: the diagonal', async () => {
    const source = await make(up(1));
    const filter = source.params.get('up')![0]!;
    for (let c = 0; c < 3; c++) filter.data.set(numbers(16), (3 * c + c) * 16);
    const target = await make(up(3));
    const report = transplant(target, await saved(source));
    expect(report.lines[0]).toMatchObject({ action: 'coerced', note: 'group 1 to 3: the diagonal, as all else is 0' });
    expect([...target.params.get('up')![0]!.data]).toEqual([...numbers(16), ...numbers(16), ...numbers(16)]);
  });

  it('are dropped where that would lose numbers, to the last bit', async () => {
    const source = await make(up(1));
    source.params.get('up')![0]!.data.fill(0.5);
    const target = await make(up(3));
    target.params.get('up')![0]!.data.fill(7);
    const report = transplant(target, await saved(source));
    expect(report.lines[0]).toMatchObject({ action: 'dropped', note: expect.stringMatching(/off its diagonal.*0\.5/) });
    expect(report.lines.find(l => l.action === 'copied')).toMatchObject({ layer: 'up', blob: 1 });
  });

  it('over RGB are summed for grey pictures, on request', async () => {
    const [rgb, grey] = [net(3, 'num_output: 2 kernel_size: 3'), net(1, 'num_output: 2 kernel_size: 3')];
    const refused = await moved(rgb, grey);
    expect(refused.report.lines[0]).toMatchObject({
      action: 'dropped',
      note: expect.stringContaining('--gray sums them'),
    });
    const { source, target, report, run } = await moved(rgb, grey, { gray: true });
    expect(report.lines[0]).toMatchObject({ action: 'coerced', note: 'grey: its 3 channels summed' });
    const picture = numbers(25);
    const wanted = await run(source, Float32Array.from([...picture, ...picture, ...picture]));
    (await run(target, picture)).forEach((v, i) => {
      expect(v).toBeCloseTo(wanted[i]!, 4);
    });
  });

  it('over grey are spread to RGB, on request', async () => {
    const [rgb, grey] = [net(3, 'num_output: 2 kernel_size: 3'), net(1, 'num_output: 2 kernel_size: 3')];
    expect((await moved(grey, rgb)).report.lines[0]!.note).toContain('--rgb');
    const { source, target, run } = await moved(grey, rgb, { rgb: true });
    const picture = numbers(25);
    const wanted = await run(source, picture);
    (await run(target, Float32Array.from([...picture, ...picture, ...picture]))).forEach((v, i) => {
      expect(v).toBeCloseTo(wanted[i]!, 4);
    });
  });

  it.each([
    ['transpose: true', ''],
    ['', 'transpose: true'],
    ['transpose: true', 'transpose: true'],
  ])('matrices stand either way round (%s to %s)', async (a, b) => {
    const text = (more: string) => [input(2, 4), ip('fc', 'data', `num_output: 4 ${more}`)].join('\n');
    const { source, target, report, run } = await moved(text(a), text(b));
    expect(report.lines[0]!.note).toBe(a === b ? undefined : 'transposed');
    const data = numbers(8);
    expect(await run(target, data)).toEqual(await run(source, data));
  });

  it('with the axes in another order are no match', async () => {
    const { report } = await moved(
      net(3, 'num_output: 2 kernel_h: 3 kernel_w: 1'),
      net(3, 'num_output: 2 kernel_h: 1 kernel_w: 3'),
    );
    expect(report.lines[0]).toMatchObject({
      action: 'dropped',
      note: expect.stringContaining('the axes mean something else'),
    });
  });

  it('bilinear filters that mix the classes are pointed out', async () => {
    const text = up(1).replace('group: 1', 'group: 1 weight_filler { type: "bilinear" }');
    const both = [input(1, 3, 4, 4), conv('c', 'data', 'num_output: 3 kernel_size: 1')].join('\n');
    const { report } = await moved(both, `${both}\n${text.split('\n')[1]!.replace('bottom: "data"', 'bottom: "c"')}`);
    expect(report.lines.find(l => l.layer === 'up')!.note).toMatch(/the sum of all; group: 3 would keep them apart/);
  });
});

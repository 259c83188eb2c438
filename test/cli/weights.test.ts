import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tensorsOf } from '../../src/weights/index.js';
import { loadCaffeH5, loadCaffemodel, saveBinaryproto, saveCaffeH5, saveNpz } from '../../src/weights/node/files.js';
import { folder, mokapot } from './cli.js';

const golden = (name: string) => new URL(`../goldens/solvers/${name}`, import.meta.url).pathname;
const sgd = golden('sgd_iter_4.caffemodel');
let dir = '';
beforeAll(() => {
  dir = folder();
});

describe('mokapot weights', () => {
  it('shows layers, types, shapes, statistics and a histogram', async () => {
    const { code, out, err } = await mokapot(['weights', sgd]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/caffemodel of generation V2/);
    expect(out).toMatch(/layer +# +type +shape +mean +std +min +max +zeros +NaN +histogram/);
    expect(out).toMatch(/conv +0 +Convolution +3x2x3x3 .*[▁▂▃▄▅▆▇█]/);
    expect(out).toMatch(/3 layers with 5 blobs, 207 numbers/);
  });

  it('reads every format, by content', async () => {
    const { layers } = loadCaffemodel(sgd);
    const files = {
      h5: join(dir, 'a.caffemodel'),
      npz: join(dir, 'b.bin'),
      binaryproto: join(dir, 'c'),
    };
    await saveCaffeH5(files.h5, layers);
    await saveNpz(files.npz, tensorsOf(layers));
    await saveBinaryproto(files.binaryproto, layers.get('conv')![0]!);
    for (const [format, path] of Object.entries(files)) {
      const { code, out } = await mokapot(['weights', path, '--json']);
      const report = JSON.parse(out);
      expect([code, report.format]).toEqual([0, format]);
      const conv = report.blobs.find((b: { layer: string }) => ['conv', 'mean'].includes(b.layer));
      expect(conv).toMatchObject({ blob: 0, shape: [3, 2, 3, 3], count: 54, nans: 0 });
    }
    const states = await mokapot(['weights', golden('adam_iter_4.solverstate')]);
    expect(states.out).toMatch(/history +0 [\s\S]*1 layer with 10 blobs/);
  });

  it('names what is not finite', async () => {
    const { layers } = loadCaffemodel(sgd);
    layers.get('ip')![1]!.data[0] = Number.NaN;
    await saveCaffeH5(join(dir, 'nan.h5'), layers);
    const { code, out, err } = await mokapot(['weights', join(dir, 'nan.h5')]);
    expect([code, err]).toEqual([0, 'Not finite: 1 numbers, in ip.\n']);
    expect(out).toMatch(/33\.3 %/);
  });

  it('draws the histograms', async () => {
    const svg = join(dir, 'w.svg');
    const { code } = await mokapot(['weights', sgd, '--svg', svg]);
    expect(code).toBe(0);
    const text = readFileSync(svg, 'utf8');
    expect(text).toMatch(/^<svg[\s\S]*conv 0[\s\S]*3×2×3×3[\s\S]*ip 1[\s\S]*<\/svg>/);
    expect(text.match(/<path /g)!.length).toBeGreaterThan(100);
  });

  it('says what is wrong with a file', async () => {
    writeFileSync(join(dir, 'cut'), readFileSync(sgd).subarray(0, 300));
    expect(await mokapot(['weights', join(dir, 'cut')])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/cut is damaged at byte \d+: a field says it is \d+ bytes long/),
    });
    expect((await mokapot(['weights', join(dir, 'none')])).err).toMatch(/there is no such file/);
  });

  it('compares', async () => {
    const equal = await mokapot(['weights', sgd, '--diff', sgd]);
    expect(equal).toMatchObject({ code: 0, out: expect.stringMatching(/5 blobs: 5 equal\n$/) });
    const later = await mokapot(['weights', sgd, '--diff', golden('sgd_iter_8.caffemodel'), '--json']);
    expect(later.code).toBe(1);
    const { equal: same, blobs } = JSON.parse(later.out);
    expect(same).toBe(false);
    const of = (layer: string) => blobs.filter((b: { layer: string }) => b.layer === layer);
    expect(of('frozen')[0]).toMatchObject({ state: 'equal', different: 0 });
    expect(of('conv')[0]).toMatchObject({ state: 'differs', different: 54 });
    expect(of('conv')[0].maxAbs).toBeGreaterThan(0);
  });
});

describe('mokapot transplant', () => {
  const layer = (type: string, name: string, bottom: string, param: string) =>
    `layer { name: "${name}" type: "${type}" bottom: "${bottom}" top: "${name}" ${param} }\n`;
  const input =
    'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }\n';
  const OF = input + layer('InnerProduct', 'ip', 'data', 'inner_product_param { num_output: 3 }');
  const TO =
    input +
    layer('Convolution', 'ip', 'data', 'convolution_param { num_output: 3 kernel_size: 4 }') +
    layer('Convolution', 'new', 'ip', 'convolution_param { num_output: 2 kernel_size: 1 }');
  const text = (name: string, content: string) => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };

  it('tells line by line and writes the file', async () => {
    const [from, to] = [text('of.prototxt', OF), text('to.prototxt', TO)];
    const params = new Map([
      ['ip', [blob([3, 32]), blob([3])]],
      ['loss', []],
    ]);
    const weights = join(dir, 'of.h5');
    await saveCaffeH5(weights, new Map([...params].filter(([name]) => name === 'ip')));
    for (const name of ['out.caffemodel', 'out.caffemodel.h5']) {
      const out = join(dir, name);
      const ran = await mokapot(['transplant', '--from', from, '--weights', weights, '--to', to, '--out', out]);
      expect([ran.code, ran.err]).toEqual([0, '']);
      expect(ran.out).toMatch(/coerced +ip +0 +3x32 → 3x2x4x4 +fully connected to convolution\ncopied +ip +1 +3\n/);
      expect(ran.out).toMatch(/filler +new +0 +2x3x1x1 +constant 0/);
      expect(ran.out).toMatch(/1 copied, 1 coerced, 0 dropped, 2 left to their fillers: 99 of 107 numbers \(92\.5 %\)/);
      const { layers } = name.endsWith('h5') ? loadCaffeH5(out) : loadCaffemodel(out);
      expect(layers.get('ip')![0]).toEqual({ shape: [3, 2, 4, 4], data: blob([3, 32]).data });
    }
  });

  it('writes nothing where nothing fits', async () => {
    const out = join(dir, 'never.caffemodel');
    const to = text('to2.prototxt', TO.replaceAll('"ip"', '"other"'));
    const ran = await mokapot(['transplant', '--weights', sgd, '--to', to, '--out', out]);
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/transplant-nothing[\s\S]*--rename/) });
    expect(existsSync(out)).toBe(false);
    const renamed = await mokapot([
      'transplant',
      '--weights',
      join(dir, 'of.h5'),
      '--to',
      to,
      '--out',
      out,
      '--rename',
      'ip=other',
      '--json',
    ]);
    expect(JSON.parse(renamed.out)).toMatchObject({ taken: 99, lines: [{ action: 'coerced' }, {}, {}, {}] });
  });

  it('says what is wrong with its options', async () => {
    const to = text('to3.prototxt', TO);
    const run = async (...more: string[]) =>
      (await mokapot(['transplant', '--weights', sgd, '--to', to, '--out', join(dir, 'x.caffemodel'), ...more])).err;
    expect(await run('--rename', 'ip')).toMatch(/takes old=new/);
    expect(await run('--out', join(dir, 'x.npz'))).toMatch(/mokapot convert/);
    expect(await run('--to', sgd)).toMatch(/error/);
    const { code, err } = await mokapot(['transplant', '--to', to]);
    expect([code, err]).toEqual([2, expect.stringMatching(/--weights/)]);
  });

  it('grey pictures are assumed where they are asked for and no data set says otherwise', async () => {
    const net = (channels: number) =>
      `layer { name: "data" type: "Data" top: "data" data_param { batch_size: 1 } }\n${layer('Convolution', 'c', 'data', 'convolution_param { num_output: 2 kernel_size: 3 }')}`.replace(
        /^/,
        `# ${channels}\n`,
      );
    const weights = join(dir, 'rgb.h5');
    await saveCaffeH5(weights, new Map([['c', [blob([2, 3, 3, 3]), blob([2])]]]));
    const out = join(dir, 'grey.caffemodel');
    const ran = await mokapot([
      'transplant',
      '--weights',
      weights,
      '--to',
      text('grey.prototxt', net(1)),
      '--out',
      out,
      '--gray',
    ]);
    expect([ran.code, ran.err]).toEqual([0, '']);
    expect(ran.out).toMatch(/coerced +c +0 +2x3x3x3 → 2x1x3x3 +grey: its 3 channels summed/);
    expect(loadCaffemodel(out).layers.get('c')![0]!.shape).toEqual([2, 1, 3, 3]);
    const vain = await mokapot([
      'transplant',
      '--weights',
      weights,
      '--to',
      text('g2.prototxt', net(3)),
      '--out',
      out,
      '--rgb',
    ]);
    expect([vain.code, vain.err]).toEqual([0, expect.stringMatching(/--rgb changed nothing/)]);
  });
});

function blob(shape: number[]) {
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: count }, (_, i) => Math.cos(i)) };
}

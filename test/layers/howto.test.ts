/**
 * docs/layers-howto.md carried out: its files are written into an empty folder and run as a project of one's own runs them;
 * their numbers are those that a fork's code computed, their gradients those of central differences.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, describe as suite } from 'vitest';
import { convert } from '../../src/convert/node/index.js';
import { defaultCatalogue, type LayerCatalogue } from '../../src/layers/index.js';
import { describe } from '../../src/net/index.js';
import { netPicture } from '../../src/picture/index.js';
import { Random } from '../../src/random/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { readGolden } from '../../src/tools/golden_files.js';

const PAGE = readFileSync(new URL('../../docs/layers-howto.md', import.meta.url), 'utf8');
const LIBRARY = fileURLToPath(new URL('../../src/index.ts', import.meta.url));
const GOLDENS = fileURLToPath(new URL('../goldens/forks', import.meta.url));

const dir = mkdtempSync(join(tmpdir(), 'mokapot-howto-'));
afterAll(() => rmSync(dir, { recursive: true }));

const files = [...PAGE.matchAll(/<!-- example: file (\S+) -->\n```ts\n([\s\S]*?)```/g)];
let catalogue: LayerCatalogue;
let load: (text: string) => Promise<Net>;

beforeAll(async () => {
  mkdirSync(dir, { recursive: true });
  for (const [, name, code] of files)
    writeFileSync(join(dir, name!), code!.replaceAll(`from 'mokapot'`, `from ${JSON.stringify(LIBRARY)}`));
  ({ catalogue, load } = await import(/* @vite-ignore */ join(dir, 'catalogue.ts')));
});

/** A golden's net with the names that the page gives its layers. */
const renamed = (prototxt: string) =>
  prototxt
    .replaceAll('"Mish"', '"MyMish"')
    .replaceAll('"ROIAlign"', '"MyROIAlign"')
    .replaceAll('roi_align_param', 'my_roi_align_param');

async function golden(name: string) {
  const { prototxt, values } = await readGolden(GOLDENS, name);
  const of = (key: string) => values.tensors.get(key)!.data;
  return { text: renamed(prototxt), of };
}

it('the page has the files of both layers', () => {
  expect(files.map(([, name]) => name)).toEqual([
    ...['mish.ts', 'register.ts', 'catalogue.ts', 'roi_align_param.ts', 'roi_rule.ts', 'roi_align.ts'],
  ]);
});

suite.each([
  ['Mish', 'fork_mish', ['x']],
  ['ROIAlign', 'fork_roi_align', ['x', 'rois']],
])('%s', (_, name, inputs) => {
  it.each(['host', 'wasm'])("has the fork's numbers on %s", async backend => {
    const { text, of } = await golden(name);
    const net = await Net.fromText(text, { catalogue, backend });
    const out = await net.forward(Object.fromEntries(inputs.map(i => [i, of(`input/${i}`)])));
    const [ours, theirs] = [out.get('y')!.data, of('output/y')];
    expect(ours.length).toBe(theirs.length);
    for (const [i, v] of theirs.entries()) expect(Math.abs(ours[i]! - v)).toBeLessThan(1e-5);
    net.dispose();
  });

  it('has the gradient of central differences', async () => {
    const { text, of } = await golden(name);
    const net = await load(text);
    const feeds = Object.fromEntries(inputs.map(i => [i, Float32Array.from(of(`input/${i}`))]));
    const random = new Random(5);
    await net.forward(feeds);
    const seed = Float32Array.from(net.blobs.get('y')!.data, () => random.uniform(-1, 1));
    await net.backward({ y: seed });
    const gradient = Float32Array.from(net.blobs.get('x')!.diff);
    const at = async (i: number, by: number) => {
      const x = Float32Array.from(feeds['x']!);
      x[i]! += by;
      const { data } = (await net.forward({ ...feeds, x })).get('y')!;
      return data.reduce((sum, y, k) => sum + y * seed[k]!, 0);
    };
    for (let probe = 0; probe < 40; probe++) {
      const i = Math.floor(random.uniform(0, gradient.length));
      const step = 2 ** -8;
      const numeric = ((await at(i, step)) - (await at(i, -step))) / (2 * step);
      expect(Math.abs(gradient[i]! - numeric)).toBeLessThan(2e-3);
    }
    expect(gradient.some(g => g !== 0)).toBe(true);
    net.dispose();
  });
});

suite('what follows from it', () => {
  const input = (name: string, ...shape: number[]) =>
    `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${shape.map(d => `dim: ${d}`).join(' ')} } } }\n`;
  const mish = 'layer { name: "m" type: "MyMish" bottom: "x" top: "x" }\n';
  const align = (param: string, rois = [4, 5]) =>
    `${input('x', 2, 3, 12, 14)}${input('rois', ...rois)}layer { name: "align" type: "MyROIAlign" bottom: "x" bottom: "rois" top: "y" my_roi_align_param { ${param} } }\n`;

  it('Mish runs in place, with a colour of its own', () => {
    const net = describe(input('x', 1, 2, 3, 3) + mish, { catalogue });
    expect(net.diagnostics).toEqual([]);
    expect(netPicture(net).boxes[0]!.rows.map(r => r.kind)).toEqual(['data', 'activation']);
  });

  it("ROIAlign's shapes, the words of its errors and their places", () => {
    const good = describe(align('pooled_h: 3 pooled_w: 2'), { catalogue });
    expect(good.diagnostics).toEqual([]);
    expect(good.blobs.get('y')!.shape).toEqual([4, 3, 3, 2]);
    expect(good.layers.at(-1)!.rule).toBe('a region each, 3×2 bins');
    const [bins] = describe(align('pooled_h: 0 pooled_w: 2'), { catalogue }).diagnostics;
    expect(bins).toMatchObject({ code: 'roi-bins', layer: 'align', location: { range: { start: { line: 3 } } } });
    const [axes] = describe(align('pooled_h: 3 pooled_w: 2', [4, 6]), { catalogue }).diagnostics;
    expect(axes!.shapes?.join('\n')).toContain('"rois"');
  });

  it('the models that it becomes', async () => {
    const net = join(dir, 'mish.prototxt');
    writeFileSync(net, input('x', 1, 2, 3, 3) + mish.replace('top: "x"', 'top: "y"'));
    for (const to of ['onnx', 'tfjs'] as const)
      await convert({ net, to, out: join(dir, to), catalogue, backend: 'host' });
    writeFileSync(net, align('pooled_h: 3 pooled_w: 2'));
    // What runs on the host is in no model.
    await expect(convert({ net, to: 'onnx', out: join(dir, 'no'), catalogue, backend: 'host' })).rejects.toThrow(
      /Layer "align" runs user code/,
    );
  });

  it('registered, every net has it', async () => {
    expect(defaultCatalogue().get('MyMish')).toBeUndefined();
    await import(/* @vite-ignore */ join(dir, 'register.ts'));
    expect(describe(input('x', 1, 2) + mish).diagnostics).toEqual([]);
  });
});

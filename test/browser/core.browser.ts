/** `mokapot/core` in a real page: bundled by vite and by esbuild without a warning, opened in Chromium. */

import { existsSync, statSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describe as describeNet, Solver } from '../../src/index.js';
import { goldenNames } from '../../src/tools/golden_files.js';
import { findChromium, type Server, serve, startChromium } from './chromium.js';
import type { page as offered } from './page.js';
import { type Built, buildWithEsbuild, buildWithVite, makeProject } from './project.js';
import { pictures, SHAPES, SOLVER } from './training.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GOLDENS = join(ROOT, 'test/goldens/layers');
const LENET = join(ROOT, '../shared/data/lenet/lenet_iter_10000.caffemodel');
const ITERATIONS = 30;

const chromium = findChromium();
const names = await goldenNames(GOLDENS);
const network = (name: string) => readFile(join(ROOT, 'networks', `${name}.prototxt`), 'utf8');

declare const page: typeof offered;

if (!chromium) console.log('Skipped: there is no Chromium (`apt-get install chromium`, or MOKAPOT_CHROMIUM=path).');

describe.skipIf(!chromium)('mokapot/core in a page', () => {
  let project: string;
  let browser: Browser;

  beforeAll(async () => {
    project = await makeProject();
    browser = await startChromium(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(project, { recursive: true });
  });

  describe.each([
    ['vite', buildWithVite],
    ['esbuild', buildWithEsbuild],
  ] as const)('bundled by %s', (_, build) => {
    let built: Built;
    let server: Server;
    let tab: Page;
    const complaints: string[] = [];

    beforeAll(async () => {
      built = await build(project);
      server = await serve(built.folder, { '/goldens/': GOLDENS }, true);
      tab = await open(server, complaints);
    });
    afterAll(() => server.close());

    it('has no warning', () => expect(built.warnings).toEqual([]));

    it('shapes FCN-AlexNet as Node.js does', async () => {
      const text = await network('fcn_alexnet');
      const { ok, shapes, milliseconds } = await tab.evaluate(t => page.shapes(t, ['deploy']), text);
      const expected = [...describeNet(text, { stages: ['deploy'] }).blobs].map(([name, { shape }]) => [name, shape]);
      expect([ok, Object.entries(shapes)]).toEqual([true, expected]);
      console.log(`FCN-AlexNet: ${expected.length} shapes in ${milliseconds.toFixed(0)} ms`);
    });

    it('draws a network', async () => {
      const svg = await tab.evaluate(t => page.svg(t), await network('lenet'));
      expect(svg).toMatch(/^<svg[\s\S]*conv1[\s\S]*<\/svg>\s*$/);
    });

    it('takes a layer of its own', async () => {
      const input = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }';
      const text = `${input} layer { name: "y" type: "Double" bottom: "x" top: "y" }`;
      expect(await tab.evaluate(t => page.ownLayer(t), text)).toEqual([
        [2, 3],
        [2, 3],
      ]);
    });

    it.each(['onnx', 'wasm', 'host'])("passes all of Caffe's goldens on %s", async backend => {
      expect(names.length).toBeGreaterThan(100);
      expect(await tab.evaluate(([b, n]) => page.goldens(b, n), [backend, names] as const)).toEqual([]);
    });

    it('trains FCN-small with the losses of Node.js', async () => {
      const text = await network('fcn_small');
      const expected = await lossesHere(text);
      const losses = await tab.evaluate(([t, n]) => page.losses('onnx', t, n), [text, ITERATIONS] as const);
      expect(losses.length).toBe(ITERATIONS);
      losses.forEach((loss, i) => {
        expect(Math.abs(loss - expected[i]!), `iteration ${i}`).toBeLessThan(1e-4);
      });
      expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
    });

    it.each([join(ROOT, 'test/goldens/solvers/sgd_iter_4.caffemodel'), LENET].filter(existsSync))(
      'reads %s from a File and writes it bit for bit',
      async path => {
        await tab.setInputFiles('input', path);
        const { size } = statSync(path);
        expect(await tab.evaluate(() => page.rewrite())).toMatchObject({ size, isSame: true });
      },
    );

    it('has threads, being isolated', async () => {
      expect(await tab.evaluate(() => page.isIsolated())).toBe(true);
      expect(tab.workers().length).toBeGreaterThan(0);
    });

    it('prints nothing', () => expect(complaints).toEqual([]));
  });

  it('runs on one thread in a page that is not isolated', async () => {
    const server = await serve(join(project, 'vite'), {}, false);
    const tab = await open(server, []);
    const text = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 4 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }`;
    expect(await tab.evaluate(() => page.isIsolated())).toBe(false);
    const [onnx, wasm, host] = await tab.evaluate(
      async t => [await page.forward('onnx', t), await page.forward('wasm', t), await page.forward('host', t)],
      text,
    );
    for (const made of [onnx!, wasm!]) for (const [i, x] of made.entries()) expect(x).toBeCloseTo(host![i]!, 5);
    server.close();
  });

  it('says which file is not served', async () => {
    const server = await serve(join(project, 'vite'), {}, true);
    const tab = await open(server, []);
    expect(await tab.evaluate(() => page.unserved())).toMatch(/^onnxruntime-web does not load/);
    server.close();
  });

  /** Opens the page; what it prints to its console, and errors that nobody caught, are complaints. */
  async function open(server: Server, complaints: string[]): Promise<Page> {
    const tab = await browser.newPage();
    tab.on('console', message => complaints.push(message.text()));
    tab.on('pageerror', error => complaints.push(String(error)));
    await tab.goto(server.url);
    await tab.waitForFunction(() => 'page' in globalThis);
    return tab;
  }
});

async function lossesHere(text: string): Promise<readonly number[]> {
  const solver = await Solver.fromText(`${SOLVER} net_param { ${text} }`, {
    stages: ['train'],
    inputShapes: SHAPES,
  });
  for (let i = 0; i < ITERATIONS; i++) await solver.step(1, pictures());
  const { losses } = solver;
  await solver.dispose();
  return losses;
}

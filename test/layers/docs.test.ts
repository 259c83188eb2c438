/** The pages about layers: the generated one is current, the worked example works. */

import { readFileSync } from 'node:fs';
import { transpileModule } from 'typescript';
import { expect, it } from 'vitest';
import { layerTypes, registerLayer } from '../../src/layers/index.js';
import { extendSchema } from '../../src/schema/index.js';
import { compiled, runLayer } from './net_of.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('docs/layers.md agrees with the code (else: npm run docs:layers)', async () => {
  const path = '../../scripts/layers-doc.mjs';
  const { layersPage } = (await import(path)) as { layersPage: () => string };
  expect(read('docs/layers.md')).toBe(layersPage());
});

it('every layer has a sentence for what it does and one for its shape', () => {
  expect([...layerTypes.values()].filter(t => !t.doc || !t.shapeRule).map(t => t.type)).toEqual([]);
});

it('the worked example of docs/layers-howto.md makes a layer', async () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(read('docs/layers-howto.md'))!;
  const body = code!.replace(/^import .*$/m, '');
  new Function('extendSchema', 'registerLayer', transpileModule(body, {}).outputText)(extendSchema, registerLayer);
  const layer = (pieces: number) =>
    `layer { name: "m" type: "Maxout" bottom: "x" top: "y" maxout_param { pieces: ${pieces} } }`;
  const x = Float32Array.of(1, 5, 7, 2, 0, 4, 3, 3);
  const shapes = { x: [1, 4, 2, 1] };
  const out = await runLayer(layer(2), shapes, { x }, { diffs: { y: Float32Array.of(1, 2, 3, 4) }, blobDiffs: ['x'] });
  expect([...out['y']!]).toEqual([7, 5, 3, 4]);
  expect([...out['grad/blob/x']!]).toEqual([0, 2, 1, 0, 0, 4, 3, 0]);
  expect(() => compiled(layer(3), shapes)).toThrow(/groups of 3/);
});

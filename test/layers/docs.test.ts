/** The pages about layers: the generated one is current, and says of each what it must. */

import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { Type } from 'protobufjs';
import { expect, it } from 'vitest';
import { type LayerType, layerTypes } from '../../src/layers/index.js';
import { defaultSchema } from '../../src/schema/index.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('docs/layers.md agrees with the code (else: npm run docs:layers)', async () => {
  const path = '../../scripts/layers-doc.mjs';
  const { layersPage } = (await import(path)) as { layersPage: () => string };
  expect(read('docs/layers.md')).toBe(layersPage());
});

it('every layer that computes has a formula', () => {
  const computing = [...layerTypes.values()].filter(t => t.bottoms.max > 0 && t.tops.max > 0 && t.type !== 'Python');
  expect(computing.filter(t => !t.formula).map(t => t.type)).toEqual([]);
});

/** The code of a layer with all in src/layers that it imports. */
function codeOf(file: string, seen = new Set<string>()): string {
  if (seen.has(file)) return '';
  seen.add(file);
  if (file.startsWith('..')) return '';
  const code = read(`src/layers/${file}`);
  const imports = [...code.matchAll(/from '(\.\.?\/[\w/]+)\.js'/g)].map(m =>
    codeOf(posix.join(posix.dirname(file), `${m[1]}.ts`), seen),
  );
  return [code, ...imports].join('\n');
}

/** What reads the parameters of data layers besides their own files. */
const feeds = [
  'feeds/node/data_parts',
  'feeds/dummy_data',
  'feeds/memory_data',
  'data/batches/transform',
  'data/augment/recipe',
  'feeds/node/augmenting',
  'net/known_types',
];

it('every parameter of a layer is read by its code, or has a reason why not', async () => {
  const path = '../../scripts/layers-doc.mjs';
  const { paramFields, whyUnused } = (await import(path)) as {
    paramFields: (type: LayerType) => readonly string[];
    whyUnused: (type: LayerType, block: string, field: string) => string | undefined;
  };
  const root = defaultSchema().root;
  const fields = root.lookupType('caffe.LayerParameter').fields;
  const files = readdirSync(new URL('../../src/layers/catalogue/', import.meta.url)).filter(f => f.endsWith('.ts'));
  const lost: string[] = [];
  for (const type of layerTypes.values()) {
    const file = files.find(f => read(`src/layers/catalogue/${f}`).includes(`type: '${type.type}'`));
    if (!file) continue; // one that a test registered
    const feeding = type.isSource ? feeds.map(name => read(`src/${name}.ts`)).join('\n') : '';
    const code = codeOf(`catalogue/${file}`).replace(/^ {4}'\w+\.\w+':.*$/gm, '') + feeding;
    for (const [block, message] of paramFields(type).map(name => [name, fields[name]!.resolvedType as Type] as const))
      for (const { name } of message.fieldsArray) {
        const [stem, side] = [name.slice(0, -2), name.slice(-2)];
        const both =
          new RegExp(`\\$\\{\\w+\\}${side}\\b|\\b\\w+_\\$\\{side\\}`).test(code) && new RegExp(`\\b${stem}`).test(code);
        const reads = new RegExp(`\\b${name}\\b`).test(code) || (/_[hw]$/.test(name) && both);
        const why = whyUnused(type, block, name);
        if (!reads && !why) lost.push(`${type.type}: ${message.name}.${name}`);
      }
  }
  expect([...new Set(lost)]).toEqual([]);
});

it('every layer has a sentence for what it does and one for its shape', () => {
  expect([...layerTypes.values()].filter(t => !t.doc || !t.shapeRule).map(t => t.type)).toEqual([]);
});

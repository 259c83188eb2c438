// Writes docs/layers.md from the code: each layer's sentence, its shapes, its parameters with their defaults from the schema,
// where it departs from Caffe, and the goldens that cover it. Run by `npm run docs:layers`; a test holds that the page is current.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const ROOT = new URL('..', import.meta.url);
const jiti = createJiti(import.meta.url);
const { layerTypes } = await jiti.import('../src/layers/index.ts');
const explain = await jiti.import('../src/net/explain.ts');
export const { paramFields, whyUnused } = await jiti.import('../src/net/param_fields.ts');

/** The text of docs/layers.md. */
export function layersPage() {
  const types = [...layerTypes.values()].sort((a, b) => a.type.localeCompare(b.type, 'en'));
  const goldens = goldensByType();
  return [
    '<!-- Generated from the code by `npm run docs:layers`: edit the layers in src/layers. -->',
    '',
    '# Layers',
    '',
    `The ${types.length} layer types that Mokapot has. For one of your own see [layers-howto.md](layers-howto.md).`,
    '',
    'Goldens are cases that BVLC Caffe 1.0 computed (test/goldens/layers) or, where their names begin with fork_ or ssd_, a fork of it',
    '(test/goldens/forks); `mokapot verify` runs them on any engine. Every gradient is also checked by central differences',
    '(test/layers/gradients.test.ts), and rules that several parameters bend are written down anew in test/layers/rules.test.ts; layers of',
    'forks have more numbers in test/layers/forks.test.ts and ssd.test.ts.',
    '',
    ...types.flatMap(type => section(type, goldens.get(type.type) ?? [])),
  ].join('\n');
}

function section(layer, goldens) {
  const type = explain.explainType(layer.type);
  const lines = [`## ${type.type}`, '', type.doc, ''];
  if (type.formula) lines.push(`- **Formula** ${type.formula}`);
  lines.push(`- **Bottoms** ${type.bottoms}, **tops** ${type.tops}.${type.isLoss ? ' A loss.' : ''}`);
  if (type.shapeRule) lines.push(`- **Shape of the top** ${type.shapeRule}`);
  lines.push(`- **Differences from Caffe** ${type.differences || 'None known.'}`);
  if (goldens.length > 0)
    lines.push(`- **Goldens** ${goldens.length > 50 ? 'all' : goldens.map(name => `\`${name}\``).join(', ')}`);
  const ported = PORTED[type.type];
  if (ported) lines.push(`- **Cases in numpy** ${ssdCases()[ported].length}, in test/goldens/ssd`);
  lines.push('');
  for (const block of type.blocks) lines.push(...parameterTable(block));
  return lines;
}

/** Layers of SSD by what its rules, ported to numpy, call them. */
const PORTED = { MultiBoxLoss: 'multibox', DetectionOutput: 'detection', PriorBox: 'prior' };

function ssdCases() {
  return JSON.parse(readFileSync(new URL('test/goldens/ssd/cases.json', ROOT), 'utf8'));
}

function parameterTable({ name, fields }) {
  const rows = fields.map(f => {
    const note = [f.doc, f.whyUnused && `No effect: ${f.whyUnused}.`].filter(text => text).join(' ');
    return `| \`${f.name}\` | ${f.type} | ${f.default && `\`${f.default}\``} | ${note} |`;
  });
  return [`\`${name}\``, '', '| field | type | default | |', '|---|---|---|---|', ...rows, ''];
}

/** The prototxt files of a folder of goldens. */
function texts(name) {
  const folder = fileURLToPath(new URL(`test/goldens/${name}/`, ROOT));
  return readdirSync(folder)
    .filter(file => file.endsWith('.prototxt'))
    .sort()
    .map(file => join(folder, file));
}

/** Names of the cases that hold a layer of each type. */
function goldensByType() {
  const found = new Map();
  for (const file of ['layers', 'forks'].flatMap(texts)) {
    const text = readFileSync(file, 'utf8');
    for (const type of new Set([...text.matchAll(/name: "(?!pre")\w+" type: "(\w+)" (?:bottom|top)/g)].map(m => m[1])))
      found.set(type, [...(found.get(type) ?? []), basename(file, '.prototxt')]);
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(new URL('docs/layers.md', ROOT), layersPage());

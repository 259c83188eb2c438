// Writes docs/layers.md from the code: each layer's sentence, its shapes, its parameters with their defaults from the schema,
// where it departs from Caffe, and the goldens that cover it. Run by `npm run docs:layers`; a test holds that the page is current.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const ROOT = new URL('..', import.meta.url);
const jiti = createJiti(import.meta.url);
const { layerTypes } = await jiti.import('../src/layers/index.ts');
const { caffeRoot, enumName, create, formatValue } = await jiti.import('../src/schema/index.ts');

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
    'Goldens are cases that BVLC Caffe 1.0 computed (test/goldens/layers; `mokapot verify` runs them on any engine). Every gradient is',
    'also checked by central differences (test/layers/gradients.test.ts), and rules that several parameters bend are written down anew in',
    'test/layers/rules.test.ts; layers of forks have their numbers in test/layers/forks.test.ts and ssd.test.ts.',
    '',
    ...types.flatMap(type => section(type, goldens.get(type.type) ?? [])),
  ].join('\n');
}

function section(type, goldens) {
  const lines = [`## ${type.type}`, '', type.doc, ''];
  if (type.formula) lines.push(`- **Formula** ${type.formula}`);
  lines.push(`- **Bottoms** ${arity(type.bottoms)}, **tops** ${arity(type.tops)}.${type.isLoss ? ' A loss.' : ''}`);
  if (type.shapeRule) lines.push(`- **Shape of the top** ${type.shapeRule}`);
  lines.push(`- **Differences from Caffe** ${type.differences ?? 'None known.'}`);
  if (goldens.length > 0)
    lines.push(`- **Goldens** ${goldens.length > 50 ? 'all' : goldens.map(name => `\`${name}\``).join(', ')}`);
  lines.push('');
  for (const field of paramFields(type)) lines.push(...parameterTable(field, type));
  return lines;
}

function arity({ min, max }) {
  if (max === Infinity) return `${min} or more`;
  return min === max ? String(min) : `${min} to ${max}`;
}

/** The fields a layer says it reads, else the one named after it. */
export function paramFields({ type, paramFields }) {
  if (paramFields) return paramFields;
  const plain = name =>
    name
      .replace(/_param$/, '')
      .replaceAll('_', '')
      .toLowerCase();
  return layerFields()
    .filter(f => f.resolvedType && f.name.endsWith('_param') && plain(f.name) === type.toLowerCase())
    .map(f => f.name);
}

function layerFields() {
  return caffeRoot().lookupType('caffe.LayerParameter').fieldsArray;
}

/** Fields that only choose among Caffe's own implementations. */
const ENGINE = 'there is one implementation';

/** Why a field of a layer has no effect; undefined where it has one. */
export function unheeded(type, field) {
  return type.unheeded?.[field] ?? (field === 'engine' ? ENGINE : undefined);
}

function parameterTable(name, type) {
  const { resolvedType } = layerFields().find(f => f.name === name);
  const rows = resolvedType.fieldsArray.map(f => {
    const kind = f.resolvedType?.values
      ? Object.keys(f.resolvedType.values).join(', ')
      : (f.resolvedType?.name ?? f.type);
    const why = unheeded(type, f.name);
    const note = why ? `no effect: ${why}` : '';
    return `| \`${f.name}\` | ${f.repeated ? 'repeated ' : ''}${kind} | ${defaultOf(resolvedType, f)} | ${note} |`;
  });
  return [`\`${name}\``, '', '| field | type | default | |', '|---|---|---|---|', ...rows, ''];
}

function defaultOf(type, field) {
  if (field.repeated || field.options?.default === undefined) return '';
  const message = create(type);
  return field.resolvedType ? enumName(message, field.name) : `\`${formatValue(field, message[field.name])}\``;
}

/** Names of the cases that hold a layer of each type. */
function goldensByType() {
  const folder = new URL('test/goldens/layers/', ROOT);
  const found = new Map();
  for (const file of readdirSync(folder)
    .filter(f => f.endsWith('.prototxt'))
    .sort()) {
    const text = readFileSync(new URL(file, folder), 'utf8');
    for (const type of new Set([...text.matchAll(/name: "(?!pre")\w+" type: "(\w+)" (?:bottom|top)/g)].map(m => m[1])))
      found.set(type, [...(found.get(type) ?? []), file.replace('.prototxt', '')]);
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(new URL('docs/layers.md', ROOT), layersPage());

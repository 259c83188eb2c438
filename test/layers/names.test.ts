/**
 * What is to be known of a layer type stands in its own file: nothing outside src/layers names one, so that a registered layer
 * is treated as a built-in one is. Names inside texts (a prototxt, a hint) are no part of this.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { defaultCatalogue } from '../../src/layers/index.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Parts that know nothing of Caffe: what they name are ops of the IR, of ONNX and of TensorFlow. */
const OPS = /^src\/(ir|emit|engines)\//;

/** Files that name types all the same. */
const MAY: Readonly<Record<string, string>> = {
  'src/schema/generated/caffe.ts': "fields of Caffe's V1 enum, which is part of the schema",
  'src/schema/upgrade.ts': "what Caffe's own upgrades make of texts before 2015",
  'src/schema/upgrade_v0.ts': "what Caffe's own upgrades make of texts before 2013",
  'src/schema/upgrade_text.ts': 'finds in the text what the upgrades changed',
  'src/weights/formats/caffemodel.ts': "what the set-up of Caffe's own classes adds to the layers of a .caffemodel",
  'src/net/known_types.ts': 'types that Mokapot lacks, and what to write in their place',
  'bench/caffe.ts': "makes nets for Caffe's own tool",
  'scripts/layers-doc.mjs': 'types whose cases in numpy lie in test/goldens/ssd',
};

/** Methods that ask a name what it looks like. */
const LOOKS = new Set(['endsWith', 'startsWith', 'includes', 'match', 'test', 'search']);

/** Where a text names one of the types, or guesses at it by the look of `….type`. */
function named(file: string, text: string, types: ReadonlySet<string>): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const tell = (node: ts.Node) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${file}:${line + 1} ${node.getText().split('\n')[0]!.slice(0, 60)}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isStringLiteralLike(node) && types.has(node.text)) tell(node);
    else if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && types.has(node.name.text)) tell(node);
    else if (looksAtType(node)) tell(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `layer.type.endsWith('Loss')`, `/Data$/.test(layer.type)`; not of what is no layer's. */
function looksAtType(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  const { name, expression } = node.expression;
  if (!LOOKS.has(name.text)) return false;
  const asked = ts.isRegularExpressionLiteral(expression) ? node.arguments[0] : expression;
  return asked !== undefined && /\b(l|layer|type|param|loss|source)\.type$/.test(asked.getText());
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(f => f.isFile() && /\.(ts|mts|js|mjs)$/.test(f.name))
    .map(f => relative(ROOT, join(f.parentPath, f.name)).split(sep).join('/'))
    .filter(f => !f.startsWith('src/layers/') && !OPS.test(f));
}

const types = new Set(defaultCatalogue().types.keys());

describe('layer types', () => {
  const files = ['src', 'bench', 'scripts', 'bin'].flatMap(sources);
  const found = new Map(files.map(file => [file, named(file, readFileSync(join(ROOT, file), 'utf8'), types)]));

  it('are named in src/layers alone', () => {
    const others = [...found].filter(([file]) => !Object.hasOwn(MAY, file)).flatMap(([, places]) => places);
    expect(others).toEqual([]);
  });

  it('are named where the list above says so', () => {
    const idle = Object.keys(MAY).filter(file => !(found.get(file)?.length || file === 'src/net/known_types.ts'));
    expect(idle).toEqual([]);
  });
});

describe('the search', () => {
  it.each([
    `if (layer.type.type === 'Softmax') return;`,
    'const KEPT = new Set(["ReLU"]);',
    'const RULES = { Convolution: rule };',
    `const x = { 'Convolution': rule };`,
    'const t = `Pooling`;',
    `layers.filter(l => l.type.endsWith('onvolution'))`,
    'layers.filter(layer => /Data$/.test(layer.type))',
    `switch (layer.type) { case 'ImageData': break; }`,
  ])('finds %s', text => expect(named('src/a.ts', text, types)).toHaveLength(1));

  it.each([
    'const example = `layer { type: "Convolution" }`;',
    `const hint = 'Write type: "SoftmaxWithLoss".';`,
    `import { relu } from './ReLU';`,
    `if (field.type.endsWith('64')) return;`,
    '// a Convolution',
    `const filler = { type: 'constant' };`,
  ])('leaves %s alone', text => expect(named('src/a.ts', text, types)).toEqual([]));
});

/** `mokapot/core` runs in a page: nothing that it reaches is Node's, and what needs no engine is small. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { bundle, ROOT } from './bundle.js';

/** Packages that run in a page. */
const PACKAGES = new Set([
  '@chevrotain/cst-dts-gen',
  '@chevrotain/gast',
  '@chevrotain/regexp-to-ast',
  '@chevrotain/utils',
  '@protobufjs/aspromise',
  '@protobufjs/base64',
  '@protobufjs/codegen',
  '@protobufjs/eventemitter',
  '@protobufjs/fetch',
  '@protobufjs/float',
  '@protobufjs/inquire',
  '@protobufjs/path',
  '@protobufjs/pool',
  '@protobufjs/utf8',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-converter',
  '@tensorflow/tfjs-core',
  'chevrotain',
  'elkjs',
  'fflate',
  'lodash-es',
  'long',
  'onnxruntime-common',
  'onnxruntime-web',
  'protobufjs',
  'seedrandom',
]);

/** Names that only Node.js has as globals. */
const GLOBALS = new Set(['process', 'Buffer', '__dirname', '__filename', 'require', 'setImmediate', 'createRequire']);

/** Global names of Node's that a file uses: `globalThis.process?.` and a property of that name are none. */
function nodeGlobals(path: string, text: string): string[] {
  if (![...GLOBALS].some(name => text.includes(name))) return [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && GLOBALS.has(node.text) && isFree(node)) found.push(`${path}: ${node.text}`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isFree(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  const names = [ts.isPropertySignature, ts.isPropertyAssignment, ts.isMethodDeclaration, ts.isMethodSignature];
  return !names.some(is => is(parent) && parent.name === node);
}

describe('mokapot/core', async () => {
  const whole = await bundle(`export * from './src/core.ts';`);
  const own = whole.files.filter(file => /^(src|grammar)\//.test(file));

  it('reaches no module of Node’s, by a bundler’s word', () => {
    const outside = Object.values(whole.meta.inputs).flatMap(input => input.imports.filter(i => i.external));
    expect(outside.filter(i => i.path !== '<runtime>')).toEqual([]);
  });

  it('reaches nothing in a folder called node', () => {
    expect(own.length).toBeGreaterThan(200);
    expect(own.filter(file => file.split('/').includes('node'))).toEqual([]);
  });

  it('uses no global of Node’s', () => {
    expect(own.flatMap(file => nodeGlobals(file, readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
    expect(nodeGlobals('x.ts', 'const a = process.env; globalThis.process?.env; const b = { Buffer: 1 };')).toEqual([
      'x.ts: process',
    ]);
  });

  it('takes the packages that run anywhere', () => {
    const packages = whole.files.flatMap(file => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
    expect([...new Set(packages)].filter(name => !PACKAGES.has(name))).toEqual([]);
  });
});

describe('a page without engines', () => {
  it('describes, checks, mends and explains in less than 200 kB, gzipped', async () => {
    const { gzipped, used } = await bundle(
      `export { applyFixes, describe, deployText, diffNets, editText, explainLayer, formatText, netPicture, toSvg,
         upgradeText } from './src/core.ts';`,
    );
    expect(gzipped).toBeLessThan(200_000);
    expect(used.filter(file => /^src\/(emit|engines)\//.test(file))).toEqual([]);
    expect(used.filter(file => /^src\/net\/checks\/(compiled|documented|examples)\.ts$/.test(file))).toEqual([]);
  });

  it('reads and writes weights in less than 100 kB, gzipped', async () => {
    const { gzipped } = await bundle(
      `export { readWeights, writeCaffemodel, writeSafetensors, writeNpz, writeCaffeH5 } from './src/core.ts';`,
    );
    expect(gzipped).toBeLessThan(100_000);
  });
});

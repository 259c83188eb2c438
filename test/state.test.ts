/**
 * No hidden state: what a call gives depends on what it is given. Variables of modules that change after loading are
 * listed here, each with the reason why no result depends on when it changes.
 */

import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../', import.meta.url);

/** By file, the variables and why they may change. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'grammar/index.ts': { parser: 'The parser, made when it is first needed; a text leaves nothing behind in it.' },
  'grammar/tokens.ts': {
    lexer: 'Made when it is first needed, never changed.',
    faults: 'What custom token patterns find in the text under way: emptied at its start, handed over at its end.',
  },
  'src/data/dicom/codecs.ts': { loaded: 'wasm codecs, loaded once.' },
  'src/emit/onnx/schema.ts': { modelType: "ONNX's schema, made when it is first needed, never changed." },
  'src/kernels/loops.ts': { cache: 'Compiled loops by their source text.' },
  'src/engines/onnx/node/devices.ts': {
    problems: 'Whether an engine of this machine works: found out once.',
    speeds: 'How fast an engine of this machine is: measured once, for the choice of `auto`.',
  },
  'src/engines/onnx/node/native.ts': { loaded: 'onnxruntime-node, or why it does not load.' },
  'src/engines/onnx/node/web.ts': { loaded: 'onnxruntime-web, or why it does not load.' },
  'src/engines/onnx/page.ts': { loaded: 'A page has one onnxruntime-web of each build.' },
  'src/engines/tfjs/node/tensorflow.ts': { loaded: 'tfjs-node, or why it does not load.' },
  'src/engines/tfjs/node/wasm.ts': {
    shared: 'The wasm module: one heap and one set of threads a process.',
    chosen: 'tfjs, loaded once.',
  },
  'src/engines/tfjs/node/webgpu.ts': { loaded: 'A WebGPU implementation, or why there is none.' },
  'src/engines/tfjs/page.ts': { shared: 'A page has one wasm module.' },
  'src/files/temporary.ts': { swept: 'Folders that were looked through for what earlier processes left: once each.' },
  'src/layers/catalogue/python.ts': { states: 'What belongs to one layer object, kept by that object.' },
  'src/layers/elementwise.ts': { known: 'What was found out of one layer in its place, kept by that place.' },
  'src/layers/index.ts': {
    current: 'The short calls registerLayer and registerPythonLayer: for nets whose options name no catalogue.',
    layerTypes: 'The types of that default catalogue.',
  },
  'src/layers/rules/once_per_graph.ts': { made: 'What belongs to one graph under construction, kept by its builder.' },
  'src/picture/node/png.ts': { ready: 'The wasm that draws PNGs, loaded once.' },
  'src/python/process.ts': { running: 'Child processes, so that they end with this one.' },
  'src/runtime/param_store.ts': {
    storesOn: 'Stores of an engine are numbered, so that names of their variables differ.',
  },
  'src/schema/message.ts': { defaults: 'A frozen message of defaults for each type.' },
  'src/schema/parse.ts': {
    origins: 'Where a message stands in its text, kept by the message.',
    values: 'The same field by field.',
    scopes: 'The names of a type: follow from the type.',
    entryTypes: "The type of a map field's entries: follows from the field.",
  },
  'src/schema/schema.ts': {
    standard: 'The short call extendSchema: for calls that are given no schema.',
    schemas: 'Which schema a root belongs to: set once, when the root is made.',
    prepared: 'Types whose defaults were put in order.',
  },
};

const CONTAINERS = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);
const CHANGING = new Set([
  'set',
  'add',
  'delete',
  'clear',
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'sort',
  'fill',
]);

/** Top-level variables of a module that can change: `let`, and containers that something in the module changes. */
function changingVariables(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lets: string[] = [];
  const containers = new Set<string>();
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const isConst = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (!isConst) lets.push(name.getText());
      else if (initializer && isContainer(initializer)) containers.add(name.getText());
    }
  }
  const changed = new Set<string>();
  const visit = (node: ts.Node): void => {
    const target = changedBy(node);
    if (target !== undefined && containers.has(target)) changed.add(target);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...lets, ...changed];
}

function isContainer(node: ts.Expression): boolean {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return isContainer(node.expression);
  if (ts.isNewExpression(node)) return CONTAINERS.has(node.expression.getText());
  return ts.isArrayLiteralExpression(node) || ts.isObjectLiteralExpression(node);
}

/** The variable that `x.set(…)`, `x[i] = …`, `x.y = …` or `delete x.y` changes. */
function changedBy(node: ts.Node): string | undefined {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name, expression } = node.expression;
    return CHANGING.has(name.text) ? expression.getText() : undefined;
  }
  const isAssignment =
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
    node.operatorToken.kind <= ts.SyntaxKind.LastAssignment;
  const target = isAssignment ? node.left : ts.isDeleteExpression(node) ? node.expression : undefined;
  const isInside = target && (ts.isElementAccessExpression(target) || ts.isPropertyAccessExpression(target));
  return isInside ? target.expression.getText() : undefined;
}

const files = ['src', 'grammar'].flatMap(folder =>
  readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => `${folder}/${name}`),
);

describe('variables of modules that change', () => {
  it('are those of the list, each with its reason', () => {
    const found = files.flatMap(file =>
      changingVariables(file, readFileSync(new URL(file, ROOT), 'utf8')).map(name => `${file}: ${name}`),
    );
    const listed = Object.entries(ALLOWED).flatMap(([file, names]) => Object.keys(names).map(n => `${file}: ${n}`));
    expect(found.sort()).toEqual(listed.sort());
  });

  it.each([
    ['let a = 1;', ['a']],
    ['const seen = new Set<string>(); export const f = (x: string) => seen.add(x);', ['seen']],
    ['const list: string[] = []; function f() { list.push("x"); }', ['list']],
    ['const table: Record<string, number> = {}; function f() { table["a"] = 1; }', ['table']],
    ['const state = { on: false }; function f() { state.on = true; }', ['state']],
    ['const fixed = new Set(["a"]); export const has = (x: string) => fixed.has(x);', []],
    ['function f() { const own = new Map(); own.set(1, 2); let n = 0; return n; }', []],
  ])('are found: %s', (text, names) => {
    expect(changingVariables('a.ts', text)).toEqual(names);
  });
});

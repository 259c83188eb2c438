/** Imports point down the tables of docs/architecture.md only, and what must run in a browser imports nothing of Node's. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What each part may import besides itself. `grammar` lies at the top level, the others under `src/`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  diagnostics: [],
  random: [],
  files: ['diagnostics'],
  grammar: ['diagnostics'],
  schema: ['grammar', 'diagnostics'],
  ir: ['diagnostics', 'random'],
  layers: ['ir', 'schema', 'diagnostics', 'random'],
  fillers: ['ir', 'schema', 'diagnostics', 'random'],
  net: ['layers', 'ir', 'schema', 'grammar', 'diagnostics', 'random'],
  weights: ['schema', 'grammar', 'diagnostics', 'files'],
  kernels: ['ir', 'diagnostics'],
  emit: ['kernels', 'ir', 'diagnostics'],
  engines: ['emit', 'kernels', 'ir', 'diagnostics'],
  solver: ['ir', 'schema', 'diagnostics'],
  data: ['schema', 'diagnostics', 'random', 'weights', 'files'],
  python: ['layers', 'ir', 'diagnostics'],
};

/** What runs networks: each part on those before it and on all of the above. */
const RUNNERS = ['feeds', 'runtime', 'tools', 'charts', 'train', 'convert'] as const;
const BELOW = Object.keys(ALLOWED);
const LIBRARY = [...BELOW, ...RUNNERS, 'picture'];
const FACES = ['server', 'web', 'lsp'];

function without(parts: readonly string[], ...left: readonly string[]): string[] {
  return parts.filter(part => !left.includes(part));
}

/** The rest of the line: running stands on all of the above, faces on everything but the command line. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  ...ALLOWED,
  feeds: ['data', 'files', 'net', 'layers', 'fillers', 'ir', 'schema', 'random', 'diagnostics'],
  runtime: [...without(BELOW, 'emit', 'solver'), 'feeds'],
  tools: [...without(BELOW, 'emit', 'solver'), 'feeds', 'runtime'],
  charts: ['tools', 'weights', 'diagnostics'],
  train: [...without(BELOW, 'emit', 'python'), 'feeds', 'runtime', 'charts'],
  convert: [...without(BELOW, 'solver', 'data', 'python'), 'runtime', 'feeds'],
  picture: ['net', 'schema', 'diagnostics'],
  lsp: ['net', 'solver', 'layers', 'ir', 'schema', 'grammar', 'diagnostics'],
  vitest: ['net', ...ALLOWED['net']!],
  web: [...LIBRARY, 'lsp'],
  server: [...LIBRARY, 'lsp', 'web'],
  cli: [...LIBRARY, ...FACES],
  // src/index.ts, the library.
  '': LIBRARY,
};

const IN_BROWSER = new Set(['grammar', 'schema', 'net', 'layers', 'fillers', 'ir', 'diagnostics', 'random', 'solver']);

/** Packages that run anywhere; a part that must do so imports no other. */
const ANYWHERE = new Set(['chevrotain', 'protobufjs', 'long']);

/** `src/net/filter.ts` is of `net`, `grammar/tokens.ts` of `grammar`, `src/index.ts` of ``. */
function partOf(file: string): string {
  const [top, second, ...rest] = file.split('/');
  if (top !== 'src') return top!;
  return rest.length > 0 ? second! : '';
}

/** What is wrong with the imports of one file, given as its path from the root and its text. */
function violations(file: string, text: string): string[] {
  const part = partOf(file);
  const rule = RULES[part];
  if (!rule) return [`${file}: the folder ${part} has no rule in test/architecture.test.ts`];
  return ts.preProcessFile(text, true, true).importedFiles.flatMap(({ fileName: wanted }) => {
    if (!wanted.startsWith('.')) {
      const foreign = IN_BROWSER.has(part) && !ANYWHERE.has(wanted.split('/')[0]!);
      return foreign ? [`${file}: ${part} must run in a browser and imports ${wanted}`] : [];
    }
    const target = posix.join(posix.dirname(file), wanted);
    const to = partOf(target);
    // Data files (a package.json) belong to no part.
    if (target.endsWith('.json') || to === part || rule.includes(to)) return [];
    return [`${file}: ${part || 'the library'} imports ${to || 'the library'} (${wanted})`];
  });
}

/** What a module imports when it is loaded: no types, nothing that is loaded later. */
function valueImports(text: string): string[] {
  const { statements } = ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest);
  return statements.flatMap(s => {
    if (!ts.isImportDeclaration(s) && !ts.isExportDeclaration(s)) return [];
    const clause = ts.isImportDeclaration(s) ? s.importClause : undefined;
    const names = clause ? clause.namedBindings : ts.isExportDeclaration(s) ? s.exportClause : undefined;
    const elements = names && (ts.isNamedImports(names) || ts.isNamedExports(names)) ? [...names.elements] : [];
    const isType = ts.isExportDeclaration(s) ? s.isTypeOnly : (clause?.isTypeOnly ?? false);
    if (isType || (elements.length > 0 && !clause?.name && elements.every(e => e.isTypeOnly))) return [];
    return s.moduleSpecifier ? [(s.moduleSpecifier as ts.StringLiteral).text] : [];
  });
}

/** The strongly connected components of more than one node (Tarjan). */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.get(node)!);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) found.push(circle);
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found;
}

function sources(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(f => f.isFile() && /\.(ts|tsx|mts|cts|js|mjs)$/.test(f.name))
    .map(f => relative(ROOT, join(f.parentPath, f.name)).split(sep).join('/'));
}

describe('imports', () => {
  const files = [...sources('src'), ...sources('grammar')];

  it('are read from all parts', () => {
    for (const part of ['grammar', 'schema', 'net', 'layers', 'ir', 'engines'])
      expect(files.map(partOf)).toContain(part);
  });

  it('point down the line', () => {
    expect(files.flatMap(file => violations(file, readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
  });

  it('make no circles of parts', () => {
    const parts = new Map(Object.entries(RULES));
    expect(circles(parts)).toEqual([]);
  });

  it('make no circles of files, types aside', () => {
    const graph = new Map(
      files.map(file => {
        const wanted = valueImports(readFileSync(join(ROOT, file), 'utf8')).filter(name => name.startsWith('.'));
        return [file, wanted.map(name => posix.join(posix.dirname(file), name).replace(/\.js$/, '.ts'))];
      }),
    );
    expect(circles(graph)).toEqual([]);
  });

  it('lead to files that exist', () => {
    const missing = files.flatMap(file =>
      ts
        .preProcessFile(readFileSync(join(ROOT, file), 'utf8'), true, true)
        .importedFiles.map(i => i.fileName)
        .filter(name => name.startsWith('.'))
        .filter(name => {
          const path = join(ROOT, dirname(file), name);
          return !existsSync(path) && !existsSync(path.replace(/\.js$/, '.ts'));
        })
        .map(name => `${file}: ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the checker', () => {
  it.each([
    ['an import up the line', 'src/ir/a.ts', `import { x } from '../net/index.js';`],
    ['a type import', 'src/layers/a.ts', `import type { x } from '../net/types.js';`],
    ['an export from', 'src/schema/a.ts', `export * from '../layers/index.js';`],
    ['an import at run time', 'src/net/a.ts', `const x = await import('../engines/index.js');`],
    ['a type by import()', 'src/net/a.ts', `let x: import('../train/node/index.js').X;`],
    ['a bare import', 'grammar/a.ts', `import '../src/schema/index.js';`],
    ['the command line, from anywhere', 'src/server/a.ts', `import { x } from '../cli/index.js';`],
    ['the library, from a part of it', 'src/net/a.ts', `import { x } from '../index.js';`],
    ["one of Node's modules where a browser must do", 'src/net/a.ts', `import { readFileSync } from 'node:fs';`],
    ["one of Node's by its old name", 'grammar/a.ts', `import fs from 'fs';`],
    ['a package for Node alone', 'src/solver/a.ts', `import lmdb from 'lmdb';`],
    ['a feed that knows nets that run', 'src/feeds/a.ts', `import { x } from '../runtime/net.js';`],
    ['a net that knows training', 'src/runtime/a.ts', `import { x } from '../train/index.js';`],
    ['a folder without a rule', 'src/elsewhere/a.ts', ''],
  ])('catches %s', (_, file, text) => expect(violations(file, text)).toHaveLength(1));

  it.each([
    ['src/net/checks/a.ts', `import { x } from '../../layers/index.js';\nimport { y } from '../types.js';`],
    ['src/schema/a.ts', `import protobuf from 'protobufjs';\nimport '../../grammar/index.js';`],
    ['src/cli/a.ts', `import { x } from '../train/node/index.js';\nimport { readFileSync } from 'node:fs';`],
    ['src/net/a.ts', `// import { x } from '../cli/index.js';\nconst s = "import '../cli/index.js'";`],
  ])('lets %s be', (file, text) => expect(violations(file, text)).toEqual([]));

  it.each([
    [`import { x } from './b.js';`, ['./b.js']],
    [`import x from './b.js';`, ['./b.js']],
    [`import './b.js';\nexport * from './c.js';`, ['./b.js', './c.js']],
    [`export { x, type Y } from './b.js';`, ['./b.js']],
    [`import type { X } from './b.js';\nimport { type Y } from './c.js';\nexport type { Z } from './d.js';`, []],
    [`const x = await import('./b.js');`, []],
  ])('reads what %s loads', (text, wanted) => expect(valueImports(text)).toEqual(wanted));

  it('finds circles', () => {
    const graph = new Map([
      ['a', ['b', 'x']],
      ['b', ['c']],
      ['c', ['b', 'd']],
      ['d', []],
    ]);
    expect(circles(graph)).toEqual([['b', 'c']]);
  });
});

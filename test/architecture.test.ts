/** Imports point down the line of DESIGN.md only, and what must run in a browser imports nothing of Node's. */

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
  emit: ['engines', 'ir', 'diagnostics'],
  engines: ['emit', 'ir', 'diagnostics'],
  solver: ['ir', 'schema', 'diagnostics'],
  data: ['schema', 'diagnostics', 'random', 'weights', 'files'],
  python: ['layers', 'ir', 'diagnostics'],
};

const BELOW = Object.keys(ALLOWED);
const RUNNERS = ['feeds', 'runtime', 'tools', 'train', 'charts'];
const LIBRARY = [...BELOW, ...RUNNERS, 'convert', 'picture'];
const FACES = ['server', 'web', 'lsp'];

/** The rest of the line: running stands on all of the above, faces on everything but the command line. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  ...ALLOWED,
  feeds: [...BELOW, ...RUNNERS],
  runtime: [...BELOW, ...RUNNERS],
  tools: [...BELOW, ...RUNNERS],
  train: [...BELOW, ...RUNNERS],
  charts: [...BELOW, ...RUNNERS],
  convert: [...BELOW, ...RUNNERS],
  picture: ['net', 'schema', 'diagnostics'],
  lsp: ['net', 'solver', 'layers', 'ir', 'schema', 'grammar', 'diagnostics'],
  vitest: ['net', ...ALLOWED['net']!],
  server: [...LIBRARY, ...FACES],
  web: [...LIBRARY, ...FACES],
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
    ['a type by import()', 'src/net/a.ts', `let x: import('../train/index.js').X;`],
    ['a bare import', 'grammar/a.ts', `import '../src/schema/index.js';`],
    ['the command line, from anywhere', 'src/server/a.ts', `import { x } from '../cli/index.js';`],
    ['the library, from a part of it', 'src/net/a.ts', `import { x } from '../index.js';`],
    ["one of Node's modules where a browser must do", 'src/net/a.ts', `import { readFileSync } from 'node:fs';`],
    ["one of Node's by its old name", 'grammar/a.ts', `import fs from 'fs';`],
    ['a package for Node alone', 'src/solver/a.ts', `import lmdb from 'lmdb';`],
    ['a folder without a rule', 'src/elsewhere/a.ts', ''],
  ])('catches %s', (_, file, text) => expect(violations(file, text)).toHaveLength(1));

  it.each([
    ['src/net/checks/a.ts', `import { x } from '../../layers/index.js';\nimport { y } from '../types.js';`],
    ['src/schema/a.ts', `import protobuf from 'protobufjs';\nimport '../../grammar/index.js';`],
    ['src/cli/a.ts', `import { x } from '../train/index.js';\nimport { readFileSync } from 'node:fs';`],
    ['src/net/a.ts', `// import { x } from '../cli/index.js';\nconst s = "import '../cli/index.js'";`],
  ])('lets %s be', (file, text) => expect(violations(file, text)).toEqual([]));
});

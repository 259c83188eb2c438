/**
 * TypeScript in README.md and docs/ passes strict tsc against the library's own sources, and so do the programs in examples/.
 * What a snippet takes for given stands in a comment before it: `<!-- given: text: string; pixels: Float32Array -->`. One that
 * is a file, `<!-- example: file mish.ts -->`, may import the page's others.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = [
  'README.md',
  ...readdirSync(`${ROOT}docs`).flatMap(name => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];
const PROGRAMS = readdirSync(`${ROOT}examples`).flatMap(name => (name.endsWith('.js') ? [`examples/${name}`] : []));

/** A block of code: the name under which the compiler sees it, and its text as a module. */
interface Snippet {
  readonly path: string;
  readonly text: string;
  /** Of the page: the line before its first. */
  readonly line: number;
  readonly page: string;
}

function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(ROOT + page, 'utf8');
  const blocks = text.matchAll(
    /(?:<!-- given: (.*?) -->\s*|<!-- example: file (\S+\.ts) -->\s*)?^```(?:ts|typescript)\n(.*?)^```/gms,
  );
  return [...blocks].map((block, i) => {
    const [whole, given = '', file, code = ''] = block;
    const declared = given.split(';').flatMap(name => (name.trim() ? [`declare const ${name.trim()};`] : []));
    const line = text.slice(0, block.index + whole.indexOf('```')).split('\n').length;
    // All on one line, so that lines are those of the page.
    const module = `${declared.join(' ')} export {}; ${code}`;
    return { path: ROOT + (file ?? `${page.replaceAll(/\W/g, '_')}_${i}.ts`), text: module, line, page };
  });
}

const snippets = PAGES.flatMap(snippetsOf);

const options: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  checkJs: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  paths: {
    mokapot: [`${ROOT}src/index.ts`],
    'mokapot/core': [`${ROOT}src/core.ts`],
    'mokapot/*': [`${ROOT}src/*/index.ts`],
  },
};

let program: ts.Program;
beforeAll(() => {
  const virtual = new Map(snippets.map(snippet => [snippet.path, snippet.text]));
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = path => virtual.has(path) || fileExists(path);
  host.readFile = path => virtual.get(path) ?? readFile(path);
  host.getSourceFile = (path, ...more) =>
    virtual.has(path) ? ts.createSourceFile(path, virtual.get(path)!, more[0]) : getSourceFile(path, ...more);
  program = ts.createProgram([...virtual.keys(), ...PROGRAMS.map(path => ROOT + path)], options, host);
}, 120_000);

/** What the compiler has against a file, with lines counted from `line` on. */
function complaints(path: string, page: string, line = 0): string[] {
  const file = program.getSourceFile(path)!;
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
    ({ start, messageText }) => {
      const at = line + file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
      return `${page}:${at}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    },
  );
}

it('finds the snippets', () => {
  expect(new Set(snippets.map(({ page }) => page))).toContain('README.md');
  expect(snippets.length).toBeGreaterThan(4);
});

it.each(snippets.map(snippet => [`${snippet.page}:${snippet.line}`, snippet] as const))(
  '%s',
  (_, { path, page, line }) => {
    expect(complaints(path, page, line)).toEqual([]);
  },
);

it.each(PROGRAMS)('%s', path => {
  expect(complaints(ROOT + path, path)).toEqual([]);
});

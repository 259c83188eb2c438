/**
 * Objects that names of people's go into are made by `recordOf` and read by `own` (src/diagnostics/records.ts), or are Maps:
 * of any other object `constructor` is there before anybody wrote it, and `__proto__` cannot be written. This holds for
 * every key that the compiler knows for no more than a string; the files below have such, each with the reason why no
 * name of a person's is among them.
 */

import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const OF_MESSAGES = "fields of messages: names are the schema's, and defaults are inherited";

const ALLOWED: Readonly<Record<string, string>> = {
  'grammar/strings.ts': 'single letters behind a backslash',
  'src/cli/errors.ts': "calls of the operating system, in a table of this file's own",
  'src/convert/fold_batch_norm.ts': OF_MESSAGES,
  'src/convert/node/convert.ts': 'options by their own names',
  'src/diagnostics/records.ts': 'what the rule is about',
  'src/emit/onnx/ops/elementwise.ts': 'ops of the IR',
  'src/emit/tfjs/pool.ts': 'fields of an op of TensorFlow',
  'src/engines/onnx/node/devices.ts': 'variables of the environment that it lists',
  'src/net/checks/check.ts': OF_MESSAGES,
  'src/net/context.ts': OF_MESSAGES,
  'src/net/diff.ts': OF_MESSAGES,
  'src/net/explain.ts': OF_MESSAGES,
  'src/schema/codec.ts': OF_MESSAGES,
  'src/schema/edit.ts': OF_MESSAGES,
  'src/schema/foreign.ts': OF_MESSAGES,
  'src/schema/message.ts': OF_MESSAGES,
  'src/schema/parse.ts': OF_MESSAGES,
  'src/schema/schema.ts': OF_MESSAGES,
  'src/schema/select.ts': 'type, phase and stage, by a pattern',
  'src/schema/splices.ts': OF_MESSAGES,
  'src/schema/upgrade.ts': OF_MESSAGES,
  'src/schema/upgrade_v0.ts': OF_MESSAGES,
  'src/schema/values.ts': "integer types, in a table of this file's own",
  'src/schema/wire.ts': OF_MESSAGES,
  'src/train/digits.ts': 'options by their own names',
  'src/train/node/run_options.ts': 'options by their own names',
};

/** Whether a key of this type can be any name. */
function isAnyName(type: ts.Type): boolean {
  if (type.isUnion()) return type.types.some(isAnyName);
  return (type.flags & (ts.TypeFlags.String | ts.TypeFlags.TemplateLiteral)) !== 0;
}

/** Whether the node reads or writes a plain object by a name that the compiler does not know. */
function isByName(node: ts.Node, checker: ts.TypeChecker): boolean {
  const typeOf = (of: ts.Node) => checker.getTypeAtLocation(of);
  if (ts.isElementAccessExpression(node)) return isAnyName(typeOf(node.argumentExpression));
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword)
    return isAnyName(typeOf(node.left)) && !ts.isStringLiteral(node.left);
  if (!ts.isCallExpression(node)) return false;
  const called = node.expression.getText();
  if (called === 'Object.assign')
    return node.arguments.some(a => ts.isSpreadElement(a) || typeOf(a).getStringIndexType() !== undefined);
  if (called !== 'Object.fromEntries') return false;
  const made = typeOf(node).getStringIndexType();
  return made !== undefined || (typeOf(node).flags & ts.TypeFlags.Any) !== 0;
}

/** The places of a program's files where it does, as `file:line text`. */
function placesIn(program: ts.Program, files: readonly string[]): string[] {
  const checker = program.getTypeChecker();
  return files.flatMap(file => {
    const source = program.getSourceFile(file)!;
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      if (isByName(node, checker)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        const name = relative(ROOT, file).split(sep).join('/');
        found.push(`${name}:${line + 1} ${node.getText().split('\n')[0]!.slice(0, 60)}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
}

describe('objects by name', () => {
  it('are read by own and made by recordOf, but for the files of the list', () => {
    const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
    const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    const files = fileNames.filter(f => /\/(src|grammar)\/.*\.ts$/.test(f) && !f.includes('/generated/'));
    const places = placesIn(ts.createProgram(files, options), files);
    expect(places.filter(place => !Object.hasOwn(ALLOWED, place.split(':')[0]!))).toEqual([]);
    expect(new Set(places.map(place => place.split(':')[0]))).toEqual(new Set(Object.keys(ALLOWED)));
  });

  it.each([
    ['const a = (o: Record<string, number>, name: string) => o[name];', 1],
    ['const a = (o: Record<string, number>, name: string) => { o[name] = 1; };', 1],
    ['const a = (o: object, name: string) => name in o;', 1],
    ['const a = (o: Record<string, number>) => Object.assign({}, o);', 1],
    ['const a = (o: Record<string, number>[]) => Object.assign({}, ...o);', 1],
    ['const a = (o: [string, number][]) => Object.fromEntries(o);', 1],
    ["const a = (o: Record<string, number>) => o['data'];", 0],
    ["const a = (o: { x: 1; y: 2 }, name: 'x' | 'y') => o[name];", 0],
    ['const a = (o: number[], i: number) => o[i];', 0],
    ['const a = (o: Map<string, number>, name: string) => o.get(name);', 0],
    ["const a = (o: object) => 'x' in o;", 0],
  ])('%s: %i', (text, count) => {
    const host = ts.createCompilerHost({});
    const read = host.getSourceFile.bind(host);
    host.getSourceFile = (name, ...rest) =>
      name === 'a.ts' ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true) : read(name, ...rest);
    const program = ts.createProgram(['a.ts'], { strict: true, lib: ['lib.es2023.d.ts'], types: [] }, host);
    expect(placesIn(program, ['a.ts'])).toHaveLength(count);
  });
});

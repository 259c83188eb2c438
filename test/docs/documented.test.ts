/**
 * Every export of the library has a docstring, and so has each member of its classes and interfaces. What an object that is
 * written in place holds is told by the docstring of the member it belongs to.
 */

import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRIES = ['src/index.ts', 'src/core.ts', 'src/vitest/index.ts'];

let program: ts.Program;
let checker: ts.TypeChecker;
beforeAll(() => {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  program = ts.createProgram(
    ENTRIES.map(entry => ROOT + entry),
    options,
  );
  checker = program.getTypeChecker();
}, 120_000);

/** Documented, or marked as not for users. */
const hasDoc = (symbol: ts.Symbol) =>
  symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags().some(tag => tag.name === 'internal');

/** Members of a class or interface that its users see, each with what it is declared as. */
function membersOf(symbol: ts.Symbol): ts.Symbol[] {
  const declared = (symbol.declarations ?? []).filter(d => ts.isInterfaceDeclaration(d) || ts.isClassDeclaration(d));
  return declared.flatMap(declaration =>
    [...(declaration as ts.InterfaceDeclaration | ts.ClassDeclaration).members].flatMap(member => {
      const isHidden = ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected);
      if (isHidden || ts.isConstructorDeclaration(member) || !member.name || ts.isPrivateIdentifier(member.name))
        return [];
      const found = checker.getSymbolAtLocation(member.name);
      return found ? [found] : [];
    }),
  );
}

function undocumented(entry: string): string[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(ROOT + entry)!)!;
  return checker.getExportsOfModule(module).flatMap(exported => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const members = membersOf(symbol).filter(member => !hasDoc(member));
    const names = members.map(member => `${exported.name}.${member.name}`);
    return hasDoc(symbol) ? names : [exported.name, ...names];
  });
}

it.each(ENTRIES)('%s', entry => {
  expect(undocumented(entry)).toEqual([]);
});

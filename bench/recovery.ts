/**
 * Chevrotain's own error recovery beside Mokapot's, on the mistakes of test/schema/mistakes.test.ts that are about syntax:
 * for how many one diagnostic is given, at the line of the mistake, with the rest of the text still read. And how long
 * each takes for a large text. `npm run bench:recovery`; what came of it is in docs/decisions.md.
 */

import { readFileSync } from 'node:fs';
import { EmbeddedActionsParser } from 'chevrotain';
import { parseSyntax } from '../grammar/index.js';
import * as T from '../grammar/tokens.js';
import { type Diagnostic, hasErrors } from '../src/diagnostics/index.js';
import { messageType } from '../src/schema/index.js';
import { scopeOf } from '../src/schema/parse.js';

interface Field {
  readonly name: string;
  readonly value: unknown;
}

/** The text format's plain grammar, without a rule for any mistake. */
class PlainParser extends EmbeddedActionsParser {
  constructor(recoveryEnabled: boolean) {
    super(T.allTokens, { recoveryEnabled, maxLookahead: 2 });
    this.performSelfAnalysis();
  }

  readonly document = this.RULE('document', (): Field[] => {
    const fields: Field[] = [];
    this.MANY(() => fields.push(this.SUBRULE(this.field)));
    return fields;
  });

  readonly field = this.RULE('field', (): Field => {
    const name = this.OR([
      { ALT: () => this.CONSUME(T.Identifier).image },
      { ALT: () => this.SUBRULE(this.extension) },
    ]) as string;
    const value: unknown = this.OR1([
      { ALT: () => this.SUBRULE(this.block) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.colonValue) },
    ]);
    this.OPTION(() => this.CONSUME(T.AnySeparator));
    return { name, value };
  });

  readonly colonValue = this.RULE('colonValue', (): unknown => {
    this.CONSUME(T.Colon);
    return this.OR<unknown>([
      { ALT: () => this.SUBRULE(this.block) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.scalar) },
    ]);
  });

  readonly extension = this.RULE('extension', (): string => {
    this.CONSUME(T.LBracket);
    this.AT_LEAST_ONE(() =>
      this.OR([
        { ALT: () => this.CONSUME(T.Identifier) },
        { ALT: () => this.CONSUME(T.Dot) },
        { ALT: () => this.CONSUME(T.Slash) },
      ]),
    );
    this.CONSUME(T.RBracket);
    return '[]';
  });

  readonly block = this.RULE('block', (): Field[] => {
    const fields: Field[] = [];
    this.CONSUME(T.AnyOpen);
    this.MANY(() => fields.push(this.SUBRULE(this.field)));
    this.CONSUME(T.AnyClose);
    return fields;
  });

  readonly list = this.RULE('list', (): unknown[] => {
    const items: unknown[] = [];
    this.CONSUME(T.LBracket);
    this.MANY_SEP({
      SEP: T.Comma,
      DEF: () =>
        items.push(
          this.OR<unknown>([{ ALT: () => this.SUBRULE(this.block) }, { ALT: () => this.SUBRULE(this.scalar) }]),
        ),
    });
    this.CONSUME(T.RBracket);
    return items;
  });

  readonly scalar = this.RULE('scalar', (): unknown => {
    this.OPTION(() => this.CONSUME(T.Minus));
    return this.OR<unknown>([
      { ALT: () => this.AT_LEAST_ONE(() => this.CONSUME(T.AnyString)) },
      { ALT: () => this.CONSUME(T.Identifier) },
      { ALT: () => this.CONSUME(T.AnyNumber) },
    ]);
  });
}

/** What a parser made of a text: the line of each diagnostic, and the fields that it read. */
interface Outcome {
  readonly lines: readonly number[];
  readonly fields: readonly Field[];
}

/** Which fields belong into which blocks: by it Mokapot finds where braces are missing. */
const scope = scopeOf(messageType('caffe.NetParameter'));

const recovering = new PlainParser(true);

function byChevrotain(text: string): Outcome {
  const { tokens, errors } = T.tokenize(text);
  recovering.input = tokens;
  const fields = recovering.document() ?? [];
  const lineAt = (offset: number) => text.slice(0, Number.isNaN(offset) ? text.length : offset).split('\n').length;
  // As in Mokapot's report, a faulty token explains what follows on its line.
  const lexical = errors.map(e => lineAt(e.start));
  const parsed = recovering.errors.map(e => lineAt(e.token.startOffset)).filter(line => !lexical.includes(line));
  return { lines: [...lexical, ...parsed], fields };
}

function byMokapot(text: string): Outcome {
  const { document, diagnostics } = parseSyntax({ name: '', text }, scope);
  const plain = (fields: typeof document.fields): Field[] =>
    fields.map(f => ({ name: f.name, value: f.value?.kind === 'message' ? plain(f.value.fields) : f.value }));
  return { lines: diagnostics.map((d: Diagnostic) => d.location!.range.start.line), fields: plain(document.fields) };
}

/** Whether the last layer is whole and the third: what stands behind the mistake was read. */
function restIsRead(fields: readonly Field[]): boolean {
  const layers = fields.filter(f => f?.name === 'layer' && Array.isArray(f.value));
  const last = (layers.at(-1)?.value ?? []) as Field[];
  return layers.length === 3 && ['name', 'type', 'bottom', 'top'].every(name => last.some(f => f?.name === name));
}

const source = readFileSync(new URL('../test/schema/mistakes.test.ts', import.meta.url), 'utf8');
const NET = /const NET = `([\s\S]*?)`;/.exec(source)![1]!;
const table = source.slice(source.indexOf('= [', source.indexOf('const mistakes')) + 2, source.indexOf('\n];') + 2);
const mistakes = new Function(`return ${table}`)() as [string, string, string, string, number][];
const texts = mistakes.map(([name, from, to, code, line]) => {
  const at = NET.lastIndexOf(from);
  return { name, code, line, text: NET.slice(0, at) + to + NET.slice(at + from.length) };
});
// The others are read well, and refused by the schema.
const syntactic = texts.filter(({ text }) => hasErrors(parseSyntax({ name: '', text }, scope).diagnostics));
console.log(`${syntactic.length} of ${texts.length} mistakes are of syntax.`);
for (const [who, parse] of [
  ['chevrotain', byChevrotain],
  ['Mokapot', byMokapot],
] as const) {
  const outcomes = syntactic.map(m => ({ ...m, ...parse(m.text) }));
  const one = outcomes.filter(o => o.lines.length === 1);
  const there = one.filter(o => o.lines[0] === o.line);
  const good = there.filter(o => restIsRead(o.fields));
  const lost = outcomes.filter(o => !restIsRead(o.fields));
  console.log(`${who}: one diagnostic ${one.length}, at its line ${there.length}, the rest read too ${good.length}`);
  console.log(`  the rest is lost: ${lost.map(o => o.name).join('; ') || 'never'}`);
  const others = outcomes.filter(o => !good.includes(o) && !lost.includes(o));
  for (const o of others) console.log(`  ${o.name} (line ${o.line}): told at ${o.lines.join(', ') || 'no line'}`);
}

const large = `layer {\n${'  bottom: "data"\n'.repeat(200_000)}}\n`;
const strict = new PlainParser(false);
const plainly = (parser: PlainParser) => () => {
  parser.input = T.tokenize(large).tokens;
  parser.document();
};
console.log('200 000 fields, the least of five, in milliseconds of processor time:');
for (const [what, work] of [
  ['tokens alone', () => void T.tokenize(large)],
  ['plain grammar', plainly(strict)],
  ['plain grammar, recovery enabled', plainly(recovering)],
  ['Mokapot, with places and colons kept', () => void parseSyntax({ name: '', text: large })],
] as const) {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  console.log(`  ${what}: ${Math.min(...times).toFixed(0)}`);
}

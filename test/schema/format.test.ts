/** `formatText`: one layout, nothing lost, stable. */

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokensOf } from '../../grammar/index.js';
import { MokapotError } from '../../src/diagnostics/index.js';
import { encode, formatText, parseText } from '../../src/schema/index.js';

const ROOT = new URL('../../', import.meta.url);
const texts = ['networks/', 'test/goldens/layers/'].flatMap(folder =>
  readdirSync(new URL(folder, ROOT))
    .filter(name => name.endsWith('.prototxt'))
    .map(name => [name, readFileSync(new URL(folder + name, ROOT), 'utf8')] as const),
);

const bytesOf = (text: string) => {
  const { message } = parseText(text, 'caffe.NetParameter');
  return Buffer.from(encode(message, 'caffe.NetParameter')).toString('hex');
};

describe('formatText', () => {
  const cases: [string, string, string][] = [
    ['indents', 'layer{\nname:"a"\n\t type : "ReLU"}', 'layer {\n  name: "a"\n  type: "ReLU"\n}\n'],
    ['keeps a block on its line', 'param{lr_mult:1 decay_mult:0}', 'param { lr_mult: 1 decay_mult: 0 }\n'],
    ['drops separators and a needless colon', 'a:1;b:2,c:{d:3}', 'a: 1\nb: 2\nc { d: 3 }\n'],
    ['knows one kind of brace', 'a < b: 1 >', 'a { b: 1 }\n'],
    ['groups by one blank line', '\n\na: 1\n\n\n\nb: 2\n\n', 'a: 1\n\nb: 2\n'],
    ['but none at a brace', 'a {\n\n b: 1\n\n}', 'a {\n  b: 1\n}\n'],
    [
      'keeps comments where they stand',
      '# h\na: 1# t\n # n\nb {# o\n # e\n}# z',
      '# h\na: 1  # t\n# n\nb {  # o\n  # e\n}  # z\n',
    ],
    ['keeps a comment inside a field', 'a # why\n: # so\n1', '# why\n# so\na: 1\n'],
    ['lists', 'a:[1,2 , 3] b:[\n1, # one\n2\n# end\n]', 'a: [1, 2, 3]\nb: [\n  1,  # one\n  2\n  # end\n]\n'],
    ['blocks in lists', 'a: [{b:1},\n{c:2}]', 'a: [\n  { b: 1 },\n  { c: 2 }\n]\n'],
    ['strings side by side', 'a: "x"  \'y\'\nb: "x" # c\n  "y"', 'a: "x" \'y\'\n# c\nb:\n  "x"\n  "y"\n'],
    ['numbers as they are written', 'a: -  5 b: 0x1F c: 1.50e-3f d: -inf', 'a: -5\nb: 0x1F\nc: 1.50e-3f\nd: -inf\n'],
    ['extensions', '[ x . y ] : 1', '[x.y]: 1\n'],
    ['nothing', ' \n\n', ''],
    ['a comment alone', '  # x  ', '# x\n'],
    ['line breaks of Windows', 'a: 1\r\nb {\r\nc: 2 # x\r\n}\r\n', 'a: 1\r\nb {\r\n  c: 2  # x\r\n}\r\n'],
    ['an empty block', 'a {\n\n}', 'a {}\n'],
    ['fields no schema knows', 'zorp { frob: QUUX }', 'zorp { frob: QUUX }\n'],
  ];
  it.each(cases)('%s', (_, before, after) => {
    expect(formatText(before)).toBe(after);
    expect(formatText(after)).toBe(after);
  });

  it('opens a block that does not fit its line', () => {
    const fields = Array.from({ length: 12 }, (_, i) => `bottom: "blob_${i}"`);
    const out = formatText(`layer { name: "x" ${fields.join(' ')} param { lr_mult: 1 } }`);
    expect(out).toBe(`layer {\n  name: "x"\n${fields.map(f => `  ${f}\n`).join('')}  param { lr_mult: 1 }\n}\n`);
  });

  it.each(texts)('%s keeps its meaning and its comments, and once is enough', (_, text) => {
    const out = formatText(text);
    expect(bytesOf(out)).toBe(bytesOf(text));
    expect(tokensOf(out).comments.length).toBe(tokensOf(text).comments.length);
    expect(formatText(out)).toBe(out);
  });

  it('whatever blanks and comments stand between the tokens', () => {
    const net = tokensOf(
      'layer { name: "x" bottom: ["a", "b"] param < lr_mult: -1 > blobs { shape { dim: [1] } } }',
    ).tokens.map(t => t.text);
    const blank = fc.constantFrom(' ', '\n', '\n\n', '\t', '\r\n', ' # c\n', '\n\n\n  # d\n', '#\n\n');
    fc.assert(
      fc.property(fc.array(blank, { minLength: net.length, maxLength: net.length }), blanks => {
        const text = net.map((token, i) => token + blanks[i]!).join('');
        const out = formatText(text);
        expect(bytesOf(out)).toBe(bytesOf(text));
        expect(tokensOf(out).comments.length).toBe(tokensOf(text).comments.length);
        expect(formatText(out)).toBe(out);
      }),
      { numRuns: 400 },
    );
  });

  it.each(['layer {', 'a: "x', 'a: 1 }', 'a = 1'])('refuses the broken text %s', text => {
    expect(() => formatText(text, 'x')).toThrow(MokapotError);
  });

  it('refuses what is nested beyond reason, by a diagnostic', () => {
    expect(() => formatText(`${'a {\n'.repeat(5000)}${'}'.repeat(5000)}`)).toThrow(/nested/);
  });
});

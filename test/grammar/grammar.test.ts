/** The syntax tree: spans, comments, and texts that are large. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToText, parseSyntax, type SyntaxDocument, type SyntaxField, textToBytes } from '../../grammar/index.js';
import { parseText } from '../../src/schema/index.js';

const parse = (text: string) => parseSyntax({ name: 'x', text });
const slice = (d: SyntaxDocument, s: { start: number; end: number }) => d.source.text.slice(s.start, s.end);

describe('the tree', () => {
  const text = '# head\na: 1 # one\nb < c: "x" \'y\' > ; [p.q]: -inf\nd: [1, { e: t }]# tail';

  it('keeps spans, comments and order', () => {
    const { document, diagnostics, lines } = parse(text);
    expect(diagnostics).toEqual([]);
    expect(document.comments.map(c => c.text)).toEqual(['# head', '# one', '# tail']);
    expect(document.fields.map(f => slice(document, f))).toEqual([
      'a: 1',
      'b < c: "x" \'y\' >',
      '[p.q]: -inf',
      'd: [1, { e: t }]',
    ]);
    const [a, b, ext] = document.fields as [SyntaxField, SyntaxField, SyntaxField];
    expect(lines.range(a.nameSpan)).toEqual({
      start: { offset: 7, line: 2, column: 1 },
      end: { offset: 8, line: 2, column: 2 },
    });
    expect(b.value).toMatchObject({ kind: 'message', closed: true, fields: [{ name: 'c', value: { text: 'xy' } }] });
    expect(ext).toMatchObject({ extension: true, value: { type: 'identifier', negative: true, text: 'inf' } });
  });

  it('is plain data', () => {
    const { document } = parse(text);
    expect(JSON.parse(JSON.stringify(document.fields))).toEqual(document.fields);
  });

  it('any text gives a tree and never throws', () => {
    const piece = fc.constantFrom(
      ...'layer { } < > [ ] : , ; - . / = name "x" \'y 1 0x 1.5f # \n “ ( ) $ 08 3a \\ \0 é'.split(' '),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
        for (const glue of ['', ' ']) {
          const { diagnostics } = parseText(pieces.join(glue), 'caffe.NetParameter');
          expect(diagnostics.some(d => d.message.includes('cannot be read from here on'))).toBe(false);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('strings and bytes are two forms of one thing', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        expect(textToBytes(bytesToText(bytes))).toEqual(bytes);
      }),
    );
  });
});

describe('large texts', () => {
  const cases: [string, () => string, number][] = [
    ['a string of 50 MB', () => `name: "${'x'.repeat(5e7)}"`, 0],
    ['a string of 50 MB without its end', () => `name: "${'x'.repeat(5e7)}`, 1],
    ['a list of a million numbers', () => `input_dim: [${'1, '.repeat(1e6)}1]`, 0],
    ['10 000 blocks in one another', () => `state { ${'foo { '.repeat(1e4)}${'}'.repeat(1e4)} }`, 1],
    ['10 000 blocks left open', () => `state { ${'foo { '.repeat(1e4)}`, 1],
    ['10 000 brackets left open', () => `input_dim: ${'['.repeat(1e4)}`, 1],
    ['10 000 braces too many', () => '}'.repeat(1e4), 1],
  ];
  it.each(cases)('%s', (_name, text, most) => {
    const { diagnostics } = parseText(text(), 'caffe.NetParameter');
    expect(diagnostics.length === 0).toBe(most === 0);
    expect(diagnostics.length).toBeLessThanOrEqual(2);
  });

  it('a network of 1.5 MB', () => {
    const layer = `layer { name: "c" type: "Convolution" bottom: "a" top: "c" # conv
      param { lr_mult: 1 decay_mult: 1 } convolution_param { num_output: 64 pad: 1 kernel_size: 3 } }\n`;
    const count = Math.ceil(1.5e6 / layer.length);
    const { message, diagnostics } = parseText(layer.repeat(count), 'caffe.NetParameter');
    expect(diagnostics).toEqual([]);
    expect(message.layer).toHaveLength(count);
  });
});

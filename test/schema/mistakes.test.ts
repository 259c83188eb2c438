/** One mistake gives one diagnostic, at its line, and the rest of the text is still understood. */

import { describe, expect, it } from 'vitest';
import { type Diagnostic, formatDiagnostic } from '../../src/diagnostics/index.js';
import { parseText } from '../../src/schema/index.js';

const NET = `name: "net"
input_dim: [1, 3, 4]
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  param { lr_mult: 1 }
  convolution_param {
    num_output: 96
    kernel_size: 11
    weight_filler {
      type: "gaussian"
      std: 0.01
    }
  }
}
layer {
  name: "pool1"
  type: "Pooling"
  bottom: "conv1"
  top: "pool1"
  pooling_param {
    pool: MAX
    kernel_size: 3
    stride: 2
  }
  include { phase: TRAIN }
}
layer {
  name: "relu1"
  type: "ReLU"
  bottom: "pool1"
  top: "pool1"
}
`;

/** What is replaced by what, and the one diagnostic that comes of it. */
const mistakes: [name: string, from: string, to: string, code: string, line: number, hint?: RegExp][] = [
  ['missing colon before a string', 'name: "conv1"', 'name "conv1"', 'missing-colon', 4],
  ['missing colon before a number', 'num_output: 96', 'num_output 96', 'missing-colon', 10],
  ['missing colon before a negative number', 'lr_mult: 1', 'lr_mult -1', 'missing-colon', 8],
  ['missing colon before a name', 'pool: MAX', 'pool MAX', 'missing-colon', 24],
  ['missing colon before a list', 'input_dim: [', 'input_dim [', 'missing-colon', 2],
  ['two colons', 'stride: 2', 'stride:: 2', 'double-colon', 26],
  ['equals sign', 'stride: 2', 'stride = 2', 'equals-sign', 26],
  ['missing value', 'kernel_size: 11', 'kernel_size:', 'missing-value', 11],
  ['missing value and colon', 'kernel_size: 11', 'kernel_size', 'missing-value', 11],
  ['missing value at the end of a block', 'stride: 2', 'stride:', 'missing-value', 26],
  ['missing value before a comma', 'stride: 2', 'stride: ,', 'missing-value', 26],
  ['two values', 'stride: 2', 'stride: 2 2', 'unexpected-value', 26],
  ['missing closing quote', 'name: "pool1"', 'name: "pool1', 'unterminated-string', 19],
  ['missing opening quote', 'name: "pool1"', 'name: pool1"', 'unterminated-string', 19],
  ['missing quotes', 'name: "pool1"', 'name: pool1', 'wrong-type', 19],
  ['curly quotes', 'name: "pool1"', 'name: “pool1”', 'curly-quotes', 19],
  ['mixed quotes', 'name: "pool1"', `name: "pool1'`, 'unterminated-string', 19],
  ['bad escape', 'name: "pool1"', 'name: "po\\ol1"', 'bad-escape', 19],
  ['quoted field name', 'name: "pool1"', '"name": "pool1"', 'bad-field-name', 19],
  ['numbered field', 'stride: 2', '3: 2', 'bad-field-name', 26],
  ['dash in a field name', 'stride: 2', 'stride-h: 2', 'bad-field-name', 26],
  ['unknown field', 'stride: 2', 'strides: 2', 'unknown-field', 26, /stride/],
  ['unknown field with a block', 'weight_filler {', 'wieght_filler {', 'unknown-field', 12, /weight_filler/],
  [
    'unknown block, its own mistakes are not told',
    'pooling_param {',
    'poling_param {',
    'unknown-field',
    23,
    /pooling_param/,
  ],
  ['field of another case', 'top: "conv1"', 'Top: "conv1"', 'unknown-field', 7, /top/],
  [
    'field of an inner block',
    'top: "pool1"\n  pooling',
    'kernel_size: 3\n  pooling',
    'unknown-field',
    22,
    /pooling_param/,
  ],
  ['field of the outer block', 'pool: MAX', 'top: "pool1"', 'misplaced-field', 24, /LayerParameter/],
  ['enum of another case', 'pool: MAX', 'pool: max', 'unknown-enum-value', 24, /MAX/],
  ['enum mistyped', 'phase: TRAIN', 'phase: TRIAN', 'unknown-enum-value', 28, /TRAIN/],
  ['enum quoted', 'pool: MAX', 'pool: "MAX"', 'unknown-enum-value', 24, /without quotes/],
  ['enum number unknown', 'pool: MAX', 'pool: 7', 'unknown-enum-value', 24, /STOCHASTIC/],
  ['number quoted', 'stride: 2', 'stride: "2"', 'wrong-type', 26],
  ['float for integer', 'stride: 2', 'stride: 2.0', 'wrong-type', 26],
  ['negative for unsigned', 'stride: 2', 'stride: -2', 'out-of-range', 26],
  ['too large', 'stride: 2', 'stride: 5000000000', 'out-of-range', 26],
  ['leading zero', 'stride: 2', 'stride: 08', 'bad-number', 26],
  ['number glued to a name', 'stride: 2', 'stride: 2px', 'bad-number', 26],
  ['number glued to the next field', 'stride: 2', 'stride: 2pad: 1', 'bad-number', 26],
  ['two decimal points', 'std: 0.01', 'std: 0.0.1', 'bad-number', 14],
  ['comma as decimal point', 'std: 0.01', 'std: 0,01', 'unexpected-value', 14],
  ['given twice', 'stride: 2', 'stride: 2\n    stride: 3', 'duplicate-field', 27],
  ['list for a single field', 'stride: 2', 'stride: [2, 2]', 'list-for-single', 26],
  ['value for a block', 'include { phase: TRAIN }', 'include: TRAIN', 'wrong-type', 28],
  ['block for a value', 'stride: 2', 'stride { h: 2 }', 'wrong-type', 26],
  ['trailing comma in a list', '[1, 3, 4]', '[1, 3, 4,]', 'trailing-comma', 2],
  ['missing comma in a list', '[1, 3, 4]', '[1, 3 4]', 'missing-comma', 2],
  ['empty item in a list', '[1, 3, 4]', '[1,, 4]', 'empty-list-item', 2],
  ['unclosed list', '[1, 3, 4]', '[1, 3, 4', 'unclosed-list', 2],
  ['list closed by a brace', '[1, 3, 4]', '[1, 3, 4}', 'wrong-bracket', 2],
  ['list in a list', '[1, 3, 4]', '[1, [3], 4]', 'nested-list', 2],
  ['block in brackets', '{ phase: TRAIN }', '[ phase: TRAIN ]', 'wrong-bracket', 28],
  ['block in parentheses', '{ phase: TRAIN }', '( phase: TRAIN )', 'missing-open-brace', 28],
  ['semicolons in a list', '[1, 3, 4]', '[1; 3, 4]', 'wrong-separator', 2],
  ['two separators', 'stride: 2', 'stride: 2;;', 'stray-separator', 26],
  ['missing opening brace', 'pooling_param {', 'pooling_param', 'missing-open-brace', 23],
  ['missing opening brace of a layer', 'layer {\n  name: "pool1"', 'layer\n  name: "pool1"', 'missing-open-brace', 18],
  ['block without a name', 'include {', '{', 'nameless-block', 28],
  ['wrong closing brace', '{ phase: TRAIN }', '{ phase: TRAIN >', 'mismatched-brace', 28],
  ['closing brace missing in a line', '{ phase: TRAIN }', '{ phase: TRAIN', 'unclosed-block', 28],
  [
    'closing brace of an inner block missing',
    '      std: 0.01\n    }\n',
    '      std: 0.01\n',
    'unclosed-block',
    12,
    /line 14/,
  ],
  [
    'closing brace of a parameter block missing',
    '    stride: 2\n  }\n',
    '    stride: 2\n',
    'unclosed-block',
    27,
    /line 26/,
  ],
  [
    'closing brace of a layer missing',
    '  }\n}\nlayer {\n  name: "pool1"',
    '  }\nlayer {\n  name: "pool1"',
    'unclosed-block',
    17,
    /line 16/,
  ],
  ['last closing brace missing', '  top: "pool1"\n}\n', '  top: "pool1"\n', 'unclosed-block', 30, /line 34/],
  ['closing brace too many', '  include {', '  }\n  include {', 'stray-brace', 28],
  [
    'closing brace too many between layers',
    '}\nlayer {\n  name: "pool1"',
    '}\n}\nlayer {\n  name: "pool1"',
    'stray-brace',
    18,
  ],
  ['closing brace too many at the end', '  top: "pool1"\n}\n', '  top: "pool1"\n}\n}\n', 'stray-brace', 36],
  ['C++ comment', 'stride: 2', 'stride: 2 // two', 'foreign-comment', 26],
  ['C comment', 'stride: 2', 'stride: /* two */ 2', 'foreign-comment', 26],
  ['stray character', 'stride: 2', 'stride: 2 $', 'unexpected-character', 26],
  ['no-break space', 'stride: 2', 'stride:\u00a02', 'unexpected-character', 26],
  ['extension', 'stride: 2', '[my.stride]: 2', 'unknown-extension', 26],
];

const told = (diagnostics: readonly Diagnostic[]) => diagnostics.map(d => formatDiagnostic(d)).join('\n');

describe('single mistakes', () => {
  it('the text without a mistake is fine', () => {
    expect(parseText(NET, 'caffe.NetParameter').diagnostics).toEqual([]);
  });

  it.each(mistakes)('%s', (_name, from, to, code, line, hint) => {
    const at = NET.lastIndexOf(from);
    expect(at).toBeGreaterThanOrEqual(0);
    const text = NET.slice(0, at) + to + NET.slice(at + from.length);
    const { message, diagnostics } = parseText(text, 'caffe.NetParameter');
    expect(
      diagnostics.map(d => [d.code, d.location?.range.start.line]),
      told(diagnostics),
    ).toEqual([[code, line]]);
    if (hint) expect(`${diagnostics[0]?.hint}`).toMatch(hint);
    const { layer } = message;
    expect(layer).toHaveLength(3);
    expect(layer[2]).toMatchObject({ name: 'relu1', type: 'ReLU', bottom: ['pool1'], top: ['pool1'] });
  });

  it.each(mistakes)('%s: the fix, where there is one, mends it', (_name, from, to) => {
    const at = NET.lastIndexOf(from);
    const text = NET.slice(0, at) + to + NET.slice(at + from.length);
    const [first] = parseText(text, 'caffe.NetParameter').diagnostics;
    if (!first?.fix) return;
    let mended = text;
    const edits = [...first.fix.edits].sort((a, b) => b.range.start.offset - a.range.start.offset);
    for (const e of edits) mended = mended.slice(0, e.range.start.offset) + e.text + mended.slice(e.range.end.offset);
    expect(parseText(mended, 'caffe.NetParameter').diagnostics, mended).toEqual([]);
  });
});

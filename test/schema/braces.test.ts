/** The tutorial's Dice block, whose closing braces its page has lost, and its like. */

import { describe, expect, it } from 'vitest';
import { type Diagnostic, formatPlain } from '../../src/diagnostics/index.js';
import { parseNet } from '../../src/schema/index.js';

const DICE = `layer {
    type: 'Python'
    name: 'dice'
    bottom: 'score'
    bottom: 'label'
    top: 'dice'
    python_param {
      module: "digits_python_layers"
      layer: "Dice"
    exclude { stage: "deploy" }
`;
const LOSS = `layer {
  name: "loss"
  type: "SoftmaxWithLoss"
  bottom: "score"
  bottom: "label"
  top: "loss"
  exclude { stage: "deploy" }
}
`;

function applyFix(text: string, d: Diagnostic): string {
  const edits = [...(d.fix?.edits ?? [])].sort((a, b) => b.range.start.offset - a.range.start.offset);
  return edits.reduce((t, e) => t.slice(0, e.range.start.offset) + e.text + t.slice(e.range.end.offset), text);
}

const dice = {
  name: 'dice',
  type: 'Python',
  python_param: { module: 'digits_python_layers', layer: 'Dice' },
  exclude: [{ stage: ['deploy'] }],
};

describe('the Dice block', () => {
  const cases: [string, string, number][] = [
    ['at the end of the file', DICE, 0],
    ['before another layer', `${DICE}${LOSS}`, 0],
    ['between layers', `${LOSS}${DICE}${LOSS}${LOSS}`, 8],
    ['with the layer closed', `${DICE}}\n`, 0],
    ['with the layer closed, before others', `${DICE}}\n${LOSS}${LOSS}`, 0],
    ['as one line', `${DICE.replaceAll('\n', ' ')}}`, -1],
  ];
  it.each(cases)('%s', (_name, text, offset) => {
    const { message, diagnostics } = parseNet(text);
    expect(diagnostics, diagnostics.map(formatPlain).join('\n')).toHaveLength(1);
    const [d] = diagnostics as [Diagnostic];
    expect(d.code).toBe('unclosed-block');
    const line = offset < 0 ? 1 : offset + 7;
    expect(d.message).toBe(
      `\`python_param\`, opened on line ${line}, is not closed: \`exclude\` is a field of the \`layer\` around it.`,
    );
    expect(d.hint).toContain(offset < 0 ? 'belongs on line 1, after `"Dice"`' : `belongs after line ${offset + 9}`);
    expect(d.location?.range.start.line).toBe(offset < 0 ? 1 : offset + 10);
    expect(message.layer.find(l => l.name === 'dice')).toMatchObject(dice);
    expect(message.layer.filter(l => l.name === 'loss')).toHaveLength(text.split('"loss"').length >> 1);
    const mended = applyFix(text, d);
    expect(parseNet(mended).diagnostics, mended).toEqual([]);
  });

  it('a misplaced field in a block that is closed is told as such', () => {
    const { diagnostics } = parseNet(DICE.replace('    exclude', '      exclude') + '    }\n}\n' + LOSS);
    expect(diagnostics.map(d => d.code)).toEqual(['misplaced-field']);
  });

  it('two blocks with lost braces are two mistakes', () => {
    const { message, diagnostics } = parseNet(`${DICE}}\n${LOSS}${DICE}}\n${LOSS}`);
    expect(diagnostics.map(d => [d.code, d.location?.range.start.line])).toEqual([
      ['unclosed-block', 10],
      ['unclosed-block', 29],
    ]);
    expect(message.layer.map(l => l.name)).toEqual(['dice', 'loss', 'dice', 'loss']);
  });
});

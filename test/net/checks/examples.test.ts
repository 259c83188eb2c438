/** Every check speaks of its own example and of nothing once that is cured; its fix, where it has one, is the cure. */

import { readFileSync } from 'node:fs';
import { expect, it, describe as suite } from 'vitest';
import { applyFixes } from '../../../src/diagnostics/index.js';
import type { Example } from '../../../src/net/checks/check.js';
import { compiled } from '../../../src/net/checks/compiled.js';
import { checks } from '../../../src/net/checks/documented.js';
import { rules } from '../../../src/net/checks/index.js';
import { solverRules, trainedBy } from '../../../src/net/checks/trained_by.js';
import { describe } from '../../../src/net/index.js';

const entryShapes = { data: [3, 64, 64], label: [1, 64, 64] };

const of = ({ head = '', phase = 'TEST', options, solver }: Example, text: string) =>
  describe(head + text, {
    ...{ name: 'net', phase, ...(head ? {} : { entryShapes }), ...options },
    ...(solver && { solver: trainedBy(solver) }),
  });

suite.each(checks.map(check => [check.code, check] as const))('%s', (code, check) => {
  const { example } = check;
  const wrong = of(example, example.wrong);

  it('is told of its example, once, and of nothing else', () => {
    expect(wrong.diagnostics.map(d => d.code)).toEqual([code]);
  });

  it('is told no more once that is cured', () => {
    expect(of(example, example.right).diagnostics.map(d => d.code)).toEqual([]);
  });

  it('has a place in the text, a hint, and sentences', () => {
    const [d] = wrong.diagnostics;
    expect(d!.hint).toMatch(/[.!?]$/);
    expect(d!.message).toMatch(/^[A-Z].*\.$/);
    expect(check.doc).toMatch(/^[A-Z].*\.$/);
    expect(check.cure).toMatch(/^[A-Z].*\.$/);
    expect(
      d!.location !== undefined || ['no-loss', 'too-much-memory', 'learning-rate', 'tested-output'].includes(code),
    ).toBe(true);
  });

  it('is mended by its fix, if it has one', () => {
    const [d] = wrong.diagnostics;
    if (!d!.fix) return;
    const { unsafe: _, ...fix } = d!.fix;
    const { text } = applyFixes((example.head ?? '') + example.wrong, 'net', [{ ...d!, fix }]);
    const mended = of(example, text.slice((example.head ?? '').length));
    expect(mended.diagnostics.map(x => x.code)).toEqual([]);
    expect(mended.layers.length).toBeGreaterThan(0);
  });
});

it('the checks that are documented are those that are run, in the same order', () => {
  expect(checks.map(({ code, run }) => ({ code, run }))).toEqual([...rules, ...solverRules]);
});

it('fixes are there where a mend is known', () => {
  const fixed = checks.filter(c => of(c.example, c.example.wrong).diagnostics[0]!.fix).map(c => c.code);
  expect(fixed.toSorted()).toEqual([
    ...['bilinear-learns', 'bilinear-without-groups', 'crop-offset', 'deprecated-field', 'double-softmax'],
    ...['dropout-at-test', 'relu-on-scores', 'scaled-labels', 'unknown-filler'],
  ]);
});

suite.each(compiled.map(entry => [entry.code, entry] as const))(
  '%s, told by the compiler',
  (code, { example, doc, cure }) => {
    it('is told of its example, once, and no more once that is cured', () => {
      expect(of(example, example.wrong).diagnostics.map(d => d.code)).toEqual([code]);
      expect(of(example, example.right).diagnostics.filter(d => d.severity === 'error')).toEqual([]);
      for (const sentence of [doc, cure]) expect(sentence).toMatch(/^[A-Za-z].*\.$/);
    });
  },
);

it('docs/checks.md agrees with the code (else: npm run docs:checks)', async () => {
  const path = '../../../scripts/checks-doc.mjs';
  const { checksPage } = (await import(path)) as { checksPage: () => string };
  expect(readFileSync(new URL('../../../docs/checks.md', import.meta.url), 'utf8')).toBe(checksPage());
});

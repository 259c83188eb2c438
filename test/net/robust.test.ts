/** Whatever a text says, `describe` answers with diagnostics: it does not throw, hang or eat memory. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it, describe as suite } from 'vitest';
import { describe } from '../../src/net/index.js';
import { Random } from '../../src/random/index.js';

const DIR = new URL('../../networks/', import.meta.url);
const entryShapes = { data: [3, 64, 64], label: [1, 64, 64] };

const NUMBERS = [
  '0',
  '-1',
  '1',
  '2',
  '7',
  '1000000',
  '2147483647',
  '4294967296',
  '9223372036854775807',
  '0.5',
  'inf',
  'nan',
];

/** The text with a few tokens replaced, doubled or dropped. */
function damage(text: string, random: Random): string {
  const tokens = text.replace(/#.*/g, '').split(/(\s+|[{}:])/);
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  for (let n = 1 + random.integer(3); n > 0; n--) {
    const i = random.integer(tokens.length);
    const token = tokens[i]!;
    if (/^-?\d/.test(token)) tokens[i] = pick(NUMBERS);
    else if (/^[A-Za-z"]/.test(token)) tokens[i] = pick(tokens.filter(t => /^[A-Za-z"]/.test(t)));
    else tokens[i] = pick(['', token + token, ' ']);
  }
  return tokens.join('');
}

suite('describe', () => {
  it.each(readdirSync(DIR).filter(f => f.endsWith('.prototxt')))('answers to %s, damaged in many ways', file => {
    const text = readFileSync(new URL(file, DIR), 'utf8');
    const random = new Random(7);
    let refused = 0;
    for (let i = 0; i < 60; i++) {
      const broken = damage(text, random);
      const net = describe(broken, { phase: i % 2 ? 'TRAIN' : 'TEST', stages: i % 3 ? [] : ['deploy'], entryShapes });
      if (!net.ok) refused++;
      for (const d of net.diagnostics) expect(d.message).not.toMatch(/undefined|NaN|\[object/);
    }
    expect(refused).toBeGreaterThan(10);
  });

  it('tells a thousand unknown blobs of very many, and counts the rest', () => {
    const bottoms = Array.from({ length: 30_000 }, (_, i) => `bottom: "b${i}"`).join('\n');
    const { diagnostics } = describe(`layer { name: "c" type: "Concat" ${bottoms} top: "y" }`);
    const unknown = diagnostics.filter(d => d.code === 'unknown-blob');
    expect(unknown).toHaveLength(1001);
    expect(unknown[999]!.location!.range.start.line).toBe(1000);
    expect(unknown.at(-1)!.message).toContain('29000 more');
  });
});

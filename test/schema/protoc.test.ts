/** Agreement with protoc's C++ text-format parser: what it accepts and refuses, and the very bytes it makes. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasErrors } from '../../src/diagnostics/index.js';
import { encode, parseText } from '../../src/schema/index.js';

interface ProtocCase {
  name: string;
  message: string;
  text: string;
  ok: boolean;
  binary?: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../goldens/grammar/protoc_cases.json', import.meta.url), 'utf8'),
) as ProtocCase[];

describe('protoc goldens', () => {
  it.each(cases.filter(c => c.ok))('$name: the same bytes', c => {
    const { message, diagnostics } = parseText(c.text, c.message);
    expect(diagnostics).toEqual([]);
    expect(Buffer.from(encode(message, c.message)).toString('base64')).toBe(c.binary);
  });

  it.each(cases.filter(c => !c.ok && c.name !== 'bom'))('$name: refused', c => {
    const { diagnostics } = parseText(c.text, c.message);
    expect(hasErrors(diagnostics)).toBe(true);
    expect(diagnostics.map(d => d.code)).toHaveLength(1);
  });
});

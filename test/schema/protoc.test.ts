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

const load = (file: string) =>
  JSON.parse(readFileSync(new URL(`../goldens/grammar/${file}`, import.meta.url), 'utf8')) as ProtocCase[];
const cases = load('protoc_cases.json');

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

/** More texts of our own, with what protoc 3.21.12 (`protoc --encode`) made of them. */
describe('protoc on our own cases', () => {
  it.each(load('protoc_own_cases.json'))('$name: $text', c => {
    const { message, diagnostics } = parseText(c.text, c.message);
    expect(hasErrors(diagnostics)).toBe(!c.ok);
    if (c.ok) expect(Buffer.from(encode(message, c.message)).toString('base64')).toBe(c.binary ?? '');
  });
});

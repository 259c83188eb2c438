/**
 * What the fuzz suite puts in, and what must hold of it: valid nets, mutated by token and by byte, go through all that
 * looks at a text. Whatever the text says: an answer, with diagnostics that make sense, and never a crash. protoc's own
 * cases with other blanks and comments mean the same.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect } from 'vitest';
import { bytesToText, textToBytes } from '../../grammar/index.js';
import { tokenize } from '../../grammar/tokens.js';
import { applyFixes, type Diagnostic, formatDiagnostic, hasErrors } from '../../src/diagnostics/index.js';
import { describe } from '../../src/net/index.js';
import { encode, parseText, printText } from '../../src/schema/index.js';

const ROOT = new URL('../../', import.meta.url);

/** Texts of a folder, the shorter ones: long ones cost time and mutate no differently. */
function texts(folder: string, longest: number): string[] {
  const url = new URL(folder, ROOT);
  if (!existsSync(url)) return [];
  return readdirSync(url)
    .filter(name => name.endsWith('.prototxt'))
    .map(name => readFileSync(new URL(name, url), 'utf8'))
    .filter(text => text.length <= longest);
}

const small = texts('test/goldens/layers/', 4000);
const large = [...texts('networks/', 20_000), ...texts('test/net/mistakes/', 20_000)];
if (small.length < 50 || large.length < 5) throw new Error('The corpus of the fuzz suite is not there.');
/** Small nets mostly, so that 100 000 inputs take minutes. */
const corpus: readonly string[] = [...small, ...small, ...small, ...large];

const split = (text: string): string[] =>
  text.split(/(#[^\n]*|"[^"\n]*"|\s+|[{}:[\],;])/).filter(token => token !== '');
const words: readonly string[] = [
  ...new Set(corpus.flatMap(split).filter(token => token.trim() !== '')),
  ...['0', '-1', '1', '7', '1000000', '2147483647', '2147483648', '4294967296', '9223372036854775807', '1e400', '-0.0'],
  ...[
    'inf',
    'nan',
    '0x7fffffff',
    '017',
    '1f',
    '.',
    '-',
    '"',
    "'",
    '\\',
    '<',
    '>',
    '[',
    ']',
    '/',
    '//',
    '#',
    '\ufeff',
    '\0',
  ],
  ...[
    'true',
    'MAX',
    '"\\377"',
    '"\ud800"',
    '[type.googleapis.com/caffe.NetParameter] {',
    '{}',
    '{ {',
    '} }',
    '::',
    '==',
  ],
];

/** One change: what is done, where (a share of the length), and with what. */
interface Change {
  readonly kind: number;
  readonly at: number;
  readonly pick: number;
}

const change = fc.record({
  kind: fc.nat(5),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  pick: fc.nat(),
});
const changed = fc.record({
  file: fc.nat(corpus.length - 1),
  changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  state: fc.nat(2),
});

function byToken(text: string, changes: readonly Change[]): string {
  const tokens = split(text);
  for (const { kind, at, pick } of changes) {
    const i = Math.floor(at * tokens.length);
    const word = words[pick % words.length]!;
    if (kind === 0) tokens.splice(i, 1);
    else if (kind === 1) tokens.splice(i, 0, tokens[i] ?? '', ' ');
    else if (kind === 2) tokens[i] = word;
    else if (kind === 3) tokens.splice(i, 0, ` ${word} `);
    else if (kind === 4) tokens.splice(i, 1 + (pick % 30));
    else tokens.splice(i, 0, ...tokens.slice(pick % tokens.length, (pick % tokens.length) + 20));
  }
  return tokens.join('');
}

function byByte(text: string, changes: readonly Change[]): string {
  let bytes = [...textToBytes(text)];
  for (const { kind, at, pick } of changes) {
    const i = Math.floor(at * bytes.length);
    if (kind === 0) bytes.splice(i, 1 + (pick % 3));
    else if (kind === 1) bytes.splice(i, 0, pick & 255);
    else if (kind === 2) bytes[i] = (bytes[i] ?? 0) ^ (1 << (pick & 7));
    else if (kind === 3) bytes[i] = pick & 255;
    else if (kind === 4) bytes = bytes.slice(0, i);
    else bytes.splice(i, 0, ...bytes.slice(pick % (bytes.length + 1), (pick % (bytes.length + 1)) + 40));
  }
  return bytesToText(Uint8Array.from(bytes));
}

const STATES = [
  { phase: 'TRAIN', stages: ['train'] },
  { phase: 'TEST', stages: ['deploy'] },
  { phase: 'TEST' },
] as const;
const entryShapes = { data: [3, 32, 32], label: [1, 32, 32] };

/** What must hold of every text. */
function holds(text: string, state: number): void {
  const { diagnostics, ok } = describe(text, { name: 'net', ...STATES[state], entryShapes });
  expect(ok).toBe(!hasErrors(diagnostics));
  for (const d of diagnostics) makesSense(d, text);
  const { text: fixed } = applyFixes(text, 'net', diagnostics);
  if (fixed !== text) parseText(fixed, 'caffe.NetParameter', { name: 'net' });
  if (!parseText(text, 'caffe.NetParameter').diagnostics.some(d => d.severity === 'error')) comesBack(text);
}

function makesSense(d: Diagnostic, text: string): void {
  expect(d.code).toMatch(/^[a-z0-9-]+$/);
  expect(d.message.length).toBeGreaterThan(5);
  expect(`${d.message} ${d.hint ?? ''}`).not.toMatch(/\bundefined\b|\[object|\bnull\b/);
  const ranges = [d.location?.range, ...(d.fix?.edits.map(e => e.range) ?? [])];
  for (const range of ranges) {
    if (!range) continue;
    expect(range.start.offset).toBeGreaterThanOrEqual(0);
    expect(range.end.offset).toBeLessThanOrEqual(text.length);
    expect(range.end.offset).toBeGreaterThanOrEqual(range.start.offset);
  }
  formatDiagnostic(d);
}

/** A text without errors, printed and read again, is the same message. */
function comesBack(text: string): void {
  const { message } = parseText(text, 'caffe.NetParameter');
  const again = parseText(printText(message), 'caffe.NetParameter');
  expect(again.diagnostics.filter(d => d.severity === 'error')).toEqual([]);
  expect(Buffer.compare(encode(again.message), encode(message))).toBe(0);
}

/** One input: its text, and what must hold of it. A smaller one that fails too is the better example. */
export interface Input {
  readonly text: string;
  readonly smaller: () => readonly Input[];
  check(): void;
}

/** The input that one drawing of fast-check's makes; the same seed draws the same. */
export type Make = (seed: number) => Input;

const draw = <T>(from: fc.Arbitrary<T>, seed: number): T => fc.sample(from, { seed, numRuns: 1 })[0]!;

function mutated(mutate: typeof byToken): Make {
  const input = (file: number, changes: readonly Change[], state: number): Input => {
    const text = mutate(corpus[file]!, changes);
    const smaller = () =>
      changes.length > 1 ? changes.map((_, i) => input(file, changes.toSpliced(i, 1), state)) : [];
    return { text, smaller, check: () => holds(text, state) };
  };
  return seed => {
    const { file, changes, state } = draw(changed, seed);
    return input(file, changes, state);
  };
}

/** Nets mutated by token. */
export const mutatedByToken = mutated(byToken);
/** Nets mutated by byte. */
export const mutatedByByte = mutated(byByte);

interface ProtocCase {
  readonly name: string;
  readonly message: string;
  readonly text: string;
  readonly ok: boolean;
  readonly binary?: string;
}

const cases = JSON.parse(
  readFileSync(new URL('test/goldens/grammar/protoc_cases.json', ROOT), 'utf8'),
) as readonly ProtocCase[];
const BLANKS = [' ', '\n', '\t', '\r\n', ' # a comment " } \n', '\n\n#\n'];

const accepted = cases.filter(c => c.ok && c.name !== 'bom');
const spot = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(BLANKS.length - 1));
const spots = fc.record({
  index: fc.nat(accepted.length - 1),
  places: fc.array(spot, { minLength: 1, maxLength: 8 }),
});

/** Blanks and comments between the tokens of protoc's own cases change neither its verdict nor its bytes. */
export const spacedOut: Make = seed => {
  const { index, places } = draw(spots, seed);
  const { text, message, binary } = accepted[index]!;
  const ends = [0, ...tokenize(text).tokens.map(t => t.startOffset)];
  const input = (some: readonly (readonly [number, number])[]): Input => {
    const spaced = some
      .map(([at, blank]) => [ends[Math.floor(at * (ends.length - 1))]!, BLANKS[blank]!] as const)
      .toSorted((a, b) => b[0] - a[0])
      .reduce((t, [at, blank]) => t.slice(0, at) + blank + t.slice(at), text);
    const check = () => {
      const read = parseText(spaced, message);
      expect(read.diagnostics).toEqual([]);
      expect(Buffer.from(encode(read.message, message)).toString('base64')).toBe(binary ?? '');
    };
    return {
      text: spaced,
      smaller: () => (some.length > 1 ? some.map((_, i) => input(some.toSpliced(i, 1))) : []),
      check,
    };
  };
  return input(places);
};

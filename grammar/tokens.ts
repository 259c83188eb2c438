/**
 * The tokens of the protobuf text format, by the rules of protoc's tokenizer. Faulty text still becomes tokens, so that
 * parsing can go on; what is wrong with it is reported beside them.
 */

import { createToken, type IToken, Lexer, type TokenType } from './chevrotain.js';

/** A fault found while cutting text into tokens. */
export interface LexicalError {
  readonly code: string;
  readonly start: number;
  readonly end: number;
  readonly message: string;
  readonly hint?: string;
  /** What to write in the place of `start` to `end`. */
  readonly replacement?: string;
}

/** Where custom patterns leave their faults; `tokenize` is synchronous and empties it. */
let faults: LexicalError[] = [];

const matchOf = (text: string): RegExpExecArray => [text] as unknown as RegExpExecArray;

const QUOTES = ['"', "'"];
const DIGITS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** Ends a string literal whose closing quote is missing: before the blank or bracket after its first word. */
function unclosedEnd(text: string, offset: number): number {
  const stop = /[\s;,{}<>[\]#\0]/g;
  stop.lastIndex = offset + 1;
  return stop.exec(text)?.index ?? text.length;
}

/** Where a literal ends that a backslash carries over its line break `at`, as other languages allow. */
function continuedEnd(text: string, offset: number, at: number): number | undefined {
  if (text[at] !== '\n' || !/\\\r?$/.test(text.slice(at - 2, at))) return undefined;
  const close = text.indexOf(text[offset]!, at + 1);
  const eol = text.indexOf('\n', at + 1);
  return close >= 0 && (eol < 0 || close < eol) ? close + 1 : undefined;
}

/** A literal in one pass by hand: an expression would overflow its stack on a string of megabytes. */
function matchString(text: string, offset: number): RegExpExecArray | null {
  const quote = text.charCodeAt(offset);
  if (quote !== 34 && quote !== 39) return null;
  let at = offset + 1;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === quote) return matchOf(text.slice(offset, at + 1));
    if (c === 10 || c === 0) break;
    if (c === 92 && text.charCodeAt(at + 1) !== 10 && text.charCodeAt(at + 1) !== 0) at++;
  }
  const end = continuedEnd(text, offset, at) ?? unclosedEnd(text, offset);
  const nul = text.charCodeAt(at) === 0;
  faults.push({
    code: nul ? 'control-character' : 'unterminated-string',
    start: offset,
    end,
    message: nul
      ? 'A NUL character stands inside this string.'
      : `This string has no closing ${text[offset]} before the end of its line.`,
    hint: nul ? 'Write it as \\0.' : `Close it with ${text[offset]}; for a line break inside a string write \\n.`,
  });
  return matchOf(text.slice(offset, end));
}

/** Curly quotes, as word processors and web pages make them of straight ones. */
function matchCurlyString(text: string, offset: number): RegExpExecArray | null {
  const found = /[“”„«‘’]([^“”„«»‘’\n]*)[“”„»‘’]/y;
  found.lastIndex = offset;
  const match = found.exec(text);
  if (!match) return null;
  const end = offset + match[0].length;
  faults.push({
    code: 'curly-quotes',
    start: offset,
    end,
    message: 'Curly quotes do not delimit a string.',
    hint: 'Use straight quotes.',
    replacement: `"${match[1]}"`,
  });
  return match;
}

/** Anything that begins like a number and is none. */
function matchBadNumber(text: string, offset: number): RegExpExecArray | null {
  const found = /\.?\d(?:[eE][+-](?=\d)|[\w.])*/y;
  found.lastIndex = offset;
  const match = found.exec(text);
  if (!match) return null;
  const all = match[0];
  const glued = /^(0[xX][0-9a-fA-F]+|\d+\.?\d*|\.\d+)([A-Za-z_]\w*)$/.exec(all);
  const name = glued !== null && /^\s*[:{<]/.test(text.slice(offset + all.length, offset + all.length + 40));
  const kept = name ? glued[1]! : all;
  faults.push({ code: 'bad-number', start: offset, end: offset + kept.length, ...numberFault(all, name) });
  return matchOf(kept);
}

function numberFault(text: string, name: boolean): { message: string; hint?: string } {
  if (name) return { message: 'A space is missing between this number and the name after it.' };
  if (/^0[xX]/.test(text)) return { message: `"${text}" is no hexadecimal number.` };
  if (/^0\d+$/.test(text)) {
    return {
      message: `"${text}" starts with 0, so it is octal, and has digits that octal lacks.`,
      hint: 'Leave the leading zero out.',
    };
  }
  if (/^[\d.]+$/.test(text)) return { message: `"${text}" has more than one decimal point.` };
  if (/[eE]$/.test(text)) return { message: `"${text}" has no exponent after its "e".` };
  return { message: `"${text}" is no number.` };
}

/** `//` and block comments, which the format lacks. */
function matchForeignComment(text: string, offset: number): RegExpExecArray | null {
  const block = text.startsWith('/*', offset);
  if (!block && !text.startsWith('//', offset)) return null;
  const close = block ? text.indexOf('*/', offset + 2) : -1;
  const eol = text.indexOf('\n', offset);
  const end = close >= 0 ? close + 2 : eol >= 0 ? eol : text.length;
  const inner = block ? text.slice(offset + 2, close >= 0 ? close : end) : text.slice(offset + 2, end);
  faults.push({
    code: 'foreign-comment',
    start: offset,
    end,
    message: `Comments begin with "#", not with "${block ? '/*' : '//'}".`,
    hint: 'Protobuf text knows no other comments.',
    ...(inner.includes('\n') || !/^[ \t\r]*(\n|$)/.test(text.slice(end, end + 200))
      ? {}
      : { replacement: `#${inner.trimEnd()}` }),
  });
  return matchOf(text.slice(offset, end));
}

/** Blanks that look like a space and are none: web pages are full of them. */
function matchForeignBlank(text: string, offset: number): RegExpExecArray | null {
  const found = /[\u0085\u00a0\u1680\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]+/y;
  found.lastIndex = offset;
  const match = found.exec(text);
  if (!match) return null;
  const code = text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, '0');
  faults.push({
    code: 'unexpected-character',
    start: offset,
    end: offset + match[0].length,
    message: `This blank is no plain space but the character U+${code}.`,
    hint: 'It often comes with text copied from a web page.',
    replacement: ' ',
  });
  return match;
}

/** Names for groups of tokens that one place of the grammar takes alike. */
const category = (name: string) => createToken({ name, pattern: Lexer.NA });
export const AnyString = category('AnyString');
export const AnyNumber = category('AnyNumber');
export const AnyOpen = category('AnyOpen');
export const AnyClose = category('AnyClose');
export const AnySeparator = category('AnySeparator');
/** Marks that begin neither a field nor a value. */
export const AnyMark = category('AnyMark');

export const Comment = createToken({ name: 'Comment', pattern: /#[^\n\0]*/, group: 'comments' });
export const Blank = createToken({
  name: 'Blank',
  pattern: /[ \t\r\n\v\f]+/,
  group: Lexer.SKIPPED,
  line_breaks: true,
});
export const ForeignComment = createToken({
  name: 'ForeignComment',
  pattern: matchForeignComment,
  group: Lexer.SKIPPED,
  line_breaks: true,
  start_chars_hint: ['/'],
});
export const ForeignBlank = createToken({
  name: 'ForeignBlank',
  pattern: matchForeignBlank,
  group: Lexer.SKIPPED,
  line_breaks: true,
  start_chars_hint: [...'\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'].concat(
    Array.from({ length: 14 }, (_, i) => String.fromCharCode(0x2000 + i)),
  ),
});
export const Identifier = createToken({ name: 'Identifier', pattern: /[A-Za-z_][A-Za-z0-9_]*/ });
export const Integer = createToken({
  name: 'Integer',
  categories: [AnyNumber],
  pattern: /(?:0[xX][0-9a-fA-F]+|0[0-7]+|[1-9][0-9]*|0)(?![\w.])/,
  start_chars_hint: DIGITS,
});
export const Float = createToken({
  name: 'Float',
  categories: [AnyNumber],
  pattern: /(?:(?:[1-9][0-9]*|0)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?(?![\w.])/,
  start_chars_hint: [...DIGITS, '.'],
});
export const BadNumber = createToken({
  name: 'BadNumber',
  categories: [AnyNumber],
  pattern: matchBadNumber,
  line_breaks: false,
  start_chars_hint: [...DIGITS, '.'],
});
export const StringLiteral = createToken({
  name: 'StringLiteral',
  categories: [AnyString],
  pattern: matchString,
  line_breaks: false,
  start_chars_hint: QUOTES,
});
export const CurlyString = createToken({
  name: 'CurlyString',
  categories: [AnyString],
  pattern: matchCurlyString,
  line_breaks: false,
  start_chars_hint: [...'“”„«‘’'],
});
const symbol = (name: string, pattern: string, ...categories: TokenType[]) =>
  createToken({ name, pattern, categories });
export const LBrace = symbol('LBrace', '{', AnyOpen);
export const RBrace = symbol('RBrace', '}', AnyClose);
export const LAngle = symbol('LAngle', '<', AnyOpen);
export const RAngle = symbol('RAngle', '>', AnyClose);
export const LBracket = symbol('LBracket', '[');
export const RBracket = symbol('RBracket', ']');
export const Colon = symbol('Colon', ':', AnyMark);
export const Comma = symbol('Comma', ',', AnySeparator);
export const Semicolon = symbol('Semicolon', ';', AnySeparator);
export const Minus = symbol('Minus', '-');
export const Dot = symbol('Dot', '.', AnyMark);
export const Slash = symbol('Slash', '/', AnyMark);
export const Equals = symbol('Equals', '=', AnyMark);
/** Whatever the format has no use for: one token a run, so one diagnostic. */
export const Junk = createToken({
  name: 'Junk',
  categories: [AnyMark],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format gives control characters a meaning.
  pattern: /[!$%&()*+?@\\^`|~\x00-\x08\x0e-\x1f\x7f-\uffff]+/,
  line_breaks: false,
});

export const allTokens: TokenType[] = [
  AnyString,
  AnyNumber,
  AnyOpen,
  AnyClose,
  AnySeparator,
  AnyMark,
  Blank,
  Comment,
  Identifier,
  Integer,
  Float,
  BadNumber,
  StringLiteral,
  Colon,
  Comma,
  LBrace,
  RBrace,
  LAngle,
  RAngle,
  LBracket,
  RBracket,
  Semicolon,
  Minus,
  Dot,
  ForeignComment,
  Slash,
  Equals,
  CurlyString,
  ForeignBlank,
  Junk,
];

let lexer: Lexer | undefined;

export interface Tokens {
  readonly tokens: IToken[];
  readonly comments: IToken[];
  readonly errors: LexicalError[];
}

/** Cuts a text into tokens. Never throws; a byte order mark at the start counts as blank. */
export function tokenize(text: string): Tokens {
  lexer ??= new Lexer(allTokens, { positionTracking: 'onlyOffset', ensureOptimizations: true });
  faults = [];
  const input = text.charCodeAt(0) === 0xfeff ? ` ${text.slice(1)}` : text;
  const { tokens, groups } = lexer.tokenize(input);
  return { tokens, comments: groups.comments ?? [], errors: faults };
}

export const endOf = (token: IToken): number => token.startOffset + token.image.length;

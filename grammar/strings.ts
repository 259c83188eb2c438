/**
 * String literals: escapes, and bytes that are no UTF-8. The format lets a string hold any byte; JavaScript's cannot, so
 * a byte that is not part of valid UTF-8 is kept as the lone surrogate U+DC00 + byte, and comes back as that byte.
 */

export interface EscapeError {
  /** Offset in the literal's text, of the backslash. */
  readonly at: number;
  readonly length: number;
  readonly message: string;
}

const SIMPLE: Record<string, number> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  '?': 63,
  "'": 39,
  '"': 34,
};

/** What the inside of a literal (without its quotes) means. Faulty escapes are left out and reported. */
export function unescapeText(text: string): { value: string; errors: EscapeError[] } {
  const errors: EscapeError[] = [];
  if (!text.includes('\\')) return { value: text, errors };
  const bytes = new ByteList(text.length + 8);
  let at = 0;
  while (at < text.length) {
    const slash = text.indexOf('\\', at);
    if (slash !== at) bytes.text(text.slice(at, slash < 0 ? text.length : slash));
    if (slash < 0) break;
    at = slash + readEscape(text, slash, bytes, errors);
  }
  return { value: bytesToText(bytes.bytes()), errors };
}

/** Reads the escape at `at`, appends its bytes, and returns its length. */
function readEscape(text: string, at: number, bytes: ByteList, errors: EscapeError[]): number {
  const bad = (length: number, message: string) => {
    errors.push({ at, length, message });
    return length;
  };
  const c = text[at + 1] ?? '';
  const simple = SIMPLE[c];
  if (simple !== undefined) {
    bytes.push(simple);
    return 2;
  }
  const octal = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4));
  if (octal) {
    bytes.push(Number.parseInt(octal[0], 8) & 255);
    return 1 + octal[0].length;
  }
  if (c === 'x') {
    const hex = /^[0-9a-fA-F]{1,2}/.exec(text.slice(at + 2, at + 4));
    if (!hex) return bad(2, '"\\x" must be followed by one or two hexadecimal digits.');
    bytes.push(Number.parseInt(hex[0], 16));
    return 2 + hex[0].length;
  }
  if (c === 'u' || c === 'U') return readUnicode(text, at, bytes, bad);
  return bad(Math.min(2, text.length - at), `"\\${c}" is no escape sequence.`);
}

function readUnicode(text: string, at: number, bytes: ByteList, bad: (n: number, message: string) => number): number {
  if (text[at + 1] === 'U') {
    const hex = /^00[01][0-9a-fA-F]{5}/.exec(text.slice(at + 2, at + 10));
    if (!hex) return bad(2, '"\\U" must be followed by eight hexadecimal digits, up to 0010FFFF.');
    const point = Number.parseInt(hex[0], 16);
    // Beyond Unicode protoc keeps the escape as it is written.
    if (point > 0x10ffff) bytes.text(text.slice(at, at + 10));
    else pushCodePoint(bytes, point);
    return 10;
  }
  const hex = /^[0-9a-fA-F]{4}/.exec(text.slice(at + 2, at + 6));
  if (!hex) return bad(2, '"\\u" must be followed by four hexadecimal digits.');
  const head = Number.parseInt(hex[0], 16);
  const tail = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(text.slice(at + 6, at + 12));
  if (head >= 0xd800 && head < 0xdc00 && tail) {
    pushCodePoint(bytes, 0x10000 + ((head - 0xd800) << 10) + (Number.parseInt(tail[1]!, 16) - 0xdc00));
    return 12;
  }
  pushCodePoint(bytes, head);
  return 6;
}

/** Bytes that grow, with text among them in UTF-8. */
class ByteList {
  #bytes: Uint8Array;
  #length = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  push(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = byte;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(2 * this.#bytes.length + by);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  text(text: string): void {
    const bytes = textToBytes(text);
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

function pushCodePoint(bytes: ByteList, c: number): void {
  const tail = (shift: number) => bytes.push(0x80 | ((c >> shift) & 63));
  if (c < 0x80) bytes.push(c);
  else if (c < 0x800) bytes.push(0xc0 | (c >> 6));
  else if (c < 0x10000) bytes.push(0xe0 | (c >> 12));
  else bytes.push(0xf0 | (c >> 18));
  if (c >= 0x10000) tail(12);
  if (c >= 0x800) tail(6);
  if (c >= 0x80) tail(0);
}

const LONE_BYTE = /(?<![\ud800-\udbff])[\udc80-\udcff]/;
const encoder = new TextEncoder();

/** The bytes of a string value. */
export function textToBytes(text: string): Uint8Array {
  if (!hasSurrogate(text) || !LONE_BYTE.test(text)) return encoder.encode(text);
  const bytes = new ByteList(3 * text.length);
  for (let i = 0; i < text.length; i++) {
    const c = text.codePointAt(i)!;
    if (c > 0xffff) i++;
    if (c >= 0xdc80 && c <= 0xdcff) bytes.push(c - 0xdc00);
    else pushCodePoint(bytes, c);
  }
  return bytes.bytes();
}

/** A quick look, so that long plain strings skip the slow expression. */
function hasSurrogate(text: string): boolean {
  return /[\udc80-\udcff]/.test(text);
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The string value of bytes; the inverse of `textToBytes`. */
export function bytesToText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeWithLoneBytes(bytes);
  }
}

function decodeWithLoneBytes(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length === 0) out += String.fromCharCode(0xdc00 + bytes[i++]!);
    else {
      out += strict.decode(bytes.subarray(i, i + length));
      i += length;
    }
  }
  return out;
}

/** Length of the valid UTF-8 sequence at `i`, or 0. */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const b = bytes[i]!;
  if (b < 0x80) return 1;
  const length = b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xf0 && b < 0xf5 ? 4 : 0;
  for (let k = 1; k < length; k++) if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return 0;
  const second = bytes[i + 1] ?? 0;
  const outside = (b === 0xe0 && second < 0xa0) || (b === 0xed && second > 0x9f) || (b === 0xf0 && second < 0x90);
  return outside || (b === 0xf4 && second > 0x8f) ? 0 : length;
}

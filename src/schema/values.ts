/** One scalar of the text format as the value of a typed field, by protoc's rules; and values as text. */

import protobuf from 'protobufjs';
import { type SyntaxScalar, textToBytes } from '../../grammar/index.js';
import { nearest, own } from '../diagnostics/index.js';
import { Long, plainInteger } from './long.js';

/** Why a value does not fit its field. */
export interface ValueFault {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** What to write instead. */
  readonly replacement?: string;
}

export type ValueResult = { readonly value: unknown } | { readonly fault: ValueFault };

const fault = (code: string, message: string, more: Partial<ValueFault> = {}): ValueResult => ({
  fault: { code, message, ...more },
});

const LIMITS: Record<string, readonly [min: bigint, max: bigint]> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};
const INTEGER_TYPE: Record<string, keyof typeof LIMITS> = {
  int32: 'int32',
  sint32: 'int32',
  sfixed32: 'int32',
  uint32: 'uint32',
  fixed32: 'uint32',
  int64: 'int64',
  sint64: 'int64',
  sfixed64: 'int64',
  uint64: 'uint64',
  fixed64: 'uint64',
};

/** The value that `scalar` gives to `field`, or why it gives none. */
export function readValue(field: protobuf.Field, scalar: SyntaxScalar): ValueResult {
  if (field.resolvedType instanceof protobuf.Enum) return readEnum(field, field.resolvedType, scalar);
  const integer = own(INTEGER_TYPE, field.type);
  if (integer) return readInteger(field, integer, scalar);
  switch (field.type) {
    case 'float':
    case 'double':
      return readFloat(field, scalar);
    case 'bool':
      return readBool(field, scalar);
    default:
      return readString(field, scalar);
  }
}

const shown = (scalar: SyntaxScalar): string => {
  const text = scalar.type === 'string' ? JSON.stringify(scalar.text) : scalar.text;
  return `${scalar.negative ? '-' : ''}${text.length > 40 ? `${text.slice(0, 40)}…` : text}`;
};

/** Longer literals are beyond any integer, and BigInt takes its time to read them. */
const MOST_DIGITS = 100;

/** A non-negative integer literal: decimal, hexadecimal or octal. */
function magnitude(text: string): bigint {
  if (text.length > MOST_DIGITS && text.replace(/^0[xX]?0*/, '').length > MOST_DIGITS) return 2n ** 256n;
  return BigInt(/^0[0-7]/.test(text) ? `0o${text.slice(1)}` : text);
}

function readInteger(field: protobuf.Field, type: string, scalar: SyntaxScalar): ValueResult {
  if (scalar.type !== 'integer') {
    const hint = scalar.type === 'float' ? 'Write it without decimal point, exponent or "f".' : undefined;
    return fault('wrong-type', `\`${field.name}\` takes an integer, not ${shown(scalar)}.`, { hint });
  }
  const [min, max] = LIMITS[type]!;
  if (scalar.negative && min === 0n) {
    return fault('out-of-range', `\`${field.name}\` cannot be negative: ${shown(scalar)}.`);
  }
  if (scalar.text.length < 10 && scalar.text[0] !== '0') {
    return { value: scalar.negative ? -Number(scalar.text) : Number(scalar.text) };
  }
  const value = scalar.negative ? -magnitude(scalar.text) : magnitude(scalar.text);
  if (value < min || value > max) {
    return fault('out-of-range', `\`${field.name}\` takes ${min} to ${max}; ${shown(scalar)} is outside.`);
  }
  if (!type.endsWith('64')) return { value: Number(value) };
  return { value: plainInteger(Long.fromString(String(value), type === 'uint64')) };
}

/** The largest double that still rounds to the largest float. */
const FLOAT_EDGE = 3.4028235677973366e38;
const FLOAT_MAX = 3.4028234663852886e38;

/** A double as the float that C++ makes of it. */
export function toFloat(value: number): number {
  if (Math.abs(value) <= FLOAT_EDGE && Math.abs(value) > FLOAT_MAX) return Math.sign(value) * FLOAT_MAX;
  return Math.fround(value);
}

/** A NaN with its sign bit set, as C++ makes of `-nan`. */
const NEGATIVE_NAN = new Float64Array(new BigUint64Array([0xfff8000000000000n]).buffer)[0]!;

function readFloat(field: protobuf.Field, scalar: SyntaxScalar): ValueResult {
  let value: number;
  const { text, type } = scalar;
  if (type === 'integer' && /^0[0-9xX]/.test(text)) {
    return fault('wrong-type', `\`${field.name}\` takes a decimal number, not ${shown(scalar)}.`);
  }
  if (type === 'integer') value = Number(text);
  else if (type === 'float') value = Number(text.replace(/[fF]$/, ''));
  else {
    const word = type === 'identifier' ? text.toLowerCase() : '';
    if (word === 'nan') return { value: scalar.negative ? NEGATIVE_NAN : Number.NaN };
    if (word !== 'inf' && word !== 'infinity') {
      return fault('wrong-type', `\`${field.name}\` takes a number, not ${shown(scalar)}.`);
    }
    value = Number.POSITIVE_INFINITY;
  }
  if (scalar.negative) value = -value;
  return { value: field.type === 'float' ? toFloat(value) : value };
}

const TRUE = new Set(['true', 'True', 't']);
const FALSE = new Set(['false', 'False', 'f']);

function readBool(field: protobuf.Field, scalar: SyntaxScalar): ValueResult {
  if (!scalar.negative && scalar.type === 'integer') {
    const value = magnitude(scalar.text);
    if (value <= 1n) return { value: value === 1n };
  }
  if (!scalar.negative && scalar.type === 'identifier') {
    if (TRUE.has(scalar.text)) return { value: true };
    if (FALSE.has(scalar.text)) return { value: false };
  }
  const word = scalar.text.toLowerCase();
  const replacement = /^(true|yes|on)$/.test(word) ? 'true' : /^(false|no|off)$/.test(word) ? 'false' : undefined;
  return fault('wrong-type', `\`${field.name}\` takes true or false, not ${shown(scalar)}.`, { replacement });
}

function readEnum(field: protobuf.Field, type: protobuf.Enum, scalar: SyntaxScalar): ValueResult {
  if (scalar.type === 'identifier' && !scalar.negative) {
    const value = own(type.values, scalar.text);
    if (value !== undefined) return { value };
  }
  const names = Object.keys(type.values);
  const today = todaysType(field, scalar);
  if (today && !nearest(scalar.text, names)) {
    return fault(
      'unknown-enum-value',
      `${scalar.text} is no layer type of Caffe's format before 2015 (V1): a fork had a number of its own for it.`,
      {
        hint: `Today's form names the type: layer { type: "${today}" … }, with \`type\` in quotes and \`layer\` in place of \`layers\`.`,
      },
    );
  }
  if (scalar.type === 'integer') {
    const n = magnitude(scalar.text);
    const value = Number(scalar.negative ? -n : n);
    if (type.valuesById[value] !== undefined) return { value };
  } else {
    const near = names.includes(scalar.text) ? scalar.text : nearest(scalar.text, names);
    const quoted = scalar.type === 'string' && near === scalar.text;
    return fault('unknown-enum-value', `${shown(scalar)} is no value of \`${field.name}\`.`, {
      hint: quoted
        ? `Write it without quotes: ${near}.`
        : `${near ? `Did you mean ${near}? ` : ''}It takes ${listOf(names)}.`,
      replacement: near,
    });
  }
  return fault('unknown-enum-value', `${shown(scalar)} is no value of \`${field.name}\`.`, {
    hint: `It takes ${listOf(names)}.`,
  });
}

/** The name that a type of V1's form, `CROP`, has in today's, `Crop`; of a text that gives such a type by name. */
function todaysType(field: protobuf.Field, scalar: SyntaxScalar): string | undefined {
  if (field.parent?.name !== 'V1LayerParameter' || field.name !== 'type' || scalar.type !== 'identifier')
    return undefined;
  if (!/^[A-Z][A-Z0-9_]*$/.test(scalar.text)) return undefined;
  return scalar.text
    .split('_')
    .map(word => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join('');
}

/** `A, B or C`, at most twelve of them. */
function listOf(names: readonly string[]): string {
  if (names.length > 12) return `${names.slice(0, 12).join(', ')}, …`;
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : (names[0] ?? '');
}

function readString(field: protobuf.Field, scalar: SyntaxScalar): ValueResult {
  if (scalar.type !== 'string' || scalar.negative) {
    return fault('wrong-type', `\`${field.name}\` takes a string in quotes, not ${shown(scalar)}.`, {
      replacement: `"${scalar.negative ? '-' : ''}${scalar.text}"`,
    });
  }
  return { value: field.type === 'bytes' ? textToBytes(scalar.text) : scalar.text };
}

/** A float by the fewest digits that give it back, as protoc writes numbers: `0.1`, `1e-08`, `inf`. */
export function formatFloat(value: number, double = false): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const [least, most] = double ? [15, 17] : [6, 9];
  for (let digits = least; digits < most; digits++) {
    const text = formatG(value, digits);
    if ((double ? Number(text) : Math.fround(Number(text))) === value) return text;
  }
  return formatG(value, most);
}

/** C's `%.<digits>g`. */
function formatG(value: number, digits: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, power] = value.toExponential(digits - 1).split('e') as [string, string];
  const exponent = Number(power);
  const trim = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (exponent >= -4 && exponent < digits) return trim(value.toFixed(Math.max(0, digits - 1 - exponent)));
  const sign = exponent < 0 ? '-' : '+';
  return `${trim(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

const ESCAPES: Record<number, string> = { 10: '\\n', 13: '\\r', 9: '\\t', 34: '\\"', 39: "\\'", 92: '\\\\' };

/** A string or bytes as protoc writes it: in double quotes, what is not printable ASCII in octal. */
export function formatString(value: string | Uint8Array): string {
  const bytes = typeof value === 'string' ? textToBytes(value) : value;
  let out = '"';
  for (const b of bytes) {
    const octal = b < 32 || b > 126;
    out += ESCAPES[b] ?? (octal ? `\\${b.toString(8).padStart(3, '0')}` : String.fromCharCode(b));
  }
  return `${out}"`;
}

/** Message ⇄ binary, byte for byte as protoc writes it (fields in the order of their numbers), and message → text. */

import protobuf from 'protobufjs';
import { bytesToText, textToBytes } from '../../grammar/index.js';
import { fail } from '../diagnostics/index.js';
import type { Messages } from './generated/caffe.js';
import { Long, plainInteger } from './long.js';
import { isGroup } from './message.js';
import { messageType, type Schema, schemaOf, typeOf } from './schema.js';
import { formatFloat, formatString } from './values.js';

/** Strings may hold bytes that are no UTF-8 (see grammar/strings.ts): written and read without loss. */
class TextWriter extends protobuf.Writer {
  override string(value: string): protobuf.Writer {
    return this.bytes(textToBytes(value));
  }
}

class TextReader extends protobuf.Reader {
  override string(): string {
    return bytesToText(this.bytes());
  }
}

/** The binary form of a message. Throws `bad-message` where a value cannot be written. */
export function encode(message: object, type: string | protobuf.Type = typeOf(message)): Uint8Array {
  const t = messageType(type, schemaOf(message));
  try {
    return t.encode(message as protobuf.Message, new TextWriter()).finish();
  } catch (cause) {
    throw fail('bad-message', `This ${t.name} cannot be written: ${(cause as Error).message}.`, {});
  }
}

/** How bytes are read. */
export interface DecodeOptions {
  /** What `type` is a name in. Default: Caffe's schema. */
  readonly schema?: Schema;
}

/** A message from its binary form. Unknown fields are left out. Throws `bad-message` where the bytes are none. */
export function decode<K extends keyof Messages>(bytes: Uint8Array, type: K, options?: DecodeOptions): Messages[K];
export function decode(bytes: Uint8Array, type: string | protobuf.Type, options?: DecodeOptions): object;
export function decode(bytes: Uint8Array, type: string | protobuf.Type, { schema }: DecodeOptions = {}): object {
  const t = messageType(type, schema);
  let message: object;
  try {
    message = t.decode(new TextReader(bytes));
  } catch (cause) {
    throw fail('bad-message', `These bytes are no ${t.fullName.slice(1)}: ${(cause as Error).message}.`, {
      hint: 'The file may be cut off, damaged, or of another kind.',
    });
  }
  if (holdsLongs(t)) plainLongs(message as Record<string, unknown>, t);
  return message;
}

const longs = new WeakMap<protobuf.Type, boolean>();

/** Whether a type, or one inside it, has 64-bit integers. */
function holdsLongs(type: protobuf.Type): boolean {
  const known = longs.get(type);
  if (known !== undefined) return known;
  longs.set(type, false);
  const holds = type.fieldsArray.some(f => {
    const inner = f.resolve().resolvedType;
    return inner instanceof protobuf.Type ? holdsLongs(inner) : f.long;
  });
  longs.set(type, holds);
  return holds;
}

function plainLongs(message: Record<string, unknown>, type: protobuf.Type): void {
  for (const field of type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) continue;
    const inner = field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
    if (inner ? !holdsLongs(inner) : !field.long) continue;
    const one = (value: unknown) => {
      if (Long.isLong(value)) return plainInteger(value);
      if (inner && value) plainLongs(value as Record<string, unknown>, inner);
      return value;
    };
    const value = message[field.name];
    message[field.name] = Array.isArray(value) ? value.map(one) : one(value);
  }
}

/** A message in the text format, as `protoc --decode` prints it: fields by number, enums by name. Ends with a newline. */
export function printText(message: object, type: string | protobuf.Type = typeOf(message)): string {
  const out: string[] = [];
  printFields(message as Record<string, unknown>, messageType(type, schemaOf(message)), '', out);
  return out.join('');
}

function printFields(message: Record<string, unknown>, type: protobuf.Type, indent: string, out: string[]): void {
  for (const field of [...type.fieldsArray].sort((a, b) => a.id - b.id)) {
    if (!Object.hasOwn(message, field.name)) continue;
    const value = message[field.name];
    if (value === null || value === undefined) continue;
    const inner = field.resolve().resolvedType;
    for (const item of (field.repeated ? value : [value]) as unknown[]) {
      if (inner instanceof protobuf.Type) {
        out.push(`${indent}${isGroup(inner) ? inner.name : field.name} {\n`);
        printFields(item as Record<string, unknown>, inner, `${indent}  `, out);
        out.push(`${indent}}\n`);
      } else {
        out.push(`${indent}${field.name}: ${formatValue(field, item)}\n`);
      }
    }
  }
}

/** One scalar of a field as text. */
export function formatValue(field: protobuf.Field, value: unknown): string {
  const inner = field.resolve().resolvedType;
  if (inner instanceof protobuf.Enum) return inner.valuesById[value as number] ?? String(value);
  if (field.type === 'float') return formatFloat(Math.fround(value as number));
  if (field.type === 'double') return formatFloat(value as number, true);
  if (field.type === 'string' || field.type === 'bytes') return formatString(value as string | Uint8Array);
  return String(value);
}

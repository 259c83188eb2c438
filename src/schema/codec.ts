/** Message ⇄ binary, byte for byte as protoc writes it (fields in the order of their numbers), and message → text. */

import protobuf from 'protobufjs';
import { textToBytes } from '../../grammar/index.js';
import { fail } from '../diagnostics/index.js';
import type { Messages } from './generated/caffe.js';
import { isGroup } from './message.js';
import { messageType, type Schema, schemaOf, typeOf } from './schema.js';
import { formatFloat, formatString } from './values.js';
import { type OnSkipped, readMessage } from './wire.js';

/** Strings may hold bytes that are no UTF-8 (see grammar/strings.ts): written and read without loss. */
class TextWriter extends protobuf.Writer {
  override string(value: string): protobuf.Writer {
    return this.bytes(textToBytes(value));
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
  /** Told of each field that is left out. With it a block of settings that cannot be decoded is left out too. */
  readonly onSkipped?: OnSkipped;
}

/** A message from its binary form. Unknown fields, those of another wire type too, are left out. Throws `bad-message` where the bytes are none. */
export function decode<K extends keyof Messages>(bytes: Uint8Array, type: K, options?: DecodeOptions): Messages[K];
export function decode(bytes: Uint8Array, type: string | protobuf.Type, options?: DecodeOptions): object;
export function decode(
  bytes: Uint8Array,
  type: string | protobuf.Type,
  { schema, onSkipped }: DecodeOptions = {},
): object {
  const t = messageType(type, schema);
  try {
    return readMessage(bytes, t, onSkipped);
  } catch (cause) {
    throw fail('bad-message', `These bytes are no ${t.fullName.slice(1)}: ${(cause as Error).message}.`, {
      hint: 'The file may be cut off, damaged, or of another kind.',
    });
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

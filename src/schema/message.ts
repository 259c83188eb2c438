/**
 * Messages in memory: protobufjs instances of any loaded type. An unset field reads as its proto default through the
 * prototype, an unset sub-message as null, an enum as its number, a 64-bit integer as a plain number (a Long only
 * where it is beyond 2^53 - 1, so `Number.isSafeInteger` tells the two apart).
 */

import protobuf from 'protobufjs';
import { fail, own } from '../diagnostics/index.js';
import type { Messages } from './generated/caffe.js';
import { messageType, typeBeside, typeOf } from './schema.js';

/** Whether a type is a proto2 group: text calls its field by the type's name. */
export function isGroup(type: protobuf.Type): boolean {
  return (type as { group?: boolean }).group === true;
}

/** A new message of the default schema; `fields` are set as given, nested plain objects become messages too. */
export function create<K extends keyof Messages>(type: K, fields?: DeepPartial<Messages[K]>): Messages[K];
export function create(type: string | protobuf.Type, fields?: object): object;
export function create(type: string | protobuf.Type, fields: object = {}): object {
  return fill(messageType(type), fields as Record<string, unknown>);
}

/** The same of the schema that another message is of: for a message that shall hold it, or parts of it. */
export function createBeside<K extends keyof Messages>(
  other: object,
  type: K,
  fields?: DeepPartial<Messages[K]>,
): Messages[K] {
  return fill(typeBeside(other, type), { ...fields }) as Messages[K];
}

/** Any part of a message, down to its leaves. */
export type DeepPartial<T> = T extends Uint8Array
  ? T
  : T extends (infer E)[]
    ? DeepPartial<E>[]
    : T extends object
      ? { [K in keyof T]?: DeepPartial<T[K]> }
      : T;

function fill(type: protobuf.Type, fields: Record<string, unknown>): object {
  const message = type.create() as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    const field = own(type.fields, name);
    if (!field) throw fail('unknown-field', `${type.name} has no field "${name}".`);
    if (value === undefined) continue;
    const inner = field.resolvedType;
    const convert = (v: unknown) =>
      inner instanceof protobuf.Type && !(v instanceof protobuf.Message)
        ? fill(inner, v as Record<string, unknown>)
        : v;
    message[name] = Array.isArray(value) ? value.map(convert) : convert(value);
  }
  return message;
}

/** Whether the field was given (proto2's `has_x`); for a repeated field, whether it has entries. */
export function isSet<T extends object>(message: T, field: keyof T & string): boolean {
  if (!Object.hasOwn(message, field)) return false;
  const value = message[field];
  return Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined;
}

const defaults = new WeakMap<protobuf.Type, object>();

/** The sub-message in `field`, or, where it is not set, a shared frozen instance that reads as all defaults. */
export function sub<T extends object, K extends keyof T & string>(message: T, field: K): NonNullable<T[K]> {
  const value = message[field];
  if (value !== null && value !== undefined) return value;
  const inner = blockType(message, field);
  let empty = defaults.get(inner);
  if (!empty) {
    empty = Object.freeze(messageType(inner).create());
    defaults.set(inner, empty);
  }
  return empty as NonNullable<T[K]>;
}

/** The type of a field that holds a message. Throws `unknown-field` where the message's schema has no such field. */
function blockType(message: object, field: string): protobuf.Type {
  const type = typeOf(message);
  const inner = own(type.fields, field)?.resolve().resolvedType;
  if (inner instanceof protobuf.Type) return inner;
  throw fail('unknown-field', `${type.name} has no block "${field}" in the schema that the text was read by.`, {
    hint: "If it is a fork's, read the text by a schema that has it: the option `schema`, or --schema FORK.proto.",
  });
}

/** The sub-message in `field`, made and set where it was not. */
export function mutable<T extends object, K extends keyof T & string>(message: T, field: K): NonNullable<T[K]> {
  const value = message[field];
  if (value !== null && value !== undefined) return value;
  const inner = blockType(message, field);
  const made = messageType(inner).create() as unknown as NonNullable<T[K]>;
  message[field] = made;
  return made;
}

/** An enum field's value by name: `enumName(pooling, 'pool')` is `'MAX'`. A number the enum lacks comes back in digits. */
export function enumName<T extends object>(message: T, field: keyof T & string): string {
  const inner = typeOf(message).fields[field]?.resolve().resolvedType;
  if (!(inner instanceof protobuf.Enum)) throw new TypeError(`enumName: ${field} is no enum`);
  const value = message[field] as number;
  return inner.valuesById[value] ?? String(value);
}

/** A deep copy of a message, on its own arrays; bytes are shared. */
export function clone<T extends object>(message: T): T {
  const type = typeOf(message);
  const copy = type.create() as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(message)) {
    const deep = own(type.fields, name)?.resolve().resolvedType instanceof protobuf.Type;
    const one = (v: unknown) => (deep && v ? clone(v as object) : v);
    copy[name] = Array.isArray(value) ? value.map(one) : one(value);
  }
  return copy as T;
}

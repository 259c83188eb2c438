/**
 * Messages in memory: protobufjs instances of any loaded type. An unset field reads as its proto default through the
 * prototype, an unset sub-message as null, an enum as its number, a 64-bit integer as a plain number (a Long only
 * where it is beyond 2^53 - 1, so `Number.isSafeInteger` tells the two apart).
 */

import Long from 'long';
import protobuf from 'protobufjs';
import { fail } from '../diagnostics/index.js';
import type { Messages } from './generated/caffe.js';
import { CAFFE_PROTO, FORKS_PROTO } from './generated/caffe_proto.js';
import { mergeProto, parseProto } from './merge.js';

protobuf.util.Long = Long;
protobuf.configure();

interface Extra {
  readonly text: string;
  readonly name: string;
}

let loaded: protobuf.Root | undefined;
let extras: readonly Extra[] = [{ text: FORKS_PROTO, name: 'grammar/forks.proto' }];

/** Caffe's schema with what forks add to it. */
export function caffeRoot(): protobuf.Root {
  loaded ??= rootWith(extras);
  return loaded;
}

function rootWith(all: readonly Extra[]): protobuf.Root {
  const root = parseProto(CAFFE_PROTO, 'grammar/caffe.proto');
  for (const { text, name } of all) mergeProto(root, text, name);
  try {
    root.resolveAll();
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw fail('schema-types', `${all.at(-1)!.name} does not go with Caffe's schema: ${reason}.`);
  }
  return root;
}

/**
 * Merges a fork's `.proto` into the schema, for all that is read from now on: `foo_param { … }` then parses. Fields that
 * Caffe has too stay as they are.
 *
 * @param name what messages call it
 * @throws MokapotError `schema-syntax`, `schema-types`; the schema is then as before
 */
export function extendSchema(text: string, name = '<schema>'): void {
  if (extras.some(extra => extra.text === text)) return;
  const all = [...extras, { text, name }];
  loaded = rootWith(all);
  extras = all;
}

/** A schema of one's own from the text of a .proto file (field names are kept as they are spelt). */
export function loadProto(text: string): protobuf.Root {
  const root = parseProto(text, '<schema>');
  root.resolveAll();
  return root;
}

/** A type by its full name (`caffe.NetParameter`) or given as it is. Throws `unknown-message` for a name Caffe lacks. */
export function messageType(type: string | protobuf.Type): protobuf.Type {
  if (typeof type !== 'string') return prepare(type);
  const found = caffeRoot().lookup(type, [protobuf.Type]);
  if (!(found instanceof protobuf.Type)) {
    throw fail('unknown-message', `Caffe has no message "${type}".`, {
      hint: 'Full names look like caffe.NetParameter or caffe.SolverParameter.',
    });
  }
  return prepare(found);
}

/** Whether a type is a proto2 group: text calls its field by the type's name. */
export function isGroup(type: protobuf.Type): boolean {
  return (type as { group?: boolean }).group === true;
}

const prepared = new WeakSet<protobuf.Type>();

/** Makes defaults of `type` and of all it contains what fields hold: plain numbers for 64 bits, floats for floats. */
function prepare(type: protobuf.Type): protobuf.Type {
  if (prepared.has(type)) return type;
  prepared.add(type);
  const prototype = type.ctor.prototype as Record<string, unknown>;
  for (const field of type.fieldsArray) {
    field.resolve();
    if (!field.repeated && Long.isLong(field.defaultValue)) {
      field.defaultValue = plainInteger(field.defaultValue);
      prototype[field.name] = field.defaultValue;
    }
    // As protoc does, a message without a required field is written without it.
    if (field.required) Object.defineProperty(field, 'optional', { value: true });
    if (!field.repeated && field.type === 'float') {
      field.defaultValue = Math.fround(field.defaultValue as number);
      prototype[field.name] = field.defaultValue;
    }
    if (field.resolvedType instanceof protobuf.Type) prepare(field.resolvedType);
  }
  return type;
}

/** A Long as a number where a number holds it exactly, else the Long itself. */
export function plainInteger(value: Long): number | Long {
  const n = value.toNumber();
  return Number.isSafeInteger(n) ? n : value;
}

/** A new message; `fields` are set as given, nested plain objects become messages too. */
export function create<K extends keyof Messages>(type: K, fields?: DeepPartial<Messages[K]>): Messages[K];
export function create(type: string | protobuf.Type, fields?: object): object;
export function create(type: string | protobuf.Type, fields: object = {}): object {
  return fill(messageType(type), fields as Record<string, unknown>);
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
    const field = type.fields[name];
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

/** The protobufjs type of a message. */
export function typeOf(message: object): protobuf.Type {
  const type = (message as { $type?: protobuf.Type }).$type;
  if (!type) throw new TypeError('typeOf: not a message made by src/schema');
  return type;
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
  const inner = typeOf(message).fields[field]?.resolve().resolvedType;
  if (!(inner instanceof protobuf.Type)) throw new TypeError(`sub: ${field} is no sub-message`);
  let empty = defaults.get(inner);
  if (!empty) {
    empty = Object.freeze(prepare(inner).create());
    defaults.set(inner, empty);
  }
  return empty as NonNullable<T[K]>;
}

/** The sub-message in `field`, made and set where it was not. */
export function mutable<T extends object, K extends keyof T & string>(message: T, field: K): NonNullable<T[K]> {
  const value = message[field];
  if (value !== null && value !== undefined) return value;
  const inner = typeOf(message).fields[field]?.resolve().resolvedType;
  if (!(inner instanceof protobuf.Type)) throw new TypeError(`mutable: ${field} is no sub-message`);
  const made = prepare(inner).create() as unknown as NonNullable<T[K]>;
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
    const deep = type.fields[name]?.resolve().resolvedType instanceof protobuf.Type;
    const one = (v: unknown) => (deep && v ? clone(v as object) : v);
    copy[name] = Array.isArray(value) ? value.map(one) : one(value);
  }
  return copy as T;
}

/**
 * Binary → message by the rules of the wire format: a field whose wire type is not its own is an unknown field and is
 * skipped, as protobuf's C++ does (protobufjs reads it as if it were its own, and all that follows wrongly).
 */

import protobuf from 'protobufjs';
import { bytesToText } from '../../grammar/index.js';
import { type Diagnostic, recordOf } from '../diagnostics/index.js';
import { type Long, plainInteger } from './long.js';

/** A field that was left out. */
export interface SkippedField {
  /** Full name of the message it stands in: `caffe.TransformationParameter`. */
  readonly message: string;
  readonly number: number;
  /** The schema's name for the number; undefined where it has none. */
  readonly field: string | undefined;
  /** The schema lacks the number, has it with another wire type, or as a message that these bytes are not. */
  readonly why: 'unknown' | 'wire-type' | 'broken';
}

/** What is told of skipped fields. With it a block of settings that cannot be decoded is skipped too, not an error. */
export type OnSkipped = (field: SkippedField) => void;

/** Strings may hold bytes that are no UTF-8 (see grammar/strings.ts): read without loss. */
class TextReader extends protobuf.Reader {
  override string(): string {
    return bytesToText(this.bytes());
  }
}

const VARINT = 0;
const BYTES = 2;
const GROUP = 3;
const END_GROUP = 4;

const WIRE: Readonly<Record<string, number>> = { ...protobuf.types.basic, bytes: BYTES };

/** protobuf's own limit. */
const MAX_DEPTH = 100;

/** Messages without which nothing is left: a net or its layers, cut off or damaged, are never skipped. */
const NEEDED = /(?:Net|Layer|Solver)Parameter$|SolverState$|Blob(?:Proto|Shape|ProtoVector)$|Datum$/;

type Fields = Record<string, unknown>;

/** The message of `type` in these bytes. Throws an Error with the reason where they are none. */
export function readMessage(bytes: Uint8Array, type: protobuf.Type, onSkipped?: OnSkipped): object {
  const reader = new TextReader(bytes);
  const message = type.create() as unknown as Fields;
  new WireMessages(reader, onSkipped).fields(type, message, 0, 0);
  return message;
}

class WireMessages {
  constructor(
    readonly reader: protobuf.Reader,
    readonly onSkipped: OnSkipped | undefined,
  ) {}

  /** All fields up to the reader's end, or to the end of the group `group`. */
  fields(type: protobuf.Type, message: Fields, depth: number, group: number): void {
    const { reader } = this;
    if (depth > MAX_DEPTH) throw new Error(`messages are nested more than ${MAX_DEPTH} deep`);
    for (;;) {
      if (reader.pos >= reader.len) {
        if (group) throw new Error(`group ${group} of ${type.name} has no end`);
        break;
      }
      const tag = reader.uint32();
      const wire = tag & 7;
      const number = tag >>> 3;
      if (wire === END_GROUP && group && number === group) break;
      if (number === 0) throw new Error('a field has the number 0');
      this.field(type, message, number, wire, depth);
    }
    const lacking = type.fieldsArray.find(f => f.required && !Object.hasOwn(message, f.name));
    if (lacking) throw new Error(`missing required '${lacking.name}'`);
  }

  private field(type: protobuf.Type, message: Fields, number: number, wire: number, depth: number): void {
    const field = type.fieldsById[number]?.resolve();
    const why = field ? this.known(message, field, wire, depth) : 'unknown';
    if (why === undefined) return;
    if (why !== 'broken') this.reader.skipType(wire);
    this.onSkipped?.({ message: type.fullName.slice(1), number, field: field?.name, why });
  }

  /** Reads the field's value; why not, where it is left out. */
  private known(
    message: Fields,
    field: protobuf.Field,
    wire: number,
    depth: number,
  ): 'wire-type' | 'broken' | undefined {
    const inner = field.resolvedType;
    if (field instanceof protobuf.MapField) {
      return wire === BYTES ? this.entry(message, field, depth) : 'wire-type';
    }
    if (inner instanceof protobuf.Type) {
      const group = (inner as { group?: boolean }).group === true;
      if (wire !== (group ? GROUP : BYTES)) return 'wire-type';
      return this.inner(message, field, inner, depth, group);
    }
    const own = inner instanceof protobuf.Enum ? VARINT : WIRE[field.type];
    if (wire === BYTES && own !== BYTES && field.repeated) this.packed(message, field);
    else if (wire !== own) return 'wire-type';
    else put(message, field, this.scalar(field));
    return undefined;
  }

  private packed(message: Fields, field: protobuf.Field): void {
    this.within(() => {
      const list = listOf(message, field);
      while (this.reader.pos < this.reader.len) list.push(this.scalar(field));
    });
  }

  private inner(
    message: Fields,
    field: protobuf.Field,
    type: protobuf.Type,
    depth: number,
    group: boolean,
  ): 'broken' | undefined {
    // A message that may stand once and stands twice is one, merged.
    const before = field.repeated ? undefined : (message[field.name] as Fields | null | undefined);
    const value = before ?? (type.create() as unknown as Fields);
    if (group) this.fields(type, value, depth + 1, field.id);
    else if (!this.block(type, value, depth + 1)) return 'broken';
    if (!before) put(message, field, value);
    return undefined;
  }

  /** Whether the block could be read; throws where it could not and is not to be skipped. */
  private block(type: protobuf.Type, value: Fields, depth: number): boolean {
    return this.within(() => {
      try {
        this.fields(type, value, depth, 0);
        return true;
      } catch (cause) {
        if (!this.onSkipped || NEEDED.test(type.name)) throw cause;
        return false;
      }
    });
  }

  private entry(message: Fields, field: protobuf.MapField, depth: number): undefined {
    this.within(() => {
      let key: unknown = '';
      let value: unknown;
      while (this.reader.pos < this.reader.len) {
        const tag = this.reader.uint32();
        if (tag >>> 3 === 1) key = this.scalar({ type: field.keyType, resolvedType: null });
        else if (tag >>> 3 !== 2) this.reader.skipType(tag & 7);
        else if (field.resolvedType instanceof protobuf.Type) {
          value = field.resolvedType.create();
          this.block(field.resolvedType, value as Fields, depth + 1);
        } else value = this.scalar(field);
      }
      if (!Object.hasOwn(message, field.name)) message[field.name] = recordOf([]);
      (message[field.name] as Fields)[String(key)] = value;
    });
    return undefined;
  }

  /** What stands in the next length-delimited field; behind it afterwards. */
  private within<T>(read: () => T): T {
    const { reader } = this;
    const size = reader.uint32();
    const end = reader.pos + size;
    const outer = reader.len;
    if (end > outer) throw new Error(`index out of range: ${reader.pos} + ${size} > ${outer}`);
    reader.len = end;
    try {
      return read();
    } finally {
      reader.len = outer;
      reader.pos = end;
    }
  }

  private scalar(field: Pick<protobuf.Field, 'type' | 'resolvedType'>): unknown {
    const { reader } = this;
    if (field.resolvedType instanceof protobuf.Enum) return reader.int32();
    switch (field.type) {
      case 'float':
        return reader.float();
      case 'double':
        return reader.double();
      case 'int32':
        return reader.int32();
      case 'uint32':
        return reader.uint32();
      case 'sint32':
        return reader.sint32();
      case 'fixed32':
        return reader.fixed32();
      case 'sfixed32':
        return reader.sfixed32();
      case 'int64':
        return plainInteger(reader.int64() as Long);
      case 'uint64':
        return plainInteger(reader.uint64() as Long);
      case 'sint64':
        return plainInteger(reader.sint64() as Long);
      case 'fixed64':
        return plainInteger(reader.fixed64() as Long);
      case 'sfixed64':
        return plainInteger(reader.sfixed64() as Long);
      case 'bool':
        return reader.bool();
      case 'string':
        return reader.string();
      default:
        return reader.bytes();
    }
  }
}

function listOf(message: Fields, field: protobuf.Field): unknown[] {
  if (!Object.hasOwn(message, field.name)) message[field.name] = [];
  return message[field.name] as unknown[];
}

function put(message: Fields, field: protobuf.Field, value: unknown): void {
  if (field.repeated) listOf(message, field).push(value);
  else message[field.name] = value;
}

/** One warning for all fields that were left out of a binary message. */
export function skippedWarning(name: string, skipped: readonly SkippedField[]): Diagnostic[] {
  const [first] = skipped;
  if (!first) return [];
  const many = skipped.length > 1;
  const own = first.field ? `, where the schema has \`${first.field}\` in another form` : ', which the schema lacks';
  return [
    {
      code: 'foreign-field',
      severity: 'warning',
      message: `${many ? `${skipped.length} fields` : 'A field'} of ${name} ${many ? 'were' : 'was'} left out: ${many ? 'the first is ' : ''}number ${first.number} of ${first.message}${own}.`,
      hint: 'A fork of Caffe with numbers of its own wrote the file; parameters are not touched by this.',
    },
  ];
}

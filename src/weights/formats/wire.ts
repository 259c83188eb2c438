/**
 * Protobuf's wire format, read in place: fields are found by walking over them, payloads are left where they lie.
 * (Encoding: https://protobuf.dev/programming-guides/encoding.) The bulk of a weights file goes through here; everything
 * else of its messages is decoded by protobufjs from what `stripFields` leaves.
 */

import { type ByteSource, damaged } from '../source.js';

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const GROUP = 3;
export const GROUP_END = 4;
export const FIXED32 = 5;

export interface Field {
  number: number;
  wire: number;
  /** Byte at which its tag begins. */
  at: number;
  /** Byte at which its payload begins. */
  start: number;
  /** First byte behind it. A consumer may move it on: the walk goes on from there. */
  end: number;
  /** The value of a varint as int64, rounded to a double beyond 2^53. */
  value: number;
}

const CHUNK = 1 << 15;
const MAX_FIELD_NUMBER = 2 ** 29 - 1;
const TWO_32 = 2 ** 32;

/** Walks over messages in a source. */
export class WireReader {
  private chunk: Uint8Array = new Uint8Array(0);
  private chunkAt = 0;
  private pos = 0;

  constructor(readonly source: ByteSource) {}

  /** The fields of the message in bytes [start, end), in file order; throws MokapotError where the bytes are no message. */
  *fields(start: number, end: number): Generator<Field> {
    for (let at = start; at < end; ) {
      const field = this.field(at, end);
      yield field;
      at = field.end;
    }
  }

  /** The field whose tag begins at `at`, inside a message that ends at `end`. */
  private field(at: number, end: number): Field {
    this.pos = at;
    const tag = this.varint(end);
    const number = Math.floor(tag / 8);
    if (tag < 0 || number < 1 || number > MAX_FIELD_NUMBER) throw damaged(this.source, at, 'no field can begin here');
    const field: Field = { number, wire: tag % 8, at, start: this.pos, end: this.pos, value: 0 };
    switch (field.wire) {
      case VARINT:
        field.value = this.varint(end);
        field.end = this.pos;
        break;
      case FIXED64:
        field.end += 8;
        break;
      case FIXED32:
        field.end += 4;
        break;
      case BYTES: {
        const length = this.varint(end);
        field.start = this.pos;
        if (length < 0 || field.start + length > end) this.tooLong(at, length, end - field.start);
        field.end = field.start + length;
        break;
      }
      case GROUP:
        field.end = this.groupEnd(field, end);
        break;
      default:
        throw damaged(this.source, at, `field ${number} has wire type ${field.wire}, which does not fit here`);
    }
    if (field.end > end) this.tooLong(at, field.end - field.start, end - field.start);
    return field;
  }

  private tooLong(at: number, wanted: number, left: number): never {
    throw damaged(this.source, at, `a field says it is ${wanted} bytes long, but ${Math.max(0, left)} are left for it`);
  }

  /** The byte behind a group: a long gone way to nest messages, which unknown fields may still use. */
  private groupEnd(group: Field, end: number): number {
    const open = [group.number];
    for (let at = group.start; at < end; ) {
      this.pos = at;
      const tag = this.varint(end);
      const number = Math.floor(tag / 8);
      if (tag % 8 === GROUP) open.push(number);
      else if (tag % 8 === GROUP_END) {
        if (open.pop() !== number) throw damaged(this.source, at, `group ${number} ends but did not begin`);
        if (open.length === 0) return this.pos;
      } else {
        at = this.field(at, end).end;
        continue;
      }
      at = this.pos;
    }
    throw damaged(this.source, group.at, `group ${group.number} does not end`);
  }

  /** A varint as int64 at the reader's position, which moves behind it. */
  private varint(end: number): number {
    const from = this.pos;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= end) throw damaged(this.source, from, 'a number is cut off');
      const byte = this.byteAt(this.pos++);
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) return high * TWO_32 + (low >>> 0);
    }
    throw damaged(this.source, from, 'a number has more than ten bytes');
  }

  private byteAt(at: number): number {
    let i = at - this.chunkAt;
    if (i < 0 || i >= this.chunk.length) {
      this.chunk = this.source.peek(at, CHUNK);
      this.chunkAt = at;
      i = 0;
    }
    return this.chunk[i]!;
  }

  /** The values of varints that stand one behind the other in [start, end): a packed field. */
  packedVarints(start: number, end: number, most: number): number[] {
    const out: number[] = [];
    this.pos = start;
    while (this.pos < end) {
      if (out.length === most) throw damaged(this.source, start, `a list has more than ${most} entries`);
      out.push(this.varint(end));
    }
    return out;
  }

  /**
   * How many fields of the same one-byte tag and `size` payload bytes stand one behind the other from `at` on: an
   * unpacked list, told apart without an object per element.
   */
  runLength(at: number, end: number, tag: number, size: number): number {
    const stride = 1 + size;
    let count = 0;
    for (let p = at; p + stride <= end && this.byteAt(p) === tag; p += stride) count++;
    return count;
  }
}

/** Which fields to leave out of a message, and which of its fields to look into for more. */
export interface StripRule {
  readonly drop: number;
  readonly into: ReadonlyMap<number, StripRule>;
}

/** The message in [start, end) as bytes of its own, without the fields that `rule` names. */
export function stripFields(reader: WireReader, start: number, end: number, rule: StripRule): Uint8Array {
  return concatBytes(strippedParts(reader, start, end, rule));
}

function strippedParts(reader: WireReader, start: number, end: number, rule: StripRule): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = start;
  const keepUpTo = (to: number) => {
    if (to > from) parts.push(reader.source.peek(from, to - from));
  };
  for (const field of reader.fields(start, end)) {
    const inner = rule.into.get(field.number);
    if (field.wire !== BYTES || (field.number !== rule.drop && !inner)) continue;
    keepUpTo(field.at);
    from = field.end;
    if (field.number === rule.drop || !inner) continue;
    const body = stripFields(reader, field.start, field.end, inner);
    parts.push(tagBytes(field.number, BYTES), varintBytes(body.length), body);
  }
  keepUpTo(end);
  return parts;
}

/** An unsigned varint. */
export function varintBytes(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  out.push(rest);
  return Uint8Array.from(out);
}

export function tagBytes(number: number, wire: number): Uint8Array {
  return varintBytes(number * 8 + wire);
}

/** A length-delimited field whose payload is `parts`, as parts: the payload is not copied. */
export function bytesField(number: number, parts: readonly Uint8Array[]): Uint8Array[] {
  return [tagBytes(number, BYTES), varintBytes(byteLength(parts)), ...parts];
}

export function varintField(number: number, value: number): Uint8Array[] {
  return [tagBytes(number, VARINT), varintBytes(value)];
}

export function byteLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, p) => sum + p.length, 0);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(byteLength(parts));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

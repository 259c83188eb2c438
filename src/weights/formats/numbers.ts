/** Numbers of every type that weights are stored in, and how a run of them becomes 32-bit floats. */

import { type ByteSource, copyRange } from '../source.js';
import { bfloatToFloat, halfToFloat } from './half.js';

interface Element {
  /** In bytes. */
  readonly size: number;
  get(view: DataView, at: number, little: boolean): number;
}

export const ELEMENTS = {
  f64: { size: 8, get: (v, at, le) => v.getFloat64(at, le) },
  f32: { size: 4, get: (v, at, le) => v.getFloat32(at, le) },
  f16: { size: 2, get: (v, at, le) => halfToFloat(v.getUint16(at, le)) },
  bf16: { size: 2, get: (v, at, le) => bfloatToFloat(v.getUint16(at, le)) },
  i64: { size: 8, get: (v, at, le) => Number(v.getBigInt64(at, le)) },
  u64: { size: 8, get: (v, at, le) => Number(v.getBigUint64(at, le)) },
  i32: { size: 4, get: (v, at, le) => v.getInt32(at, le) },
  u32: { size: 4, get: (v, at, le) => v.getUint32(at, le) },
  i16: { size: 2, get: (v, at, le) => v.getInt16(at, le) },
  u16: { size: 2, get: (v, at, le) => v.getUint16(at, le) },
  i8: { size: 1, get: (v, at) => v.getInt8(at) },
  u8: { size: 1, get: (v, at) => v.getUint8(at) },
} as const satisfies Readonly<Record<string, Element>>;

export type ElementType = keyof typeof ELEMENTS;

/** Numbers that lie in a source at equal distances. */
export interface Run {
  readonly type: ElementType;
  /** Byte of the first number. */
  readonly at: number;
  readonly count: number;
  /** Bytes from one number to the next, where that is more than a number's size: in protobuf's unpacked lists. */
  readonly stride?: number;
  readonly bigEndian?: boolean;
}

const CONVERT_AT_ONCE = 1 << 16;

/** Fills `target`, which is of the run's length. 32-bit floats side by side go there without a detour. */
export function readRun(source: ByteSource, run: Run, target: Float32Array): void {
  const { type, at, count, bigEndian = false } = run;
  const { size, get }: Element = ELEMENTS[type];
  const stride = run.stride ?? size;
  if (type === 'f32' && stride === size && !bigEndian) {
    source.readInto(at, bytesOf(target));
    return;
  }
  for (let first = 0; first < count; first += CONVERT_AT_ONCE) {
    const n = Math.min(CONVERT_AT_ONCE, count - first);
    const view = new DataView(copyRange(source, at + first * stride, (n - 1) * stride + size).buffer);
    for (let i = 0; i < n; i++) target[first + i] = get(view, i * stride, !bigEndian);
  }
}

/** The bytes of an array's numbers, not copied. */
export function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

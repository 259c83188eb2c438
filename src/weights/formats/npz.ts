/** `.npz`: NumPy's zip of `.npy` arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */

import { fail, own } from '../../diagnostics/index.js';
import { type ByteSource, type Bytes, damaged, toSource } from '../source.js';
import { checkBlob, formatShape, type StoredBlob, takeBlob, type WeightBlob } from './blob.js';
import { bytesOf, ELEMENTS, type ElementType, readRun } from './numbers.js';
import { concatBytes } from './wire.js';
import { readZip, zipParts } from './zip.js';

const DTYPES: Readonly<Record<string, ElementType>> = {
  f8: 'f64',
  f4: 'f32',
  f2: 'f16',
  i8: 'i64',
  u8: 'u64',
  i4: 'i32',
  u4: 'u32',
  i2: 'i16',
  u2: 'u16',
  i1: 'i8',
  u1: 'u8',
  b1: 'u8',
};

/**
 * Every array, checked (its checksum too); `read` fetches its numbers as 32-bit floats in row-major order.
 * @throws MokapotError `weights-damaged`, `weights-dtype`, `weights-zip`
 */
export function scanNpz(bytes: Bytes, name?: string): Map<string, StoredBlob> {
  const arrays = readZip(toSource(bytes, name)).filter(e => e.name.endsWith('.npy'));
  return new Map(arrays.map(({ name, content }) => [name.slice(0, -'.npy'.length), scanNpy(content)]));
}

/** The same with the numbers in memory. */
export function readNpz(bytes: Bytes, name?: string): Map<string, WeightBlob> {
  return new Map([...scanNpz(bytes, name)].map(([key, blob]) => [key, takeBlob(blob)]));
}

/** One `.npy` array. @throws MokapotError `weights-damaged`, `weights-dtype`. */
export function readNpy(bytes: Bytes, name?: string): WeightBlob {
  return takeBlob(scanNpy(bytes, name));
}

/** The same, its numbers still in the file. */
export function scanNpy(bytes: Bytes, name?: string): StoredBlob {
  const source = toSource(bytes, name);
  const { header, dataAt } = npyHeader(source);
  const descr = /'descr'\s*:\s*'([<>|=])([a-z]\d+)'/.exec(header);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const dims = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header);
  if (!order || !dims) throw damaged(source, 0, 'its header lacks the shape or order');
  const type = descr && own(DTYPES, descr[2]!);
  if (!descr || !type) throw fail('weights-dtype', `${source.name} holds no plain numbers: ${header.trim()}.`);
  const shape = dims[1]!
    .split(',')
    .filter(d => d.trim())
    .map(Number);
  const count = shape.reduce((product, d) => product * d, 1);
  const there = source.size - dataAt;
  const wanted = count * ELEMENTS[type].size;
  if (there !== wanted) {
    throw damaged(source, dataAt, `shape ${formatShape(shape)} takes ${wanted} bytes, ${there} are there`);
  }
  const run = { type, at: dataAt, count, bigEndian: descr[1] === '>' };
  const read = (target = new Float32Array(count)) => {
    readRun(source, run, target);
    if (order[1] === 'True' && shape.length > 1) target.set(rowMajor(target, shape));
    return target;
  };
  return { shape, read };
}

function npyHeader(source: ByteSource): { header: string; dataAt: number } {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  const head = source.peek(0, 12);
  const major = head[6] ?? 0;
  if (head.length < 12 || magic.some((b, i) => head[i] !== b) || major < 1 || major > 3) {
    throw damaged(source, 0, 'it is no .npy array');
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const from = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (from + length > source.size) throw damaged(source, 8, 'its header is cut off');
  return { header: new TextDecoder().decode(source.peek(from, length)), dataAt: from + length };
}

function rowMajor(columns: Float32Array, shape: readonly number[]): Float32Array {
  const place = columnMajor(shape);
  const rows = new Float32Array(columns.length);
  for (let i = 0; i < columns.length; i++) rows[place(i)] = columns[i]!;
  return rows;
}

/** Where the i-th element of a column-major array stands in row-major order. */
function columnMajor(shape: readonly number[]): (i: number) => number {
  return i => {
    let at = 0;
    let rest = i;
    let stride = shape.reduce((product, d) => product * d, 1);
    for (const d of shape) {
      stride /= d;
      at += (rest % d) * stride;
      rest = Math.floor(rest / d);
    }
    return at;
  };
}

/** An uncompressed `.npz` of `<f4` arrays, as `numpy.savez` makes it. @throws MokapotError `weights-count`, `weights-zip` */
export function writeNpz(arrays: ReadonlyMap<string, WeightBlob>): Uint8Array {
  return concatBytes([...npzParts(arrays)]);
}

/** The same in parts; the numbers are views of the arrays. */
export function npzParts(arrays: ReadonlyMap<string, WeightBlob>): Generator<Uint8Array> {
  return zipParts([...arrays].map(([name, blob]) => ({ name: `${name}.npy`, parts: npyParts(blob, `"${name}"`) })));
}

/** A `.npy` of version 1.0. */
export function writeNpy(blob: WeightBlob, what = 'The array'): Uint8Array {
  return concatBytes(npyParts(blob, what));
}

function npyParts(blob: WeightBlob, what: string): Uint8Array[] {
  checkBlob(blob, what);
  const { shape, data } = blob;
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims}), }`;
  const padded = text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11) + '\n';
  const head = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8);
  return [head, new TextEncoder().encode(padded), bytesOf(data)];
}

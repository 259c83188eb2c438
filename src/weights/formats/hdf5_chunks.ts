/** A dataset of HDF5 that lies in chunks, each through filters: deflate, shuffle and fletcher32, which the library always has. */

import { unzlibSync } from 'fflate';
import { fail, messageOf } from '../../diagnostics/index.js';
import { copyRange, damaged, toSource } from '../source.js';
import { adler32 } from './checksums.js';
import type { ChunkedData, Filter, Hdf5Reader } from './hdf5_read.js';
import { ELEMENTS, readRun } from './numbers.js';

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER32 = 3;
/** Deflate cannot pack tighter than this; a size beyond it is a damaged or hostile one. */
const DEFLATE_LIMIT = 1032;

interface Chunk {
  readonly at: number;
  readonly size: number;
  /** Bit i: filter i was left out for this chunk. */
  readonly mask: number;
  readonly offset: readonly number[];
}

/** All numbers, row-major. Chunks that were never written are damage here: weights have no gaps. */
export function readChunks(reader: Hdf5Reader, data: ChunkedData): Float32Array {
  const { shape, chunk, type, what } = data;
  const chunks = findChunks(reader, data);
  const wanted = shape.reduce((n, d, i) => n * Math.ceil(d / chunk[i]!), 1);
  if (chunks.length !== wanted) {
    throw damaged(reader.source, data.tree, `${what} has ${chunks.length} of its ${wanted} chunks`);
  }
  const count = chunk.reduce((n, d) => n * d, 1);
  const packed = data.filters.some(f => f.id === DEFLATE);
  const bytes = count * ELEMENTS[type.element].size;
  const small = chunks.find(c => bytes > (packed ? (c.size + 64) * DEFLATE_LIMIT : c.size));
  if (small) throw damaged(reader.source, small.at, `a chunk of ${what} is too small for its ${bytes} bytes`);
  const out = new Float32Array(shape.reduce((n, d) => n * d, 1));
  const numbers = new Float32Array(count);
  for (const one of chunks) {
    const raw = toSource(unfiltered(reader, data, one, bytes));
    readRun(raw, { type: type.element, at: 0, count, bigEndian: type.bigEndian }, numbers);
    place(numbers, chunk, one.offset, out, shape);
  }
  return out;
}

function findChunks(reader: Hdf5Reader, { tree, shape, chunk, what }: ChunkedData): Chunk[] {
  const rank = shape.length;
  const keySize = 8 + 8 * (rank + 1);
  const found = new Map<string, Chunk>();
  for (const { key, child } of reader.leaves(tree, 1, at => at + keySize)) {
    const size = reader.u32(key);
    const offset = shape.map((_, i) => reader.integer(key + 8 + 8 * i, 8));
    if (offset.some((o, i) => o % chunk[i]! !== 0 || o >= shape[i]!) || child + size > reader.source.size) {
      throw damaged(reader.source, key, `a chunk of ${what} lies outside`);
    }
    found.set(offset.join(), { at: child, size, mask: reader.u32(key + 4), offset });
  }
  return [...found.values()];
}

function unfiltered(reader: Hdf5Reader, { filters, type, what }: ChunkedData, chunk: Chunk, size: number): Uint8Array {
  let bytes: Uint8Array = copyRange(reader.source, chunk.at, chunk.size);
  const broken = (why: string) => damaged(reader.source, chunk.at, `a chunk of ${what} ${why}`);
  for (let i = filters.length - 1; i >= 0; i--) {
    const filter = filters[i]!;
    if ((chunk.mask >>> i) & 1) continue;
    if (filter.id === DEFLATE) bytes = inflated(bytes, size + 4, broken);
    else if (filter.id === SHUFFLE) bytes = unshuffled(bytes, elementSize(filter, ELEMENTS[type.element].size, broken));
    else if (filter.id === FLETCHER32) bytes = withoutSum(bytes, broken);
    else {
      throw fail(
        'weights-hdf5',
        `${reader.source.name}: ${what} is packed by filter ${filter.id}, which is not known here.`,
        {
          hint: 'Unpack it: h5repack -f NONE IN OUT.',
        },
      );
    }
  }
  if (bytes.length !== size) throw broken(`unpacks to ${bytes.length} bytes instead of ${size}`);
  return bytes;
}

function inflated(bytes: Uint8Array, most: number, broken: (why: string) => Error): Uint8Array {
  const room = new Uint8Array(most);
  let out: Uint8Array;
  try {
    out = unzlibSync(bytes, { out: room });
  } catch (cause) {
    throw broken(`cannot be unpacked (${messageOf(cause)})`);
  }
  const sum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, false);
  if (adler32(out) !== sum) throw broken('does not agree with its checksum');
  return out;
}

/** The filter says it too: any other size is damage, of up to four thousand million bytes. */
function elementSize({ values: [told] }: Filter, size: number, broken: (why: string) => Error): number {
  if (told && told !== size) throw broken(`is shuffled by ${told} bytes, and its numbers have ${size}`);
  return size;
}

/** First the first byte of every number, then the second of every number, and so on: put back. */
function unshuffled(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(bytes.length / size);
  const out = bytes.slice();
  for (let b = 0; b < size; b++) {
    for (let i = 0; i < count; i++) out[i * size + b] = bytes[b * count + i]!;
  }
  return out;
}

function withoutSum(bytes: Uint8Array, broken: (why: string) => Error): Uint8Array {
  if (bytes.length < 4) throw broken('lacks its checksum');
  const data = bytes.subarray(0, -4);
  const sum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);
  if (fletcher32(data) !== sum) throw broken('does not agree with its checksum');
  return data;
}

/** H5_checksum_fletcher32: big-endian 16-bit words, an odd last byte as a word's upper half. */
function fletcher32(bytes: Uint8Array): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    low = (low + bytes[i]! * 256 + (bytes[i + 1] ?? 0)) % 65535;
    high = (high + low) % 65535;
  }
  return high * 65536 + low;
}

/** Copies a chunk's rows to where they belong; what sticks out over the edges is left. */
function place(
  numbers: Float32Array,
  chunk: readonly number[],
  offset: readonly number[],
  out: Float32Array,
  shape: readonly number[],
): void {
  const last = shape.length - 1;
  if (last < 0) {
    out.set(numbers);
    return;
  }
  const kept = chunk.map((d, i) => Math.min(d, shape[i]! - offset[i]!));
  const rows = kept.slice(0, last).reduce((n, d) => n * d, 1);
  const index = new Array<number>(last).fill(0);
  for (let row = 0; row < rows; row++) {
    let from = 0;
    let to = 0;
    for (let i = 0; i < last; i++) {
      from = from * chunk[i]! + index[i]!;
      to = to * shape[i]! + offset[i]! + index[i]!;
    }
    from *= chunk[last]!;
    out.set(numbers.subarray(from, from + kept[last]!), to * shape[last]! + offset[last]!);
    for (let i = last - 1; i >= 0 && ++index[i]! === kept[i]; i--) index[i] = 0;
  }
}

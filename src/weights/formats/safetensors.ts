/** `.safetensors` (https://huggingface.co/docs/safetensors): a JSON header and the plain numbers behind it. */

import { fail, own, recordOf } from '../../diagnostics/index.js';
import { type ByteSource, type Bytes, copyRange, damaged, toSource } from '../source.js';
import { checkBlob, formatShape, type StoredBlob, takeBlob, type WeightBlob } from './blob.js';
import { bytesOf, ELEMENTS, type ElementType, readRun } from './numbers.js';
import { concatBytes } from './wire.js';

interface Tensors<Blob> {
  readonly tensors: Map<string, Blob>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Arrays by name, and the file's own metadata. */
export type Safetensors = Tensors<WeightBlob>;
/** Checked, the numbers still in the file. */
export type ScannedSafetensors = Tensors<StoredBlob>;

const LENGTH_BYTES = 8;
/** The format's own limit. */
const MAX_HEADER = 100_000_000;

const DTYPES: Readonly<Record<string, ElementType>> = {
  F64: 'f64',
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
  I64: 'i64',
  U64: 'u64',
  I32: 'i32',
  U32: 'u32',
  I16: 'i16',
  U16: 'u16',
  I8: 'i8',
  U8: 'u8',
  BOOL: 'u8',
};

/** Every tensor as 32-bit floats. @throws MokapotError `weights-damaged`, `weights-dtype`. */
export function readSafetensors(bytes: Bytes, name?: string): Safetensors {
  const { tensors, metadata } = scanSafetensors(bytes, name);
  return { metadata, tensors: new Map([...tensors].map(([key, blob]) => [key, takeBlob(blob)])) };
}

/** The same up to the numbers, which each tensor's `read` fetches. */
export function scanSafetensors(bytes: Bytes, name?: string): ScannedSafetensors {
  const source = toSource(bytes, name);
  const { header, dataAt } = readHeader(source);
  const tensors = new Map<string, StoredBlob>();
  let metadata: Record<string, string> = {};
  let stored = 0;
  for (const [key, entry] of Object.entries(header)) {
    if (key === '__metadata__') {
      metadata = readMetadata(source, entry);
      continue;
    }
    const tensor = scanTensor(source, key, entry, dataAt);
    tensors.set(key, tensor);
    // The format allows no two entries to overlap: a small file cannot ask for much memory.
    stored += tensor.shape.reduce((n, d) => n * d, 1);
    if (stored > source.size) throw damaged(source, LENGTH_BYTES, 'its tensors overlap');
  }
  return { tensors, metadata };
}

function readHeader(source: ByteSource): { header: Record<string, unknown>; dataAt: number } {
  if (source.size < LENGTH_BYTES) throw damaged(source, 0, 'it is too short for a header');
  const length = Number(new DataView(copyRange(source, 0, LENGTH_BYTES).buffer).getBigUint64(0, true));
  if (length > MAX_HEADER || LENGTH_BYTES + length > source.size) {
    throw damaged(source, 0, `the header is said to be ${length} bytes long`);
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(source.peek(LENGTH_BYTES, length)));
  } catch {
    throw damaged(source, LENGTH_BYTES, 'the header is no JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw damaged(source, LENGTH_BYTES, 'the header is no JSON object');
  }
  return { header: header as Record<string, unknown>, dataAt: LENGTH_BYTES + length };
}

function readMetadata(source: ByteSource, entry: unknown): Record<string, string> {
  const values = typeof entry === 'object' && entry !== null ? Object.values(entry) : [undefined];
  if (values.every(v => typeof v === 'string')) return entry as Record<string, string>;
  throw damaged(source, LENGTH_BYTES, 'its metadata are no texts');
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(v => Number.isSafeInteger(v) && v >= 0);
}

function scanTensor(source: ByteSource, key: string, entry: unknown, dataAt: number): StoredBlob {
  const { dtype, shape, data_offsets: range } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !isNaturals(shape) || !isNaturals(range) || range.length !== 2) {
    throw damaged(source, LENGTH_BYTES, `the header's entry "${key}" lacks its dtype, shape or data_offsets`);
  }
  const type = own(DTYPES, dtype);
  if (!type) throw fail('weights-dtype', `${source.name}: "${key}" has the dtype ${dtype}, which is not known here.`);
  const [from, to] = [dataAt + range[0]!, dataAt + range[1]!];
  const count = shape.reduce((product, d) => product * d, 1);
  const wanted = count * ELEMENTS[type].size;
  if (to > source.size || to - from !== wanted) {
    const what = `"${key}" of shape ${formatShape(shape)} and dtype ${dtype} takes ${wanted} bytes`;
    throw damaged(source, from, `${what}, but bytes ${from} to ${to} of ${source.size} are said to hold it`);
  }
  const read = (target = new Float32Array(count)) => {
    readRun(source, { type, at: from, count }, target);
    return target;
  };
  return { shape, read };
}

type Written = ReadonlyMap<string, WeightBlob>;

/** F32 tensors in the order given; the numbers begin at a multiple of 8. */
export function writeSafetensors(tensors: Written, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return concatBytes(safetensorsParts(tensors, metadata));
}

/** The same in parts; the numbers are views of the tensors, not copies. */
export function safetensorsParts(tensors: Written, metadata: Readonly<Record<string, string>> = {}): Uint8Array[] {
  const header = new Map<string, unknown>(Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []);
  let at = 0;
  for (const [key, blob] of tensors) {
    checkBlob(blob, `"${key}"`);
    header.set(key, { dtype: 'F32', shape: blob.shape, data_offsets: [at, at + blob.data.byteLength] });
    at += blob.data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(recordOf(header)));
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  const length = new DataView(new ArrayBuffer(LENGTH_BYTES));
  length.setBigUint64(0, BigInt(padded.length), true);
  return [new Uint8Array(length.buffer), padded, ...[...tensors.values()].map(b => bytesOf(b.data))];
}

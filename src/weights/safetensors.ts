/** `.safetensors` (https://huggingface.co/docs/safetensors): a JSON header and the plain numbers behind it. */

import { fail } from '../diagnostics/index.js';
import { checkBlob, formatShape, type WeightBlob } from './blob.js';
import { bfloatToFloat, halfToFloat } from './half.js';
import { type ByteSource, type Bytes, copyRange, damaged, toSource } from './source.js';
import { concatBytes } from './wire.js';

export interface Safetensors {
  readonly tensors: Map<string, WeightBlob>;
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;
/** The format's own limit. */
const MAX_HEADER = 100_000_000;

type Getter = (view: DataView, at: number) => number;
const DTYPES: Readonly<Record<string, { readonly size: number; readonly get: Getter }>> = {
  F64: { size: 8, get: (v, at) => v.getFloat64(at, true) },
  F32: { size: 4, get: (v, at) => v.getFloat32(at, true) },
  F16: { size: 2, get: (v, at) => halfToFloat(v.getUint16(at, true)) },
  BF16: { size: 2, get: (v, at) => bfloatToFloat(v.getUint16(at, true)) },
  I64: { size: 8, get: (v, at) => Number(v.getBigInt64(at, true)) },
  U64: { size: 8, get: (v, at) => Number(v.getBigUint64(at, true)) },
  I32: { size: 4, get: (v, at) => v.getInt32(at, true) },
  U32: { size: 4, get: (v, at) => v.getUint32(at, true) },
  I16: { size: 2, get: (v, at) => v.getInt16(at, true) },
  U16: { size: 2, get: (v, at) => v.getUint16(at, true) },
  I8: { size: 1, get: (v, at) => v.getInt8(at) },
  U8: { size: 1, get: (v, at) => v.getUint8(at) },
  BOOL: { size: 1, get: (v, at) => v.getUint8(at) },
};

/** Every tensor as 32-bit floats. @throws MokapotError `weights-damaged`, `weights-dtype`. */
export function readSafetensors(bytes: Bytes, name?: string): Safetensors {
  const source = toSource(bytes, name);
  const { header, dataAt } = readHeader(source);
  const tensors = new Map<string, WeightBlob>();
  let metadata: Record<string, string> = {};
  let stored = 0;
  for (const [key, entry] of Object.entries(header)) {
    if (key === '__metadata__') metadata = readMetadata(source, entry);
    else tensors.set(key, readTensor(source, key, entry, dataAt));
    // The format allows no two entries to overlap: a small file cannot ask for much memory.
    stored += tensors.get(key)?.data.length ?? 0;
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

function readTensor(source: ByteSource, key: string, entry: unknown, dataAt: number): WeightBlob {
  const { dtype, shape, data_offsets: range } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !isNaturals(shape) || !isNaturals(range) || range.length !== 2) {
    throw damaged(source, LENGTH_BYTES, `the header's entry "${key}" lacks its dtype, shape or data_offsets`);
  }
  const type = Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
  if (!type) throw fail('weights-dtype', `${source.name}: "${key}" has the dtype ${dtype}, which is not known here.`);
  const [from, to] = [dataAt + range[0]!, dataAt + range[1]!];
  const count = shape.reduce((product, d) => product * d, 1);
  if (to > source.size || to - from !== count * type.size) {
    const what = `"${key}" of shape ${formatShape(shape)} and dtype ${dtype} takes ${count * type.size} bytes`;
    throw damaged(source, from, `${what}, but bytes ${from} to ${to} of ${source.size} are said to hold it`);
  }
  const raw = copyRange(source, from, to - from);
  if (dtype === 'F32') return { shape, data: new Float32Array(raw.buffer) };
  const view = new DataView(raw.buffer);
  return { shape, data: Float32Array.from({ length: count }, (_, i) => type.get(view, i * type.size)) };
}

/** F32 tensors in the order given; the numbers begin at a multiple of 8. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, WeightBlob>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = Object.keys(metadata).length ? { __metadata__: metadata } : {};
  let at = 0;
  for (const [key, blob] of tensors) {
    checkBlob(blob, `"${key}"`);
    header[key] = { dtype: 'F32', shape: blob.shape, data_offsets: [at, at + blob.data.byteLength] };
    at += blob.data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  const length = new DataView(new ArrayBuffer(LENGTH_BYTES));
  length.setBigUint64(0, BigInt(padded.length), true);
  const data = [...tensors.values()].map(b => new Uint8Array(b.data.buffer, b.data.byteOffset, b.data.byteLength));
  return concatBytes([new Uint8Array(length.buffer), padded, ...data]);
}

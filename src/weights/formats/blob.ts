/**
 * BlobProto, the message that holds the numbers of a parameter: read from wire format straight into one Float32Array,
 * and written without copying them.
 */

import { fail } from '../../diagnostics/index.js';
import { type ByteSource, damaged } from '../source.js';
import { bytesOf, ELEMENTS, type ElementType, type Run, readRun } from './numbers.js';
import {
  BYTES,
  bytesField,
  concatBytes,
  FIXED32,
  FIXED64,
  type Field,
  tagBytes,
  VARINT,
  varintBytes,
  varintField,
  WireReader,
} from './wire.js';

/** What is known of a stored blob without its numbers. */
export interface BlobShape {
  /** Outermost axis first. */
  readonly shape: readonly number[];
  /** The shape is the old num/channels/height/width, always 4-D: leading ones say nothing (Caffe's LegacyShape). */
  readonly legacy?: boolean;
  /** The shape may be such an old one, or one of today: the format cannot tell. */
  readonly mayBeLegacy?: boolean;
  /** The numbers stand with another layer, whose parameter this is too; there are none here (HDF5 only). */
  readonly shared?: boolean;
}

/** One parameter: row-major numbers in Caffe's own layout. */
export interface WeightBlob extends BlobShape {
  /** As many as the shape has places. */
  readonly data: Float32Array;
}

/** A parameter that is known and checked but whose numbers still lie in the file. */
export interface StoredBlob extends BlobShape {
  /** The numbers, into `target` (of just that length) where one is given, else into a new array. */
  read(target?: Float32Array): Float32Array;
}

// Fields of BlobProto. 10 and 12 are NVCaffe's: numbers of any type as plain bytes.
const NUM = 1;
const WIDTH = 4;
const DATA = 5;
const SHAPE = 7;
const DOUBLE_DATA = 8;
const RAW_TYPE = 10;
const RAW_DATA = 12;
/** kMaxBlobAxes in Caffe's blob.hpp. */
const MAX_AXES = 32;
const INT_MAX = 2 ** 31 - 1;
/** NVCaffe's `enum Type`, by number. */
const RAW_TYPES: readonly ElementType[] = ['f64', 'f32', 'f16', 'i32', 'u32'];

interface BlobFields {
  readonly legacyDims: (number | undefined)[];
  readonly dims: number[];
  readonly data: Run[];
  readonly doubles: Run[];
  raw: Field | undefined;
  rawType: number;
}

/**
 * Finds the numbers of the BlobProto in bytes [start, end). `what` names it in messages: `blob 0 of layer "conv1"`.
 * @throws MokapotError `weights-damaged` where the bytes are no BlobProto, `weights-count` where there are more or fewer
 * numbers than the shape makes.
 * Rule: Caffe's Blob::FromProto (blob.cpp): num/channels/height/width win over shape, double_data over data.
 */
export function scanBlob(reader: WireReader, start: number, end: number, what: string, layer?: string): StoredBlob {
  const { source } = reader;
  const fields = blobFields(reader, start, end);
  const { shape, legacy } = shapeOf(source, start, fields);
  const runs = runsOf(source, fields);
  const count = runs.reduce((sum, r) => sum + r.count, 0);
  const wanted = shape.reduce((product, d) => product * d, 1);
  if (count !== wanted) {
    const at = runs[0]?.at ?? start;
    throw fail(
      'weights-count',
      `${source.name}: ${what} holds ${count} numbers, but its shape ${formatShape(shape)} makes ${wanted} (at byte ${at}).`,
      { layer, hint: 'The file is damaged, or whatever wrote it left numbers out; nothing of it was loaded.' },
    );
  }
  const read = (target = new Float32Array(count)) => readRuns(source, runs, target);
  return { shape, read, ...(legacy ? { legacy } : {}) };
}

/** Takes the numbers of a blob out of its file. */
export function takeBlob({ read, ...shape }: StoredBlob): WeightBlob {
  return { ...shape, data: read() };
}

/** Stands where a blob is not stored, because another layer that shares it has it. */
export const SHARED: StoredBlob & WeightBlob = {
  shape: [0],
  shared: true,
  data: new Float32Array(0),
  read: (target = new Float32Array(0)) => target,
};

/** Scans bytes that are one BlobProto and nothing else. */
export function scanBlobMessage(source: ByteSource, what: string): StoredBlob {
  return scanBlob(new WireReader(source), 0, source.size, what);
}

function blobFields(reader: WireReader, start: number, end: number): BlobFields {
  const found: BlobFields = { legacyDims: [], dims: [], data: [], doubles: [], raw: undefined, rawType: 0 };
  for (const field of reader.fields(start, end)) {
    const { number } = field;
    if (number >= NUM && number <= WIDTH) {
      expectWire(reader.source, field, VARINT);
      found.legacyDims[number - NUM] = field.value;
    } else if (number === DATA) found.data.push(listRun(reader, field, end, 'f32', FIXED32));
    else if (number === DOUBLE_DATA) found.doubles.push(listRun(reader, field, end, 'f64', FIXED64));
    else if (number === SHAPE) {
      expectWire(reader.source, field, BYTES);
      readDims(reader, field, found.dims);
    } else if (number === RAW_TYPE) {
      expectWire(reader.source, field, VARINT);
      found.rawType = field.value;
    } else if (number === RAW_DATA) {
      expectWire(reader.source, field, BYTES);
      found.raw = field;
    }
  }
  return found;
}

function expectWire(source: ByteSource, field: Field, wire: number): void {
  if (field.wire === wire) return;
  throw damaged(source, field.at, `field ${field.number} of a blob has wire type ${field.wire} instead of ${wire}`);
}

/** A packed list, or as many elements of an unpacked one as stand together; moves the walk behind them. */
function listRun(reader: WireReader, field: Field, end: number, type: ElementType, unpacked: number): Run {
  const { size } = ELEMENTS[type];
  if (field.wire === BYTES) {
    const bytes = field.end - field.start;
    if (bytes % size) throw damaged(reader.source, field.at, `${bytes} bytes of numbers are no multiple of ${size}`);
    return { type, at: field.start, count: bytes / size };
  }
  expectWire(reader.source, field, unpacked);
  const stride = 1 + size;
  const count = Math.max(1, reader.runLength(field.at, end, field.number * 8 + unpacked, size));
  field.end = field.start + (count - 1) * stride + size;
  return { type, at: field.start, count, stride };
}

function readDims(reader: WireReader, shape: Field, dims: number[]): void {
  for (const field of reader.fields(shape.start, shape.end)) {
    if (field.number !== 1) continue;
    if (field.wire === VARINT) dims.push(field.value);
    else {
      expectWire(reader.source, field, BYTES);
      dims.push(...reader.packedVarints(field.start, field.end, MAX_AXES));
    }
  }
}

function shapeOf(source: ByteSource, at: number, fields: BlobFields): { shape: number[]; legacy: boolean } {
  const legacy = fields.legacyDims.length > 0;
  const shape = legacy ? [0, 1, 2, 3].map(i => fields.legacyDims[i] ?? 0) : fields.dims;
  if (shape.length > MAX_AXES) throw damaged(source, at, `a blob has ${shape.length} axes, Caffe allows ${MAX_AXES}`);
  if (shape.some(d => !(d >= 0 && d <= INT_MAX))) {
    throw damaged(source, at, `a blob has the impossible shape ${formatShape(shape)}`);
  }
  return { shape, legacy };
}

function runsOf(source: ByteSource, fields: BlobFields): readonly Run[] {
  const { raw, rawType } = fields;
  if (raw && raw.end > raw.start) {
    const type = RAW_TYPES[rawType];
    if (!type) throw damaged(source, raw.at, `raw data of the unknown type ${rawType}`);
    const { size } = ELEMENTS[type];
    const bytes = raw.end - raw.start;
    if (bytes % size) throw damaged(source, raw.at, `${bytes} bytes of raw data are no multiple of ${size}`);
    return [{ type, at: raw.start, count: bytes / size }];
  }
  return fields.doubles.some(r => r.count > 0) ? fields.doubles : fields.data;
}

function readRuns(source: ByteSource, runs: readonly Run[], out: Float32Array): Float32Array {
  let at = 0;
  for (const run of runs) {
    readRun(source, run, out.subarray(at, at + run.count));
    at += run.count;
  }
  return out;
}

/** `20×1×5×5`; `()` for a single number without axes. */
export function formatShape(shape: readonly number[]): string {
  return shape.length ? shape.join('×') : '()';
}

/**
 * A BlobProto as Caffe's Blob::ToProto writes it, as parts (the numbers are a view of `blob.data`): packed data, then
 * shape. `legacy` writes num/channels/height/width instead, as Caffe's mean files have it.
 * @throws MokapotError `weights-count` where data and shape disagree.
 */
export function blobParts(blob: WeightBlob, what: string, legacy = false): Uint8Array[] {
  checkBlob(blob, what);
  const { data, shape } = blob;
  const packed = data.length ? bytesField(DATA, [bytesOf(data)]) : [];
  if (legacy) return [...shape.flatMap((d, i) => varintField(NUM + i, d)), ...packed];
  if (!shape.length) return packed;
  const dims = concatBytes(shape.map(varintBytes));
  return [...packed, ...bytesField(SHAPE, [tagBytes(1, BYTES), varintBytes(dims.length), dims])];
}

export function checkBlob(blob: WeightBlob, what: string): void {
  const wanted = blob.shape.reduce((product, d) => product * d, 1);
  if (wanted === blob.data.length) return;
  throw fail(
    'weights-count',
    `${what} has ${blob.data.length} numbers, but its shape ${formatShape(blob.shape)} makes ${wanted}.`,
  );
}

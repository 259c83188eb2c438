/** `.npz`: NumPy's zip of `.npy` arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */

import { unzipSync, zipSync } from 'fflate';
import { fail, MokapotError } from '../diagnostics/index.js';
import { checkBlob, formatShape, type WeightBlob } from './blob.js';
import { halfToFloat } from './half.js';
import { type ByteSource, damaged, toSource } from './source.js';
import { concatBytes } from './wire.js';

type Getter = (view: DataView, at: number, little: boolean) => number;
const DTYPES: Readonly<Record<string, { readonly size: number; readonly get: Getter }>> = {
  f8: { size: 8, get: (v, at, le) => v.getFloat64(at, le) },
  f4: { size: 4, get: (v, at, le) => v.getFloat32(at, le) },
  f2: { size: 2, get: (v, at, le) => halfToFloat(v.getUint16(at, le)) },
  i8: { size: 8, get: (v, at, le) => Number(v.getBigInt64(at, le)) },
  u8: { size: 8, get: (v, at, le) => Number(v.getBigUint64(at, le)) },
  i4: { size: 4, get: (v, at, le) => v.getInt32(at, le) },
  u4: { size: 4, get: (v, at, le) => v.getUint32(at, le) },
  i2: { size: 2, get: (v, at, le) => v.getInt16(at, le) },
  u2: { size: 2, get: (v, at, le) => v.getUint16(at, le) },
  i1: { size: 1, get: (v, at) => v.getInt8(at) },
  u1: { size: 1, get: (v, at) => v.getUint8(at) },
  b1: { size: 1, get: (v, at) => v.getUint8(at) },
};

/** Deflate cannot pack tighter than this; a size beyond it is a damaged or hostile one. */
const DEFLATE_LIMIT = 1032;

/** Every array as 32-bit floats in row-major order. @throws MokapotError `weights-damaged`, `weights-dtype`. */
export function readNpz(bytes: Uint8Array, name?: string): Map<string, WeightBlob> {
  const source = toSource(bytes, name);
  const arrays = new Map<string, WeightBlob>();
  for (const [file, content] of Object.entries(unzip(source, bytes))) {
    if (file.endsWith('.npy')) arrays.set(file.slice(0, -4), readNpy(content, `${source.name}:${file}`));
  }
  return arrays;
}

function unzip(source: ByteSource, bytes: Uint8Array): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes, {
      filter: file => {
        if (file.originalSize > (file.size + 64) * DEFLATE_LIMIT || file.size > bytes.length) {
          throw damaged(source, 0, `${file.name} is said to unpack to ${file.originalSize} bytes`);
        }
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof MokapotError) throw cause;
    throw damaged(source, 0, `it is no whole zip archive (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

/** One `.npy` array. @throws MokapotError `weights-damaged`, `weights-dtype`. */
export function readNpy(bytes: Uint8Array, name?: string): WeightBlob {
  const source = toSource(bytes, name);
  const { header, dataAt } = npyHeader(source, bytes);
  const descr = /'descr'\s*:\s*'([<>|=])([a-z]\d+)'/.exec(header);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const dims = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header);
  if (!order || !dims) throw damaged(source, 0, 'its header lacks the shape or order');
  const type = descr && Object.hasOwn(DTYPES, descr[2]!) ? DTYPES[descr[2]!] : undefined;
  if (!descr || !type) throw fail('weights-dtype', `${source.name} holds no plain numbers: ${header.trim()}.`);
  const shape = dims[1]!
    .split(',')
    .filter(d => d.trim())
    .map(Number);
  const count = shape.reduce((product, d) => product * d, 1);
  const there = bytes.length - dataAt;
  if (there !== count * type.size) {
    throw damaged(source, dataAt, `shape ${formatShape(shape)} takes ${count * type.size} bytes, ${there} are there`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataAt, there);
  const little = descr[1] !== '>';
  const data = new Float32Array(count);
  const place = order[1] === 'True' ? columnMajor(shape) : undefined;
  for (let i = 0; i < count; i++) data[place ? place(i) : i] = type.get(view, i * type.size, little);
  return { shape, data };
}

function npyHeader(source: ByteSource, bytes: Uint8Array): { header: string; dataAt: number } {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  const major = bytes[6] ?? 0;
  if (bytes.length < 12 || magic.some((b, i) => bytes[i] !== b) || major < 1 || major > 3) {
    throw damaged(source, 0, 'it is no .npy array');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const from = major === 1 ? 10 : 12;
  const dataAt = from + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataAt > bytes.length) throw damaged(source, 8, 'its header is cut off');
  return { header: new TextDecoder().decode(bytes.subarray(from, dataAt)), dataAt };
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

/** An uncompressed `.npz` of `<f4` arrays, as `numpy.savez` makes it. */
export function writeNpz(arrays: ReadonlyMap<string, WeightBlob>): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  for (const [name, blob] of arrays) files[`${name}.npy`] = writeNpy(blob, `"${name}"`);
  // A date of its own would make the same weights different bytes.
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}

/** A `.npy` of version 1.0. */
export function writeNpy(blob: WeightBlob, what = 'The array'): Uint8Array {
  checkBlob(blob, what);
  const { shape, data } = blob;
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims}), }`;
  const padded = text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11) + '\n';
  const head = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8);
  const numbers = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return concatBytes([head, new TextEncoder().encode(padded), numbers]);
}

/**
 * Zip archives, as far as `.npz` needs them (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, zip64 read
 * too): entries found by the directory at the end, their checksums held against their bytes.
 */

import { inflateSync } from 'fflate';
import { fail, messageOf } from '../../diagnostics/index.js';
import { type ByteSource, copyRange, damaged } from '../source.js';
import { crc32 } from './checksums.js';
import { checkUnpacked } from './unpacked.js';
import { byteLength } from './wire.js';

export interface ZipEntry {
  readonly name: string;
  /** The entry's unpacked bytes, as a source of their own: in the archive itself where it is not packed. */
  readonly content: ByteSource;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 65535;
const STORED = 0;
const DEFLATED = 8;
/** Deflate cannot pack tighter than this; a size beyond it is a damaged or hostile one. */
const DEFLATE_LIMIT = 1032;
const FULL32 = 0xffffffff;
const AT_ONCE = 1 << 22;

interface Directory {
  readonly at: number;
  readonly size: number;
  readonly count: number;
}

interface Header {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly local: number;
  readonly at: number;
}

/** Every entry, checked against its CRC. @throws MokapotError `weights-damaged`, `weights-zip` (what is not unpacked here), `weights-unpacked` */
export function readZip(source: ByteSource): ZipEntry[] {
  const names = new Set<string>();
  const all = headers(source, directory(source));
  checkUnpacked(source, sum(all.filter(h => h.method === DEFLATED).map(h => h.size)));
  return all.map(header => {
    if (names.has(header.name)) throw damaged(source, header.at, `${header.name} stands twice in the archive`);
    names.add(header.name);
    const content = unpacked(source, header);
    const crc = crcOf(content);
    if (crc !== header.crc) {
      const at = content.base ?? header.local;
      throw damaged(source, at, `the numbers of ${header.name} do not agree with their checksum`);
    }
    return { name: header.name, content };
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function viewOf(source: ByteSource, at: number, length: number): DataView {
  if (!(at >= 0 && at + length <= source.size)) throw damaged(source, Math.max(0, at), 'the zip archive is cut off');
  const bytes = source.peek(at, length);
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

function directory(source: ByteSource): Directory {
  const from = Math.max(0, source.size - END_SIZE - LONGEST_COMMENT);
  const tail = source.peek(from, source.size - from);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.length);
  for (let i = tail.length - END_SIZE; i >= 0; i--) {
    if (view.getUint32(i, true) !== END || i + END_SIZE + view.getUint16(i + 20, true) !== tail.length) continue;
    const found = {
      count: view.getUint16(i + 10, true),
      size: view.getUint32(i + 12, true),
      at: view.getUint32(i + 16, true),
    };
    const isLong = found.count === 0xffff || found.size === FULL32 || found.at === FULL32;
    return isLong ? directory64(source, from + i) : found;
  }
  throw damaged(source, source.size, 'the zip archive has no directory at its end');
}

function directory64(source: ByteSource, endAt: number): Directory {
  const locator = viewOf(source, endAt - 20, 20);
  if (locator.getUint32(0, true) !== LOCATOR64) throw damaged(source, endAt, 'the zip64 directory is missing');
  const at = Number(locator.getBigUint64(8, true));
  const end = viewOf(source, at, 56);
  if (end.getUint32(0, true) !== END64) throw damaged(source, at, 'the zip64 directory is missing');
  return {
    count: Number(end.getBigUint64(32, true)),
    size: Number(end.getBigUint64(40, true)),
    at: Number(end.getBigUint64(48, true)),
  };
}

function headers(source: ByteSource, { at, size, count }: Directory): Header[] {
  const view = viewOf(source, at, size);
  const found: Header[] = [];
  let p = 0;
  for (let i = 0; i < count; i++) {
    if (p + 46 > size || view.getUint32(p, true) !== CENTRAL) {
      throw damaged(source, at + p, "the archive's directory is broken");
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map(o => view.getUint16(p + o, true)) as [
      number,
      number,
      number,
    ];
    const next = p + 46 + nameLength + extraLength + commentLength;
    if (next > size) throw damaged(source, at + p, "the archive's directory is broken");
    const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + p + 46, nameLength));
    if (view.getUint16(p + 8, true) & 1) {
      throw fail('weights-zip', `${source.name}: ${name} is encrypted.`);
    }
    const short = [24, 20, 42].map(o => view.getUint32(p + o, true));
    const [full, packed, local] = long(view, p + 46 + nameLength, extraLength, short) as [number, number, number];
    found.push({
      name,
      method: view.getUint16(p + 10, true),
      crc: view.getUint32(p + 16, true),
      size: full,
      packed,
      local,
      at: at + p,
    });
    p = next;
  }
  return found;
}

/** Sizes and offset that do not fit 32 bits stand, in this order, in the extra field 1. */
function long(view: DataView, at: number, length: number, short: readonly number[]): number[] {
  for (let p = at; p + 4 <= at + length; ) {
    const size = view.getUint16(p + 2, true);
    if (view.getUint16(p, true) === 1) {
      let q = p + 4;
      const end = Math.min(q + size, at + length);
      return short.map(v => {
        if (v !== FULL32 || q + 8 > end) return v;
        q += 8;
        return Number(view.getBigUint64(q - 8, true));
      });
    }
    p += 4 + size;
  }
  return [...short];
}

type Content = ByteSource & { readonly base?: number };

function unpacked(source: ByteSource, { name, method, packed, size, local }: Header): Content {
  const head = viewOf(source, local, 30);
  if (head.getUint32(0, true) !== LOCAL) throw damaged(source, local, `${name} should begin here`);
  const at = local + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  if (at + packed > source.size) throw damaged(source, at, `${name} is cut off`);
  const what = `${source.name}:${name}`;
  if (method === STORED) {
    if (packed !== size)
      throw damaged(source, at, `${name} is not packed, yet is said to be ${packed} bytes for ${size}`);
    return part(source, at, size, what);
  }
  if (method !== DEFLATED) {
    throw fail('weights-zip', `${source.name}: ${name} is packed by method ${method}, which is not known here.`);
  }
  if (size > (packed + 64) * DEFLATE_LIMIT) throw damaged(source, at, `${name} is said to unpack to ${size} bytes`);
  const bytes = inflated(source, at, packed, size, name);
  return { ...part(memory(bytes), 0, size, what) };
}

function inflated(source: ByteSource, at: number, packed: number, size: number, name: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(source.peek(at, packed), { out: new Uint8Array(size) });
  } catch (cause) {
    const why = messageOf(cause);
    throw damaged(source, at, `${name} cannot be unpacked (${why})`);
  }
  if (bytes.length !== size) throw damaged(source, at, `${name} unpacks to ${bytes.length} bytes instead of ${size}`);
  return bytes;
}

function memory(bytes: Uint8Array) {
  return {
    peek: (offset: number, length: number) => bytes.subarray(offset, offset + length),
    readInto: (offset: number, target: Uint8Array) => target.set(bytes.subarray(offset, offset + target.length)),
  };
}

function part(of: Pick<ByteSource, 'peek' | 'readInto'>, base: number, size: number, name: string): Content {
  return {
    name,
    size,
    base,
    peek: (offset, length) => of.peek(base + offset, Math.max(0, Math.min(length, size - offset))),
    readInto: (offset, target) => of.readInto(base + offset, target),
  };
}

function crcOf(source: ByteSource): number {
  let crc = 0;
  for (let at = 0; at < source.size; at += AT_ONCE) {
    crc = crc32(copyRange(source, at, Math.min(AT_ONCE, source.size - at)), crc);
  }
  return crc;
}

/** The date that all entries get: a date of its own would make the same weights different bytes. 1 January 1980. */
const DATE = 0x21;

/**
 * An archive of unpacked entries, in parts. Each entry's bytes are gone through twice: first for their checksum.
 * @throws MokapotError `weights-zip` where the archive passes 4 GiB
 */
export function* zipParts(entries: Iterable<{ readonly name: string; readonly parts: readonly Uint8Array[] }>) {
  const central: Uint8Array[] = [];
  let at = 0;
  for (const { name, parts } of entries) {
    const title = new TextEncoder().encode(name);
    const size = byteLength(parts);
    const crc = parts.reduce((c, p) => crc32(p, c), 0);
    const local = at;
    at += 30 + title.length + size;
    if (at > FULL32) {
      throw fail('weights-zip', 'An .npz holds at most 4 GiB here.', { hint: 'Save .safetensors or .h5 instead.' });
    }
    yield record(30, v => {
      v.setUint32(0, LOCAL, true);
      common(v, 4, crc, size, title.length);
    });
    yield title;
    yield* parts;
    central.push(
      record(46, v => {
        v.setUint32(0, CENTRAL, true);
        v.setUint16(4, 20, true);
        common(v, 6, crc, size, title.length);
        v.setUint32(42, local, true);
      }),
      title,
    );
  }
  yield* central;
  yield record(END_SIZE, v => {
    v.setUint32(0, END, true);
    v.setUint16(8, central.length / 2, true);
    v.setUint16(10, central.length / 2, true);
    v.setUint32(12, byteLength(central), true);
    v.setUint32(16, at, true);
  });
}

function record(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}

/** Version 2.0, names in UTF-8, stored. */
function common(view: DataView, at: number, crc: number, size: number, nameLength: number): void {
  view.setUint16(at, 20, true);
  view.setUint16(at + 2, 0x800, true);
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, size, true);
  view.setUint32(at + 18, size, true);
  view.setUint16(at + 22, nameLength, true);
}

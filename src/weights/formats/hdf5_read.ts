/**
 * HDF5, read in place: groups and the datasets of plain numbers in them, as Caffe, h5py and MATLAB write them.
 * Own code, as the HDF Group's library (h5wasm) crashes and then hangs on damaged files and needs them whole in its heap;
 * here every address and length is checked first, and numbers go from the file straight into their array.
 * (Format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html; its section numbers stand below.)
 */

import { bytesToText } from '../../../grammar/index.js';
import { fail } from '../../diagnostics/index.js';
import { type ByteSource, copyRange, damaged } from '../source.js';
import { formatShape, type StoredBlob } from './blob.js';
import { readChunks } from './hdf5_chunks.js';
import { ELEMENTS, type ElementType, readRun } from './numbers.js';

/** Superblocks may stand at these bytes, behind a block of the user's own. */
const SUPERBLOCK_AT = [0, 512, 1024, 2048, 4096];
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** The address of nothing. */
const UNDEFINED = 2 ** 64;
const MAX_RANK = 32;
const INT_MAX = 2 ** 31 - 1;
const MAX_MESSAGES = 1 << 16;
const MAX_LINKS = 1 << 20;
const WINDOW = 1 << 14;

/** Messages of an object header, by type (IV.A.2). */
const DATASPACE = 0x01;
const LINK_INFO = 0x02;
const DATATYPE = 0x03;
const LINK = 0x06;
const LAYOUT = 0x08;
const FILTERS = 0x0b;
const CONTINUATION = 0x10;
const SYMBOL_TABLE = 0x11;

interface Message {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

/** What stands under a name: where its object header is. */
export type Links = ReadonlyMap<string, number>;

/** Where the file's HDF5 part begins; undefined where it is no HDF5. */
export function hdf5Start(source: ByteSource): number | undefined {
  return SUPERBLOCK_AT.find(at => {
    const head = source.peek(at, SIGNATURE.length);
    return head.length === SIGNATURE.length && SIGNATURE.every((b, i) => head[i] === b);
  });
}

export interface Filter {
  readonly id: number;
  readonly values: readonly number[];
}

/** Numbers of a dataset that lie in the file in pieces, packed or not. */
export interface ChunkedData {
  /** Of the B-tree that lists the chunks. */
  readonly tree: number;
  readonly chunk: readonly number[];
  readonly shape: readonly number[];
  readonly type: NumberType;
  readonly filters: readonly Filter[];
  /** What messages call it. */
  readonly what: string;
}

interface NumberType {
  readonly element: ElementType;
  readonly bigEndian: boolean;
}

/** One HDF5 file. Every method throws MokapotError `weights-damaged`, or `weights-hdf5` for what is not read here. */
export class Hdf5Reader {
  readonly root: number;
  private readonly base: number;
  private readonly offsetSize: number;
  private readonly lengthSize: number;
  private links = 0;
  private window: Uint8Array = new Uint8Array(0);
  private windowAt = 0;

  constructor(readonly source: ByteSource) {
    const start = hdf5Start(source);
    if (start === undefined) throw damaged(source, 0, 'it is no HDF5 file');
    const version = this.u8(start + 8);
    if (version > 3) throw this.unread(start + 8, `a superblock of version ${version}`);
    const sizesAt = version < 2 ? start + 13 : start + 9;
    this.offsetSize = this.fieldSize(sizesAt);
    this.lengthSize = this.fieldSize(sizesAt + 1);
    let at = version < 2 ? start + (version === 1 ? 28 : 24) : start + 12;
    const base = this.offset(at);
    const end = this.offset(at + 2 * this.offsetSize);
    this.base = base === UNDEFINED ? 0 : base;
    if (end !== UNDEFINED && end > source.size) {
      throw damaged(source, source.size, `it says it is ${end} bytes long, but ${source.size} are there`);
    }
    at += version < 2 ? 5 * this.offsetSize : 3 * this.offsetSize;
    this.root = this.address(at, "the root group's header");
  }

  /** The links of the group whose object header is at `at`; undefined where it is a dataset. */
  group(at: number): Links | undefined {
    const messages = this.messages(at);
    const table = messages.find(m => m.type === SYMBOL_TABLE);
    if (table) {
      const tree = this.address(table.at, 'a group’s tree');
      return this.symbolTable(tree, this.address(table.at + this.offsetSize, 'a group’s names'));
    }
    const info = messages.find(m => m.type === LINK_INFO);
    if (info) this.refuseDense(info);
    const links = messages.filter(m => m.type === LINK);
    if (!info && links.length === 0) return undefined;
    const found = new Map<string, number>();
    for (const link of links) this.linkMessage(link, found);
    return found;
  }

  /** The dataset whose object header is at `at`; `what` names it in messages. */
  dataset(at: number, what: string): StoredBlob {
    const messages = this.messages(at);
    const need = (type: number, name: string) => {
      const message = messages.find(m => m.type === type);
      if (!message) throw damaged(this.source, at, `${what} has no ${name}`);
      return message;
    };
    const shape = this.shape(need(DATASPACE, 'shape'), what);
    const type = this.numberType(need(DATATYPE, 'type of numbers'), what);
    const filters = messages.filter(m => m.type === FILTERS).flatMap(m => this.filters(m));
    const count = shape.reduce((n, d) => n * d, 1);
    return { shape, read: this.layout(need(LAYOUT, 'layout'), { shape, type, filters, what }, count) };
  }

  /** A dataset's shape alone: nothing is unpacked. */
  shapeOf(at: number, what: string): readonly number[] {
    const dataspace = this.messages(at).find(m => m.type === DATASPACE);
    if (!dataspace) throw damaged(this.source, at, `${what} has no shape`);
    return this.shape(dataspace, what);
  }

  private layout(
    message: Message,
    data: Omit<ChunkedData, 'tree' | 'chunk'>,
    count: number,
  ): (target?: Float32Array) => Float32Array {
    const { what, type, filters } = data;
    const version = this.u8(message.at);
    if (version !== 3 && version !== 4) throw this.unread(message.at, `a layout of version ${version} (${what})`);
    const kind = this.u8(message.at + 1);
    if (kind === 2) {
      if (version === 4) throw this.unread(message.at, `chunks indexed in HDF5 1.10's way (${what})`);
      return this.chunked(message, data, count);
    }
    if (kind > 2) throw this.unread(message.at, `the layout ${kind} (${what})`);
    if (filters.length) throw damaged(this.source, message.at, `${what} is packed, yet in no chunks`);
    const bytes = count * ELEMENTS[type.element].size;
    const { start, stored } = this.stored(message, what);
    if (stored !== bytes) throw this.wrongSize(message.at, what, data.shape, bytes, stored);
    return (target = new Float32Array(count)) => {
      readRun(this.source, { type: type.element, at: start, count, bigEndian: type.bigEndian }, target);
      return target;
    };
  }

  /** Where a dataset that lies in one piece has its bytes. */
  private stored(message: Message, what: string): { readonly start: number; readonly stored: number } {
    const compact = this.u8(message.at + 1) === 0;
    const stored = compact ? this.u16(message.at + 2) : this.length(message.at + 2 + this.offsetSize);
    const start = compact ? message.at + 4 : stored === 0 ? 0 : this.address(message.at + 2, `the numbers of ${what}`);
    if (start + stored <= this.source.size) return { start, stored };
    throw damaged(this.source, start, `${what} takes ${stored} bytes, but the file ends at ${this.source.size}`);
  }

  /** The first number of a dataset of whole numbers, exact to 2⁵³. */
  wholeNumber(at: number, what: string): number {
    const { datatype, start, stored } = this.single(at, what);
    const { element, bigEndian } = this.numberType(datatype, what);
    const { size, get } = ELEMENTS[element];
    if (!/^[iu]/.test(element) || stored < size) throw damaged(this.source, at, `${what} is no whole number`);
    return get(new DataView(copyRange(this.source, start, size).buffer), 0, !bigEndian);
  }

  /** A text of fixed length, up to its 0. */
  fixedText(at: number, what: string): string {
    const { datatype, start, stored } = this.single(at, what);
    const size = this.u32(datatype.at + 4);
    if ((this.u8(datatype.at) & 15) !== 3 || stored < size) throw damaged(this.source, at, `${what} is no plain text`);
    const bytes = copyRange(this.source, start, size);
    const end = bytes.indexOf(0);
    return bytesToText(end < 0 ? bytes : bytes.subarray(0, end));
  }

  private single(at: number, what: string) {
    const messages = this.messages(at);
    const datatype = messages.find(m => m.type === DATATYPE);
    const layout = messages.find(m => m.type === LAYOUT);
    if (!datatype || !layout) throw damaged(this.source, at, `${what} is no dataset`);
    if (this.u8(layout.at) < 3 || this.u8(layout.at + 1) > 1) throw this.unread(layout.at, `${what} in pieces`);
    return { datatype, ...this.stored(layout, what) };
  }

  /** Chunks are unpacked at once: only then is known that they are whole. */
  private chunked(message: Message, data: Omit<ChunkedData, 'tree' | 'chunk'>, count: number) {
    const { shape, what, type } = data;
    const rank = this.u8(message.at + 2) - 1;
    if (rank !== shape.length) throw damaged(this.source, message.at, `the chunks of ${what} have ${rank} axes`);
    const dimsAt = message.at + 3 + this.offsetSize;
    const chunk = shape.map((_, i) => this.u32(dimsAt + 4 * i));
    if (chunk.some(d => d < 1) || this.u32(dimsAt + 4 * rank) !== ELEMENTS[type.element].size) {
      throw damaged(this.source, dimsAt, `the chunks of ${what} have the impossible shape ${formatShape(chunk)}`);
    }
    const numbers = new Float32Array(0);
    const tree = count === 0 ? undefined : this.address(message.at + 3, `the chunks of ${what}`);
    const whole = tree === undefined ? numbers : readChunks(this, { ...data, tree, chunk });
    return (target?: Float32Array) => {
      if (!target) return whole.slice();
      target.set(whole);
      return target;
    };
  }

  private wrongSize(at: number, what: string, shape: readonly number[], bytes: number, stored: number) {
    return fail(
      'weights-count',
      `${this.source.name}: ${what} has ${stored} bytes of numbers, but its shape ${formatShape(shape)} takes ${bytes} (at byte ${at}).`,
      { hint: 'The file is damaged; nothing of it was loaded.' },
    );
  }

  /** Dataspace (IV.A.2.b). */
  private shape({ at }: Message, what: string): number[] {
    const version = this.u8(at);
    const rank = this.u8(at + 1);
    if (version !== 1 && version !== 2) throw damaged(this.source, at, `${what} has a shape of version ${version}`);
    if (version === 2 && this.u8(at + 3) === 2) throw damaged(this.source, at, `${what} holds no numbers`);
    if (rank > MAX_RANK) throw damaged(this.source, at, `${what} has ${rank} axes, Caffe allows ${MAX_RANK}`);
    const dimsAt = at + (version === 1 ? 8 : 4);
    const shape = Array.from({ length: rank }, (_, i) => this.length(dimsAt + i * this.lengthSize));
    if (shape.every(d => d <= INT_MAX)) return shape;
    throw damaged(this.source, at, `${what} has the impossible shape ${formatShape(shape)}`);
  }

  /** Datatype (IV.A.2.d): whole numbers and IEEE's floats. */
  private numberType({ at }: Message, what: string): NumberType {
    const kind = this.u8(at) & 15;
    const bits = this.u8(at + 1);
    const size = this.u32(at + 4);
    const signed = kind === 0 && (bits & 8) !== 0;
    const name = kind === 1 ? `f${8 * size}` : kind === 0 ? `${signed ? 'i' : 'u'}${8 * size}` : '';
    // Exponents of 5, 8 and 11 bits; anything else is a float of somebody's own.
    const ieee = kind !== 1 || this.u8(at + 13) === { 2: 5, 4: 8, 8: 11 }[size];
    if (Object.hasOwn(ELEMENTS, name) && ieee && (bits & 0x40) === 0) {
      return { element: name as ElementType, bigEndian: (bits & 1) === 1 };
    }
    throw fail(
      'weights-dtype',
      `${this.source.name}: ${what} holds no plain numbers (class ${kind}, ${size} bytes each).`,
    );
  }

  /** Filter pipeline (IV.A.2.l). */
  private filters({ at }: Message): Filter[] {
    const version = this.u8(at);
    const found: Filter[] = [];
    let p = at + (version === 1 ? 8 : 2);
    for (let left = this.u8(at + 1); left > 0; left--) {
      const id = this.u16(p);
      const named = version === 1 || id >= 256;
      const nameLength = named ? this.u16(p + 2) : 0;
      const counts = named ? p + 6 : p + 4;
      const count = this.u16(counts);
      p = counts + 2 + (version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
      found.push({ id, values: Array.from({ length: Math.min(count, 16) }, (_, i) => this.u32(p + 4 * i)) });
      p += 4 * (version === 1 ? count + (count % 2) : count);
    }
    return found;
  }

  /** The messages of an object header and its continuations (IV.A.1). */
  private messages(at: number): Message[] {
    const found: Message[] = [];
    const two = this.ascii(at, 4) === 'OHDR';
    if (two) this.headerTwo(at, found);
    else if (this.u8(at) === 1) this.walk(at + 16, this.u32(at + 8), found, 1, false);
    else throw damaged(this.source, at, 'no object can begin here');
    return found;
  }

  private headerTwo(at: number, found: Message[]): void {
    const flags = this.u8(at + 5);
    const sizeAt = at + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const width = 1 << (flags & 3);
    this.walk(sizeAt + width, this.integer(sizeAt, width), found, 2, (flags & 4) !== 0);
  }

  private walk(start: number, size: number, found: Message[], version: 1 | 2, ordered: boolean): void {
    const head = version === 1 ? 8 : ordered ? 6 : 4;
    const end = start + size;
    if (end > this.source.size) throw damaged(this.source, start, `an object of ${size} bytes runs over the end`);
    for (let p = start; p + head <= end; ) {
      const type = version === 1 ? this.u16(p) : this.u8(p);
      const length = this.u16(p + (version === 1 ? 2 : 1));
      const flags = this.u8(p + (version === 1 ? 4 : 3));
      const body = p + head;
      if (body + length > end) throw damaged(this.source, p, `a message of ${length} bytes runs over its object's end`);
      if (found.length >= MAX_MESSAGES) throw damaged(this.source, p, 'an object does not end');
      found.push({ type, at: body, size: length });
      if (flags & 2 && (type === DATASPACE || type === DATATYPE || type === LAYOUT)) {
        throw this.unread(p, 'a type or shape that several datasets share');
      }
      if (type === CONTINUATION) {
        const next = this.address(body, "an object's continuation");
        const bytes = this.length(body + this.offsetSize);
        if (version === 1) this.walk(next, bytes, found, 1, ordered);
        else this.walk(next + 4, bytes - 8, found, 2, ordered);
      }
      p = body + length;
    }
  }

  /** A group of the old kind: a B-tree of symbol nodes, their names in a heap (III.A.1, III.B, III.C, III.D). */
  private symbolTable(tree: number, heap: number): Links {
    this.expect(heap, 'HEAP', 'the names of a group');
    const namesSize = this.length(heap + 8);
    const names = this.address(heap + 8 + 2 * this.lengthSize, "a group's names");
    if (names + namesSize > this.source.size) throw damaged(this.source, heap, "a group's names run over the end");
    const found = new Map<string, number>();
    for (const node of this.leaves(tree, 0, p => p + this.lengthSize)) {
      this.expect(node.child, 'SNOD', 'a list of links');
      const count = this.u16(node.child + 6);
      for (let i = 0; i < count; i++) {
        const entry = node.child + 8 + i * (2 * this.offsetSize + 24);
        const name = this.name(names, namesSize, this.integer(entry, this.offsetSize));
        // Cache type 2 is a soft link: it has no object of its own.
        if (this.u32(entry + 2 * this.offsetSize) !== 2) this.addLink(found, name, entry + this.offsetSize);
      }
    }
    return found;
  }

  private addLink(found: Map<string, number>, name: string, at: number): void {
    if (found.has(name) || ++this.links > MAX_LINKS) throw damaged(this.source, at, `the link "${name}" stands twice`);
    found.set(name, this.address(at, `"${name}"`));
  }

  /** Entries of the lowest nodes of a version 1 B-tree; `skipKey` goes over a key. Nodes of `type` only. */
  *leaves(tree: number, type: number, skipKey: (at: number) => number): Generator<{ key: number; child: number }> {
    yield* this.node(tree, type, skipKey, undefined, new Set());
  }

  private *node(
    at: number,
    type: number,
    skipKey: (at: number) => number,
    above: number | undefined,
    seen: Set<number>,
  ): Generator<{ key: number; child: number }> {
    this.expect(at, 'TREE', 'an index');
    const level = this.u8(at + 5);
    if (this.u8(at + 4) !== type || (above !== undefined && level !== above - 1) || seen.has(at)) {
      throw damaged(this.source, at, 'an index leads astray');
    }
    seen.add(at);
    const count = this.u16(at + 6);
    let p = at + 8 + 2 * this.offsetSize;
    for (let i = 0; i < count; i++) {
      const key = p;
      const childAt = skipKey(p);
      const child = this.address(childAt, 'an entry of an index');
      if (level === 0) yield { key, child };
      else yield* this.node(child, type, skipKey, level, seen);
      p = childAt + this.offsetSize;
    }
  }

  /** A link in the group's own header (IV.A.2.g). */
  private linkMessage({ at, size }: Message, found: Map<string, number>): void {
    const flags = this.u8(at + 1);
    let p = at + 2;
    const kind = flags & 8 ? this.u8(p++) : 0;
    if (flags & 4) p += 8;
    if (flags & 16) p += 1;
    const width = 1 << (flags & 3);
    const length = this.integer(p, width);
    p += width;
    if (p + length > at + size) throw damaged(this.source, at, "a link's name is longer than its place");
    const name = this.text(p, length);
    if (kind === 0) this.addLink(found, name, p + length);
  }

  private refuseDense({ at }: Message): void {
    const heapAt = at + 2 + (this.u8(at + 1) & 1 ? 8 : 0);
    if (this.offset(heapAt) === UNDEFINED) return;
    throw this.unread(at, 'a group whose links lie in a fractal heap (libver="latest")');
  }

  private unread(at: number, what: string) {
    return fail('weights-hdf5', `${this.source.name} has ${what} at byte ${at}, which Mokapot does not read.`, {
      hint: 'Caffe itself writes none. Copy the file into the older form: h5repack --low=0 --high=0 IN OUT, or by h5py with libver="earliest".',
    });
  }

  private fieldSize(at: number): number {
    const size = this.u8(at);
    if (size === 2 || size === 4 || size === 8) return size;
    throw damaged(this.source, at, `addresses of ${size} bytes`);
  }

  private expect(at: number, signature: string, what: string): void {
    if (this.ascii(at, 4) !== signature) throw damaged(this.source, at, `${what} should begin here with ${signature}`);
  }

  private name(names: number, size: number, offset: number): string {
    const bytes = offset < size ? this.view(names + offset, Math.min(size - offset, 4096)) : new Uint8Array(0);
    const end = bytes.indexOf(0);
    if (end < 1) throw damaged(this.source, names + offset, 'a name should stand here');
    return this.text(names + offset, end);
  }

  private text(at: number, length: number): string {
    return new TextDecoder().decode(this.view(at, length));
  }

  private ascii(at: number, length: number): string {
    return String.fromCharCode(...this.view(at, length));
  }

  /** An address that must lead to somewhere. */
  private address(at: number, what: string): number {
    const value = this.offset(at);
    const absolute = this.base + value;
    if (value === UNDEFINED) throw damaged(this.source, at, `${what}: it was never written`);
    if (absolute < this.source.size) return absolute;
    throw damaged(this.source, at, `${what} is said to be at byte ${absolute}, behind the end at ${this.source.size}`);
  }

  private offset(at: number): number {
    const value = this.integer(at, this.offsetSize);
    return value >= 2 ** (8 * this.offsetSize) - 2 ** 10 && this.allOnes(at) ? UNDEFINED : value;
  }

  private allOnes(at: number): boolean {
    return this.view(at, this.offsetSize).every(b => b === 255);
  }

  private length(at: number): number {
    return this.integer(at, this.lengthSize);
  }

  integer(at: number, width: number): number {
    const bytes = this.view(at, width);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[i]!;
    return value;
  }

  private u8 = (at: number) => this.integer(at, 1);
  private u16 = (at: number) => this.integer(at, 2);
  u32 = (at: number) => this.integer(at, 4);

  /** Small ranges come from one window, so that a file is not asked for single bytes. */
  private view(at: number, length: number): Uint8Array {
    if (at + length > this.source.size) throw damaged(this.source, at, 'the file ends within a field');
    if (length > WINDOW) return this.source.peek(at, length);
    if (at < this.windowAt || at + length > this.windowAt + this.window.length) {
      this.window = this.source.peek(at, WINDOW);
      this.windowAt = at;
    }
    return this.window.subarray(at - this.windowAt, at - this.windowAt + length);
  }
}

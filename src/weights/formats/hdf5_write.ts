/**
 * HDF5, written: groups and contiguous datasets of 32-bit floats (whole numbers and texts where asked for), in the oldest form of the format, which every version of
 * the library reads. All that describes comes first, the numbers behind it as they lie in memory, so that a file is
 * written in one go, and the same weights make the same bytes.
 * (Format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html; its section numbers stand below.)
 */

import { textToBytes } from '../../../grammar/index.js';
import { checkBlob, type WeightBlob } from './blob.js';
import { bytesOf } from './numbers.js';

export type Hdf5Group = ReadonlyMap<string, Hdf5Node>;
type Hdf5Node = Hdf5Group | WeightBlob | Hdf5Value;

/** A dataset of another type, as it lies in the file. */
export interface Hdf5Value {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  /** The message of its datatype (IV.A.2.d). */
  readonly type: readonly number[];
}

/** A little-endian IEEE float of 32 bits. */
const FLOAT32 = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];
/** A little-endian signed whole number of 32 bits. */
const INT32 = [0x10, 0x08, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0];

/** A whole number, as H5LTmake_dataset_int writes it: an axis of one. */
export function hdf5Int(value: number): Hdf5Value {
  return { shape: [1], bytes: new Uint8Array(Int32Array.of(value).buffer), type: INT32 };
}

/** A text, as H5LTmake_dataset_string writes it: no axes, closed by a 0. */
export function hdf5Text(text: string): Hdf5Value {
  const bytes = textToBytes(`${text}\0`);
  const size = [0, 8, 16, 24].map(shift => (bytes.length >> shift) & 255);
  return { shape: [], bytes, type: [0x13, 0, 0, 0, ...size] };
}

/** Links in a symbol node and children of a tree node: twice the superblock's K. */
const LEAF_K = 4;
const TREE_K = 16;
const SUPERBLOCK = 96;
const GROUP_HEADER = 40;
const HEAP_HEADER = 32;
const SYMBOL_NODE = 8 + 2 * LEAF_K * 40;
const TREE_NODE = 24 + (2 * TREE_K + 1) * 8 + 2 * TREE_K * 8;
const NOWHERE = 2n ** 64n - 1n;

/** A link of a group, and where its name stands in the group's heap. */
interface Entry {
  readonly name: Uint8Array;
  readonly nameAt: number;
  readonly node: PlannedGroup | PlannedData;
}

interface PlannedGroup {
  readonly kind: 'group';
  readonly at: number;
  /** Tree nodes from the lowest level up; the last level is the root alone. */
  readonly levels: readonly (readonly number[])[];
  readonly heapAt: number;
  readonly heapSize: number;
  readonly symbolNodes: readonly number[];
  readonly entries: readonly Entry[];
}

interface PlannedData {
  readonly kind: 'data';
  readonly at: number;
  readonly value: Hdf5Value;
  /** Where its numbers begin; set when all descriptions have their place. */
  dataAt: number;
}

/** The file in parts; the numbers are views of the blobs. @throws MokapotError `weights-count` */
export function* hdf5Parts(root: Hdf5Group): Generator<Uint8Array> {
  const planner = new Planner();
  const group = planner.group(root);
  const describing = planner.end;
  let end = describing;
  for (const data of planner.datasets) {
    data.dataAt = end;
    end += padded(data.value.bytes.length);
  }
  const writer = new Writer(describing);
  writer.superblock(group, end);
  writer.group(group);
  yield writer.bytes;
  for (const { value } of planner.datasets) {
    yield value.bytes;
    const rest = padded(value.bytes.length) - value.bytes.length;
    if (rest > 0) yield new Uint8Array(rest);
  }
}

/** Gives everything but the numbers its place. */
class Planner {
  end = SUPERBLOCK;
  readonly datasets: PlannedData[] = [];

  private take(size: number): number {
    const at = this.end;
    this.end += size;
    return at;
  }

  group(group: Hdf5Group): PlannedGroup {
    const names = [...group.keys()].map(name => new TextEncoder().encode(name));
    const nodes = [...group.values()];
    const order = names.map((_, i) => i).sort((a, b) => compareBytes(names[a]!, names[b]!));
    const at = this.take(GROUP_HEADER);
    // Offset 0 of a heap is the empty name.
    let heapSize = 8;
    const placed = order.map(i => {
      const nameAt = heapSize;
      heapSize += padded(names[i]!.length + 1);
      return { name: names[i]!, nameAt, node: nodes[i]! };
    });
    const heapAt = this.take(HEAP_HEADER + heapSize);
    const symbolNodes = range(Math.ceil(placed.length / (2 * LEAF_K))).map(() => this.take(SYMBOL_NODE));
    const levels: number[][] = [];
    for (let below = symbolNodes.length; levels.at(-1)?.length !== 1; below = levels.at(-1)!.length) {
      levels.push(range(Math.max(1, Math.ceil(below / (2 * TREE_K)))).map(() => this.take(TREE_NODE)));
    }
    const entries = placed.map(({ name, nameAt, node }) => ({ name, nameAt, node: this.node(node, name) }));
    return { kind: 'group', at, levels, heapAt, heapSize, symbolNodes, entries };
  }

  private node(node: Hdf5Node, name: Uint8Array): PlannedGroup | PlannedData {
    if (node instanceof Map) return this.group(node);
    const value = storedValue(node as WeightBlob | Hdf5Value, name);
    const data: PlannedData = { kind: 'data', at: this.take(dataHeaderSize(value)), value, dataAt: 0 };
    this.datasets.push(data);
    return data;
  }
}

function storedValue(node: WeightBlob | Hdf5Value, name: Uint8Array): Hdf5Value {
  if ('bytes' in node) return node;
  checkBlob(node, `"${new TextDecoder().decode(name)}"`);
  return { shape: node.shape, bytes: bytesOf(node.data), type: FLOAT32 };
}

/** Shape, type, fill value and layout, each behind 8 bytes of its own. */
function dataHeaderSize({ shape, type }: Hdf5Value): number {
  return 16 + (8 + 8 + 8 * shape.length) + (8 + padded(type.length)) + (8 + 8) + (8 + 24);
}

class Writer {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  /** II.A, version 0. */
  superblock(root: PlannedGroup, end: number): void {
    this.bytes.set([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
    this.bytes.set([8, 8], 13);
    this.u16(16, LEAF_K);
    this.u16(18, TREE_K);
    this.u64(24, 0);
    this.nowhere(32);
    this.u64(40, end);
    this.nowhere(48);
    this.u64(64, root.at);
    this.u32(72, 1);
    this.u64(80, root.levels.at(-1)![0]!);
    this.u64(88, root.heapAt);
  }

  group(group: PlannedGroup): void {
    this.header(group.at, 1, GROUP_HEADER);
    this.message(group.at + 16, 0x11, 16);
    this.u64(group.at + 24, group.levels.at(-1)![0]!);
    this.u64(group.at + 32, group.heapAt);
    this.heap(group);
    this.symbols(group);
    this.tree(group);
    for (const { node } of group.entries) node.kind === 'group' ? this.group(node) : this.data(node);
  }

  /** III.D */
  private heap({ heapAt, heapSize, entries }: PlannedGroup): void {
    this.ascii(heapAt, 'HEAP');
    this.u64(heapAt + 8, heapSize);
    // No free block.
    this.u64(heapAt + 16, 1);
    this.u64(heapAt + 24, heapAt + HEAP_HEADER);
    for (const { name, nameAt } of entries) this.bytes.set(name, heapAt + HEAP_HEADER + nameAt);
  }

  /** III.B and III.C */
  private symbols({ symbolNodes, entries }: PlannedGroup): void {
    symbolNodes.forEach((at, i) => {
      const mine = entries.slice(i * 2 * LEAF_K, (i + 1) * 2 * LEAF_K);
      this.ascii(at, 'SNOD');
      this.bytes[at + 4] = 1;
      this.u16(at + 6, mine.length);
      mine.forEach(({ nameAt, node }, j) => {
        this.u64(at + 8 + 40 * j, nameAt);
        this.u64(at + 16 + 40 * j, node.at);
      });
    });
  }

  /** III.A.1: a key is the name that is the last one left of it. */
  private tree({ levels, symbolNodes, entries }: PlannedGroup): void {
    let children: readonly number[] = symbolNodes;
    let lastNames = symbolNodes.map((_, i) => entries[Math.min((i + 1) * 2 * LEAF_K, entries.length) - 1]!.nameAt);
    levels.forEach((nodes, level) => {
      nodes.forEach((at, i) => {
        const from = i * 2 * TREE_K;
        const mine = children.slice(from, from + 2 * TREE_K);
        this.ascii(at, 'TREE');
        this.bytes[at + 5] = level;
        this.u16(at + 6, mine.length);
        this.link(at + 8, nodes[i - 1]);
        this.link(at + 16, nodes[i + 1]);
        this.u64(at + 24, i === 0 ? 0 : lastNames[from - 1]!);
        mine.forEach((child, j) => {
          this.u64(at + 32 + 16 * j, child);
          this.u64(at + 40 + 16 * j, lastNames[from + j]!);
        });
      });
      lastNames = nodes.map((_, i) => lastNames[Math.min((i + 1) * 2 * TREE_K, lastNames.length) - 1]!);
      children = nodes;
    });
  }

  private data({ at, value, dataAt }: PlannedData): void {
    const { shape, bytes, type } = value;
    this.header(at, 4, dataHeaderSize(value));
    let p = at + 16;
    p = this.message(p, 0x01, 8 + 8 * shape.length);
    this.bytes.set([1, shape.length], p);
    shape.forEach((d, i) => {
      this.u64(p + 8 + 8 * i, d);
    });
    p = this.message(p + 8 + 8 * shape.length, 0x03, padded(type.length), 1);
    this.bytes.set(type, p);
    // Fill value: the library's default.
    p = this.message(p + padded(type.length), 0x05, 8, 1);
    this.bytes.set([2, 2, 2, 1], p);
    p = this.message(p + 8, 0x08, 24);
    this.bytes.set([3, 1], p);
    if (bytes.length > 0) this.u64(p + 2, dataAt);
    else this.nowhere(p + 2);
    this.u64(p + 10, bytes.length);
  }

  /** IV.A.1.a */
  private header(at: number, messages: number, size: number): void {
    this.bytes[at] = 1;
    this.u16(at + 2, messages);
    this.u32(at + 4, 1);
    this.u32(at + 8, size - 16);
  }

  /** The place behind a message's 8 bytes. Flag 1: its content never changes. */
  private message(at: number, type: number, size: number, flags = 0): number {
    this.u16(at, type);
    this.u16(at + 2, size);
    this.bytes[at + 4] = flags;
    return at + 8;
  }

  private link(at: number, to: number | undefined): void {
    if (to === undefined) this.nowhere(at);
    else this.u64(at, to);
  }

  private nowhere(at: number): void {
    this.view.setBigUint64(at, NOWHERE, true);
  }

  private ascii(at: number, text: string): void {
    for (let i = 0; i < text.length; i++) this.bytes[at + i] = text.charCodeAt(i);
  }

  private u16(at: number, value: number): void {
    this.view.setUint16(at, value, true);
  }

  private u32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  private u64(at: number, value: number): void {
    this.view.setBigUint64(at, BigInt(value), true);
  }
}

function padded(size: number): number {
  return Math.ceil(size / 8) * 8;
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

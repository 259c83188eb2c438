/**
 * Writes LMDB databases of data format 1 (lmdb 0.9's mdb.c: MDB_page, MDB_node, MDB_meta), as one B+tree that is built
 * from its leaves upward. Large values go to the disk at once, small ones and the keys when the database is closed.
 *
 *     page      number u64, pad u16, flags u16, then lower u16 and upper u16, or how many pages a large value takes u32
 *     node      size or child u32 (and 16 bits more in flags), flags u16, length of key u16, key, value or its page u64
 *     meta      magic u32, version u32, address u64, map size u64, free and main tree of 48 bytes, last page u64, transaction u64
 */

import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fail, MokapotError } from '../../diagnostics/index.js';
import { fileError, makeFolderSync, moveInPlaceSync, removeLeftovers, temporaryBeside } from '../../files/index.js';

const PAGE = 4096;
const HEADER = 16;
const NODE = 8;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const META = 0x08;
const BIG_DATA = 0x01;
const INTEGER_KEY = 0x08;
const MAGIC = 0xbeefc0de;
const NO_PAGE = 0xffffffffffffffffn;
const MAX_KEY = 511;
/** Caffe and the command-line tools map at least this much (MDB_DEFAULT_MAPSIZE). */
const SMALLEST_MAP = 2 ** 20;
/** A node larger than this has its value in pages of its own: two nodes fit a page (me_nodemax). */
const MAX_NODE = (((PAGE - HEADER) >> 1) & ~1) - 2;

export interface LmdbWriter {
  /** Keys of 1 to 511 bytes, in any order; the last value of a key counts. @throws MokapotError `lmdb-key`, `file-unwritable` */
  put(key: string, value: Uint8Array): Promise<void>;
  /** Everything is on the disk, under its name, when it resolves. @throws MokapotError `file-unwritable` */
  close(): Promise<void>;
  /** Leaves nothing behind. */
  abort(): void;
}

/**
 * A new database in the folder `path`; one that is there is replaced when the new one is closed.
 * @throws MokapotError `file-unwritable`.
 */
export async function createLmdb(path: string): Promise<LmdbWriter> {
  const target = join(path, 'data.mdb');
  const telling = <T>(run: () => T): T => {
    try {
      return run();
    } catch (cause) {
      throw cause instanceof MokapotError ? cause : fileError('file-unwritable', 'write', target, cause);
    }
  };
  const tree = telling(() => {
    makeFolderSync(path);
    removeLeftovers(path);
    return new TreeFile(temporaryBeside(target));
  });
  return {
    async put(key, value) {
      const bytes = Buffer.from(key);
      if (bytes.length === 0 || bytes.length > MAX_KEY) {
        const message = `The key "${key.slice(0, 60)}…" has ${bytes.length} bytes; LMDB takes 1 to ${MAX_KEY}.`;
        throw fail('lmdb-key', message);
      }
      telling(() => tree.put(bytes, value));
    },
    async close() {
      try {
        telling(() => {
          tree.finish();
          moveInPlaceSync(tree.path, target);
        });
      } catch (cause) {
        tree.abort();
        throw cause;
      }
    },
    abort: () => tree.abort(),
  };
}

interface Node {
  readonly key: Buffer;
  /** A value, or the page and size of a large one, or (in a branch) a child's page. */
  readonly content: Uint8Array | { readonly page: number; readonly size: number } | number;
}

/** The pages of a database while they are made: those of large values first, then leaves, branches, and the metas. */
class TreeFile {
  private readonly fd: number;
  private readonly nodes = new Map<string, Node>();
  /** The first two are the metas. */
  private pages = 2;
  private readonly counts = { branch: 0, leaf: 0, overflow: 0 };
  private isOpen = true;

  constructor(readonly path: string) {
    this.fd = openSync(path, 'wx');
  }

  put(key: Buffer, value: Uint8Array): void {
    const isLarge = NODE + key.length + value.length > MAX_NODE;
    const content = isLarge ? { page: this.overflow(value), size: value.length } : Uint8Array.from(value);
    this.nodes.set(key.toString('latin1'), { key, content });
  }

  finish(): void {
    const nodes = [...this.nodes.values()].sort((a, b) => Buffer.compare(a.key, b.key));
    let level = this.level(nodes, LEAF);
    let depth = nodes.length > 0 ? 1 : 0;
    for (; level.length > 1; depth++) level = this.level(level, BRANCH);
    const root = level[0] && BigInt(level[0].content as number);
    for (const number of [0, 1]) this.write(number * PAGE, this.meta(number, depth, root ?? NO_PAGE));
    fsyncSync(this.fd);
    this.shut();
  }

  abort(): void {
    this.shut();
    rmSync(this.path, { force: true });
  }

  private shut(): void {
    if (this.isOpen) closeSync(this.fd);
    this.isOpen = false;
  }

  private overflow(value: Uint8Array): number {
    const count = Math.ceil((HEADER + value.length) / PAGE);
    const bytes = Buffer.alloc(count * PAGE);
    bytes.set(value, HEADER);
    bytes.writeUInt16LE(OVERFLOW, 10);
    bytes.writeUInt32LE(count, 12);
    this.counts.overflow += count;
    return this.append(bytes, count);
  }

  /** Fills pages with nodes. @returns the nodes of the level above, each with its page's first key */
  private level(nodes: readonly Node[], kind: Kind): Node[] {
    return pagefuls(nodes, kind).map(group => {
      this.counts[kind === LEAF ? 'leaf' : 'branch']++;
      return { key: group[0]!.key, content: this.append(pageOf(group, kind), 1) };
    });
  }

  /** Gives a run of pages its number and writes it. */
  private append(bytes: Buffer, count: number): number {
    const number = this.pages;
    bytes.writeBigUInt64LE(BigInt(number), 0);
    this.write(number * PAGE, bytes);
    this.pages += count;
    return number;
  }

  private write(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at, bytes.length - at, offset + at);
  }

  /** Both metas name the same tree, the first one as the newer. */
  private meta(number: number, depth: number, root: bigint): Buffer {
    const page = Buffer.alloc(PAGE);
    page.writeBigUInt64LE(BigInt(number), 0);
    page.writeUInt16LE(META, 10);
    page.writeUInt32LE(MAGIC, 16);
    page.writeUInt32LE(1, 20);
    page.writeBigUInt64LE(BigInt(Math.max(SMALLEST_MAP, this.pages * PAGE)), 32);
    page.writeUInt32LE(PAGE, 40);
    page.writeUInt16LE(INTEGER_KEY, 44);
    page.writeBigUInt64LE(NO_PAGE, 80);
    page.writeUInt16LE(depth, 94);
    page.writeBigUInt64LE(BigInt(this.counts.branch), 96);
    page.writeBigUInt64LE(BigInt(this.counts.leaf), 104);
    page.writeBigUInt64LE(BigInt(this.counts.overflow), 112);
    page.writeBigUInt64LE(BigInt(this.nodes.size), 120);
    page.writeBigUInt64LE(root, 128);
    page.writeBigUInt64LE(BigInt(this.pages - 1), 136);
    page.writeBigUInt64LE(BigInt(number === 0 ? 2 : 1), 144);
    return page;
  }
}

/** Of a leaf or of a branch. */
type Kind = typeof LEAF | typeof BRANCH;

/** Nodes in the groups that fit a page each. */
function pagefuls(nodes: readonly Node[], kind: Kind): Node[][] {
  const groups: Node[][] = [];
  let room = 0;
  for (const node of nodes) {
    if (room < 2 + sizeOf(node, keyIn(node, kind, false))) {
      groups.push([]);
      room = PAGE - HEADER;
    }
    const group = groups.at(-1)!;
    room -= 2 + sizeOf(node, keyIn(node, kind, group.length === 0));
    group.push(node);
  }
  // LMDB ends the process at a branch with one child.
  const last = groups.at(-1);
  if (kind === BRANCH && last?.length === 1 && groups.length > 1) last.unshift(groups.at(-2)!.pop()!);
  return groups;
}

/** The first node of a branch stands for all keys below the second's, and has none. */
function keyIn({ key }: Node, kind: Kind, isFirst: boolean): Buffer {
  return kind === BRANCH && isFirst ? key.subarray(0, 0) : key;
}

function sizeOf({ content }: Node, key: Buffer): number {
  const length = content instanceof Uint8Array ? content.length : typeof content === 'number' ? 0 : 8;
  return (NODE + key.length + length + 1) & ~1;
}

/** Offsets grow from the page's head, nodes from its end. */
function pageOf(nodes: readonly Node[], kind: Kind): Buffer {
  const page = Buffer.alloc(PAGE);
  page.writeUInt16LE(kind, 10);
  let upper = PAGE;
  nodes.forEach((node, i) => {
    const key = keyIn(node, kind, i === 0);
    upper -= sizeOf(node, key);
    page.writeUInt16LE(upper, HEADER + 2 * i);
    writeNode(page, upper, key, node.content);
  });
  page.writeUInt16LE(HEADER + 2 * nodes.length, 12);
  page.writeUInt16LE(upper, 14);
  return page;
}

function writeNode(page: Buffer, at: number, key: Buffer, content: Node['content']): void {
  page.writeUInt16LE(key.length, at + 6);
  page.set(key, at + NODE);
  const value = at + NODE + key.length;
  if (typeof content === 'number') {
    page.writeUInt32LE(content % 2 ** 32, at);
    page.writeUInt16LE(Math.floor(content / 2 ** 32), at + 4);
  } else if (content instanceof Uint8Array) {
    page.writeUInt32LE(content.length, at);
    page.set(content, value);
  } else {
    page.writeUInt32LE(content.size, at);
    page.writeUInt16LE(BIG_DATA, at + 4);
    page.writeBigUInt64LE(BigInt(content.page), value);
  }
}

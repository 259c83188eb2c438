/**
 * Reads LMDB databases of data format 1, the one Caffe, DIGITS and Python's lmdb 0.9 read and write, by positioned reads
 * of single pages: a database of any size opens in little memory, in folders that may not be written to, and a damaged
 * file gives a diagnostic where a memory-mapped one ends the process.
 */

import { type FileHandle, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, type MokapotError } from '../../diagnostics/index.js';
import { anyFile, type FileAccess, fileError, openRegular } from '../../files/index.js';

const MAGIC = 0xbeefc0de;
const HEADER = 16;
const META_SIZE = 152;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const BIG_DATA = 0x01;
const SUB_DATA = 0x02;
const DUP_SORT = 0x04;
const NO_PAGE = 0xffffffffffffffffn;
const MAX_DEPTH = 32;
const CACHED_PAGES = 8;

/** An entry's key as text and its value. */
export interface LmdbEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Entries in the order of their keys, by position. */
export interface LmdbReader {
  readonly path: string;
  readonly size: number;
  /** @throws MokapotError `lmdb-damaged`; RangeError for a position that is none. */
  entry(position: number): Promise<LmdbEntry>;
  close(): Promise<void>;
}

/**
 * Opens a database for reading.
 * @param path the folder with data.mdb, or the file itself.
 * @throws MokapotError `lmdb-missing`, `lmdb-not-lmdb`, `lmdb-format`, `lmdb-unsupported`, `lmdb-damaged`, `file-outside`.
 */
export async function openLmdbReader(path: string, access: FileAccess = anyFile): Promise<LmdbReader> {
  access.check(path);
  const file = await dataFile(path);
  access.check(file);
  let handle: FileHandle;
  try {
    handle = await openRegular(file);
  } catch (cause) {
    throw fileError('file-unreadable', 'read', file, cause);
  }
  try {
    const pages = new PageFile(handle, file, (await handle.stat()).size);
    const root = await readMeta(pages);
    const leaves = await collectLeaves(pages, root);
    return new Reader(path, pages, leaves);
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

async function dataFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const file = found?.isDirectory() ? join(path, 'data.mdb') : path;
  if (!found || !(await stat(file).catch(() => undefined))) {
    throw fail('lmdb-missing', `There is no LMDB database at ${path}.`, {
      hint: 'A database is a folder with a file data.mdb. Check the path (Caffe resolves `source` from where it runs).',
    });
  }
  return file;
}

function damaged(file: string, what: string): MokapotError {
  return fail('lmdb-damaged', `The database ${file} is damaged: ${what}.`, {
    hint: 'It is cut off or was overwritten: copy it again or create the data set anew.',
  });
}

/** Pages of a database file, each read when asked for, the last few kept. */
class PageFile {
  pageSize = 4096;
  private readonly cache = new Map<number, Promise<DataView>>();

  constructor(
    private readonly handle: FileHandle,
    readonly file: string,
    readonly length: number,
  ) {}

  get count(): number {
    return Math.ceil(this.length / this.pageSize);
  }

  async bytes(offset: number, size: number): Promise<Uint8Array> {
    if (offset + size > this.length) {
      throw damaged(this.file, `it has ${this.length} bytes, but data lie up to byte ${offset + size}`);
    }
    const out = new Uint8Array(size);
    for (let have = 0; have < size; ) {
      const { bytesRead } = await this.handle.read(out, have, size - have, offset + have);
      if (bytesRead === 0) throw damaged(this.file, `it ends at byte ${offset + have}`);
      have += bytesRead;
    }
    return out;
  }

  /** A branch or leaf page, checked. */
  page(number: number): Promise<DataView> {
    let page = this.cache.get(number);
    if (!page) {
      page = this.readPage(number);
      page.catch(() => this.cache.delete(number));
      this.cache.set(number, page);
      if (this.cache.size > CACHED_PAGES) this.cache.delete(this.cache.keys().next().value!);
    }
    return page;
  }

  private async readPage(number: number): Promise<DataView> {
    const bytes = await this.bytes(number * this.pageSize, this.pageSize);
    const page = new DataView(bytes.buffer);
    const flags = page.getUint16(10, true);
    const lower = page.getUint16(12, true);
    const upper = page.getUint16(14, true);
    const sound = lower >= HEADER && lower <= upper && upper <= this.pageSize;
    if (Number(page.getBigUint64(0, true)) !== number || (flags & (BRANCH | LEAF)) === 0 || !sound) {
      throw damaged(this.file, `page ${number} is neither a branch nor a leaf`);
    }
    return page;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

interface Root {
  /** Undefined in an empty database. */
  readonly page: number | undefined;
  readonly entries: number;
}

/** The newer of the two meta pages says where the tree begins. */
async function readMeta(pages: PageFile): Promise<Root> {
  const { file } = pages;
  const first = new DataView((await metaBytes(pages, 0)).buffer);
  if (first.getUint32(HEADER, true) !== MAGIC) throw notLmdb(file);
  pages.pageSize = first.getUint32(HEADER + 24, true);
  const { pageSize } = pages;
  if (pageSize < 512 || pageSize > 65536 || pageSize % 512 !== 0) throw damaged(file, `its page size is ${pageSize}`);
  const metas = [first, new DataView((await metaBytes(pages, pageSize)).buffer)];
  const valid = metas.filter(m => m.getUint32(HEADER, true) === MAGIC);
  for (const meta of valid) checkVersion(file, meta.getUint32(HEADER + 4, true));
  const newest = valid.reduce((a, b) => (b.getBigUint64(144, true) > a.getBigUint64(144, true) ? b : a));
  if (newest.getUint16(92, true) & DUP_SORT) throw unsupported(file, 'several values for one key');
  const root = newest.getBigUint64(128, true);
  return { page: root === NO_PAGE ? undefined : Number(root), entries: Number(newest.getBigUint64(120, true)) };
}

async function metaBytes(pages: PageFile, offset: number): Promise<Uint8Array> {
  if (offset === 0 && pages.length < HEADER + META_SIZE) throw notLmdb(pages.file);
  return pages.bytes(offset, HEADER + META_SIZE);
}

function notLmdb(file: string): MokapotError {
  return fail('lmdb-not-lmdb', `${file} is no LMDB database.`, {
    hint: 'Is it a LevelDB database or a file of another kind? Convert it to LMDB, e.g. by Caffe’s convert_imageset.',
  });
}

function unsupported(file: string, what: string): MokapotError {
  return fail('lmdb-unsupported', `The database ${file} has ${what}, which Caffe's databases never have.`, {
    hint: 'Write the Datums into the main database, one value a key.',
  });
}

function checkVersion(file: string, version: number): void {
  if (version === 1) return;
  throw fail('lmdb-format', `${file} is written in LMDB's data format ${version}; Caffe and Mokapot read format 1.`, {
    hint: 'LMDB 1.0 and npm lmdb write the newer one. Export it with mdb_dump and load it with mdb_load of LMDB 0.9.',
  });
}

/** The leaf pages in order, and the position of each one's first entry (and, last, the number of entries). */
interface Leaves {
  readonly pages: readonly number[];
  readonly starts: readonly number[];
}

async function collectLeaves(pages: PageFile, root: Root): Promise<Leaves> {
  const leaves: number[] = [];
  const starts: number[] = [0];
  let visited = 0;
  const walk = async (number: number, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH || ++visited > pages.count) throw damaged(pages.file, 'its tree of pages has a loop');
    const page = await pages.page(number);
    const count = (page.getUint16(12, true) - HEADER) >> 1;
    if (page.getUint16(10, true) & LEAF) {
      leaves.push(number);
      starts.push(starts.at(-1)! + count);
      return;
    }
    for (let i = 0; i < count; i++) await walk(childOf(pages, page, i), depth + 1);
  };
  if (root.page !== undefined) await walk(root.page, 1);
  const found = starts.at(-1)!;
  if (found !== root.entries) throw damaged(pages.file, `it holds ${found} entries and says ${root.entries}`);
  return { pages: leaves, starts };
}

/** Where a page's node `i` begins; nodes have a head of 8 bytes. */
function nodeOffset(pages: PageFile, page: DataView, i: number): number {
  const at = page.getUint16(HEADER + 2 * i, true);
  if (at < HEADER || at + 8 > page.byteLength) throw damaged(pages.file, 'an entry lies outside of its page');
  return at;
}

function childOf(pages: PageFile, page: DataView, i: number): number {
  const at = nodeOffset(pages, page, i);
  return page.getUint32(at, true) + page.getUint16(at + 4, true) * 2 ** 32;
}

class Reader implements LmdbReader {
  constructor(
    readonly path: string,
    private readonly pages: PageFile,
    private readonly leaves: Leaves,
  ) {}

  get size(): number {
    return this.leaves.starts.at(-1)!;
  }

  async entry(position: number): Promise<LmdbEntry> {
    if (!Number.isInteger(position) || position < 0 || position >= this.size) {
      throw new RangeError(`${this.path} has entries 0 to ${this.size - 1}, not ${position}`);
    }
    const leaf = lastAtMost(this.leaves.starts, position);
    const page = await this.pages.page(this.leaves.pages[leaf]!);
    const at = nodeOffset(this.pages, page, position - this.leaves.starts[leaf]!);
    const size = page.getUint32(at, true);
    const flags = page.getUint16(at + 4, true);
    const data = at + 8 + page.getUint16(at + 6, true);
    const { file } = this.pages;
    if (flags & SUB_DATA) throw unsupported(file, 'named databases inside');
    if (data + (flags & BIG_DATA ? 8 : size) > page.byteLength) {
      throw damaged(file, `entry ${position} lies outside of its page`);
    }
    const key = Buffer.from(page.buffer, at + 8, data - at - 8).toString('utf8');
    const value =
      flags & BIG_DATA
        ? await this.overflow(Number(page.getBigUint64(data, true)), size)
        : new Uint8Array(page.buffer.slice(data, data + size));
    return { key, value };
  }

  /** A value too large for its page lies in a run of pages of its own. */
  private async overflow(number: number, size: number): Promise<Uint8Array> {
    const { pageSize, file } = this.pages;
    const bytes = await this.pages.bytes(number * pageSize, HEADER + size);
    const head = new DataView(bytes.buffer);
    const sound = Number(head.getBigUint64(0, true)) === number && head.getUint16(10, true) & OVERFLOW;
    if (!sound || head.getUint32(12, true) * pageSize < HEADER + size) {
      throw damaged(file, `page ${number} should hold a value of ${size} bytes and does not`);
    }
    return bytes.subarray(HEADER);
  }

  close(): Promise<void> {
    return this.pages.close();
  }
}

/** The last index whose value is not above `limit`, in an ascending list. */
function lastAtMost(list: readonly number[], limit: number): number {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (list[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Caffe's HDF5Data: a text that lists HDF5 files; each has a dataset for every top, its rows the entries
 * (hdf5_data_layer.cpp). Files are read in turn, a batch may take rows of two.
 */

import { basename } from 'node:path';
import { fail, MokapotError } from '../../diagnostics/index.js';
import { anyFile, type FileAccess } from '../../files/index.js';
import type { Random } from '../../random/index.js';
import { Hdf5Reader } from '../../weights/formats/hdf5_read.js';
import { withFile } from '../../weights/node/files.js';
import { EpochLoader, type Pick } from '../batches/epochs.js';
import { findFile } from '../files.js';
import { type ListFile, namedOn, placeIn, readListText } from './image_list.js';

/** A batch of every top, by name. */
export interface RowBatch {
  readonly blobs: ReadonlyMap<string, { readonly data: Float32Array; readonly shape: readonly number[] }>;
  /** What messages call its rows. */
  readonly names: readonly string[];
}

interface RowFile {
  readonly path: string;
  /** In the list, from 0 on. */
  readonly line: number;
  readonly rows: number;
  /** Of the first row among those of all files. */
  readonly start: number;
}

/** Files kept in memory: the one being read, and the next one that a batch reaches into. */
const KEPT = 2;

export class Hdf5List {
  private readonly loaded = new Map<RowFile, ReadonlyMap<string, Float32Array>>();

  private constructor(
    private readonly list: ListFile,
    private readonly files: readonly RowFile[],
    /** Of one row, by top. */
    readonly rowShapes: ReadonlyMap<string, readonly number[]>,
  ) {}

  /**
   * @param tops the datasets that are read
   * @param folder of the prototxt: files are looked for there, then in the working directory
   * @throws MokapotError `hdf5-list` (unreadable, empty), `hdf5-file` (a file that cannot be read or does not fit the
   *   others), each with the place in the list
   */
  static async open(
    path: string,
    tops: readonly string[],
    folder: string | undefined,
    access: FileAccess = anyFile,
  ): Promise<Hdf5List> {
    access.check(path);
    if (isHdf5File(path)) {
      throw fail('hdf5-list', `${path} is an HDF5 file; source is a text file that lists them.`, {
        hint: `Write "${basename(path)}" into a text file, e.g. train_h5.txt, and give that: source: "train_h5.txt".`,
      });
    }
    const list: ListFile = { source: { name: path, text: await readListText(path, 'hdf5-list', access) }, access };
    const lines = list.source.text
      .split('\n')
      .flatMap((text, line) => text.split(/\s+/).flatMap(name => (name ? { name, line } : [])));
    if (lines.length === 0) {
      throw fail('hdf5-list', `${path} lists no files.`, { hint: 'Each line has the path of an HDF5 file.' });
    }
    const files: RowFile[] = [];
    let rowShapes: ReadonlyMap<string, readonly number[]> | undefined;
    let start = 0;
    for (const { name, line } of lines) {
      const found = at(list, line, () =>
        findFile(name, folder, 'hdf5-file', 'HDF5 file', access, access.quotes ? undefined : namedOn(list, line, name)),
      );
      const shapes = at(list, line, () =>
        withDatasets(found, list, line, tops, (reader, where, what) => reader.shapeOf(where, what)),
      );
      const own = new Map([...shapes].map(([top, shape]) => [top, shape.slice(1)]));
      rowShapes ??= own;
      checkFit(list, line, found, own, rowShapes);
      const rows = rowsOf(list, line, found, shapes);
      files.push({ path: found, line, rows, start });
      start += rows;
    }
    return new Hdf5List(list, files, rowShapes!);
  }

  /** Rows of all files. */
  get size(): number {
    return this.files.reduce((sum, f) => sum + f.rows, 0);
  }

  /** @param shuffle the files, and the rows in each, in a new order each epoch */
  loader(batchSize: number, shuffle: boolean, seed: number): EpochLoader<undefined, RowBatch> {
    return new EpochLoader({
      name: this.list.source.name,
      size: this.size,
      batchSize,
      seed,
      ...(shuffle && { order: (random: Random) => this.shuffled(random) }),
      draw: () => undefined,
      load: picks => this.load(picks),
      prefetch: 1,
    });
  }

  private shuffled(random: Random): Int32Array {
    const order = new Int32Array(this.size);
    let at = 0;
    for (const f of random.permutation(this.files.length)) {
      const { start, rows } = this.files[f]!;
      for (const row of random.permutation(rows)) order[at++] = start + row;
    }
    return order;
  }

  private async load(picks: readonly Pick<undefined>[]): Promise<RowBatch> {
    const places = picks.map(({ entry }) => this.placeOf(entry));
    const blobs = [...this.rowShapes].map(([top, rowShape]) => {
      const size = rowShape.reduce((n, d) => n * d, 1);
      const data = new Float32Array(size * places.length);
      for (const [i, { file, row }] of places.entries())
        data.set(
          this.numbers(file)
            .get(top)!
            .subarray(row * size, (row + 1) * size),
          i * size,
        );
      return [top, { data, shape: [places.length, ...rowShape] }] as const;
    });
    return { blobs: new Map(blobs), names: places.map(({ file, row }) => `row ${row} of ${file.path}`) };
  }

  private placeOf(entry: number): { file: RowFile; row: number } {
    const file = this.files.findLast(f => f.start <= entry && f.rows > 0)!;
    return { file, row: entry - file.start };
  }

  private numbers(file: RowFile): ReadonlyMap<string, Float32Array> {
    const known = this.loaded.get(file);
    if (known) return known;
    const tops = [...this.rowShapes.keys()];
    const read = at(this.list, file.line, () =>
      withDatasets(file.path, this.list, file.line, tops, (reader, where, name) => reader.dataset(where, name).read()),
    );
    if (this.loaded.size >= KEPT) this.loaded.delete(this.loaded.keys().next().value!);
    this.loaded.set(file, read);
    return read;
  }
}

/** By its first bytes, 0x89 and "HDF". What cannot be read here is told by who reads the list. */
function isHdf5File(path: string): boolean {
  try {
    return withFile(path, bytes => Buffer.from(bytes.peek(0, 4)).toString('latin1')) === '\x89HDF';
  } catch {
    return false;
  }
}

/** What `read` finds of a file's datasets, each by its path (`data`, `group/data`). @throws MokapotError */
function withDatasets<T>(
  path: string,
  list: ListFile,
  line: number,
  tops: readonly string[],
  read: (reader: Hdf5Reader, at: number, name: string) => T,
): Map<string, T> {
  const name = called(list, line, path);
  return withFile(
    path,
    bytes => {
      const reader = new Hdf5Reader(bytes);
      return new Map(tops.map(top => [top, read(reader, find(reader, top, name, list), `the dataset "${top}"`)]));
    },
    name,
  );
}

function find(reader: Hdf5Reader, top: string, path: string, { access }: ListFile): number {
  let at = reader.root;
  for (const name of top.split('/').filter(part => part !== '')) {
    const links = reader.group(at);
    const next = links?.get(name);
    if (next === undefined) {
      const there = [...(links?.keys() ?? [])].slice(0, 8).map(k => `"${k}"`);
      throw fail('hdf5-file', `${path} has no dataset "${top}".`, {
        hint: `Each top of an HDF5Data layer is the dataset of its own name.${access.quotes ? ` The file has ${there.join(', ') || 'none'}.` : ''}`,
      });
    }
    at = next;
  }
  return at;
}

function checkFit(
  list: ListFile,
  line: number,
  path: string,
  own: ReadonlyMap<string, readonly number[]>,
  first: ReadonlyMap<string, readonly number[]>,
): void {
  for (const [top, shape] of own) {
    const wanted = first.get(top)!;
    if (shape.join() === wanted.join()) continue;
    const message = `A row of "${top}" is ${show(shape)} in ${called(list, line, path)}, and ${show(wanted)} in the first file.`;
    throw wrong(list, line, message, 'All files of a list have rows of one shape.');
  }
}

/** The first axis of all datasets. */
function rowsOf(list: ListFile, line: number, path: string, shapes: ReadonlyMap<string, readonly number[]>): number {
  const [first, ...others] = [...shapes];
  const rows = first![1][0];
  const mismatch = others.find(([, shape]) => shape[0] !== rows);
  if (rows !== undefined && !mismatch) return rows;
  const name = called(list, line, path);
  const message =
    rows === undefined
      ? `"${first![0]}" in ${name} is a single number without rows.`
      : `${name} has ${rows} rows of "${first![0]}" and ${mismatch![1][0] ?? 'no'} of "${mismatch![0]}".`;
  throw wrong(list, line, message, 'The first axis of every dataset counts the entries.');
}

function called(list: ListFile, line: number, path: string): string {
  return list.access.quotes ? path : namedOn(list, line, path);
}

function show(shape: readonly number[]): string {
  return shape.length === 0 ? 'one number' : shape.join(' × ');
}

function wrong(list: ListFile, line: number, message: string, hint: string): MokapotError {
  return fail('hdf5-file', message, { ...placeIn(list, line), hint });
}

/** What goes wrong with a listed file gets the place in the list. */
function at<T>(list: ListFile, line: number, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (!(cause instanceof MokapotError)) throw cause;
    const { code, message, hint = 'Write the file again.' } = cause.diagnostics[0]!;
    throw code === 'file-outside' ? cause : wrong(list, line, message, hint);
  }
}

/**
 * `.caffemodel.h5`, Caffe's weights as HDF5: a group `data`, in it a group per layer, in that datasets "0", "1", ….
 * Rules: Net::ToHDF5 and Net::CopyTrainedLayersFromHDF5 (net.cpp).
 */

import { fail } from '../../diagnostics/index.js';
import { type Bytes, damaged, toSource } from '../source.js';
import { SHARED, type StoredBlob, takeBlob, type WeightBlob } from './blob.js';
import { Hdf5Reader, type Links } from './hdf5_read.js';
import { type Hdf5Group, hdf5Parts } from './hdf5_write.js';
import { concatBytes } from './wire.js';

/** Caffe saves gradients beside the parameters where a solver says `snapshot_diff: true`. */
export interface CaffeH5<Blob> {
  /**
   * By layer, in order of their names, as the file has them. A blob that a layer shares with another one stands with its
   * owner only: its place here is a blob marked `shared`, and shared ones at the end are left out.
   */
  readonly layers: Map<string, Blob[]>;
  /** Gradients by layer, where the file has them. */
  readonly diffs?: Map<string, Blob[]>;
}

/** Names of layers may hold slashes, which HDF5 reads as groups in groups; more levels than this have no names. */
const MAX_DEPTH = 64;
const MAX_BLOBS = 1 << 12;
const POSITION = /^(0|[1-9]\d*)$/;

/**
 * Checks the file from end to end; each blob's `read` then fetches its numbers.
 * @throws MokapotError `weights-damaged`, `weights-count`, `weights-dtype`, `weights-hdf5` (a form of HDF5 that is not read),
 * `weights-format` (an HDF5 file without Caffe's groups)
 */
export function scanCaffeH5(bytes: Bytes, name?: string): CaffeH5<StoredBlob> {
  const source = toSource(bytes, name);
  const reader = new Hdf5Reader(source);
  const root = reader.group(reader.root);
  const data = root?.get('data');
  const groups = data === undefined ? undefined : reader.group(data);
  if (!groups) {
    const found = root ? [...root.keys()].slice(0, 5).join(', ') : '';
    throw fail('weights-format', `${source.name} is an HDF5 file without the group "data" of Caffe's weights.`, {
      hint: found && `It has: ${found}. A data set for an HDF5Data layer holds no weights, nor does a .solverstate.h5.`,
    });
  }
  const layers = layersIn(reader, groups);
  const diff = root!.get('diff');
  const diffGroups = diff === undefined ? undefined : reader.group(diff);
  return { layers, ...(diffGroups && { diffs: layersIn(reader, diffGroups) }) };
}

function layersIn(reader: Hdf5Reader, links: Links): Map<string, StoredBlob[]> {
  const layers = new Map<string, StoredBlob[]>();
  const walk = (inside: Links, path: string, depth: number) => {
    if (depth > MAX_DEPTH) throw damaged(reader.source, reader.root, `groups in groups without end: ${path}`);
    const blobs: StoredBlob[] = [];
    let groups = 0;
    for (const [name, at] of inside) {
      const group = reader.group(at);
      if (group) {
        groups++;
        walk(group, path ? `${path}/${name}` : name, depth + 1);
      } else if (path && POSITION.test(name) && Number(name) < MAX_BLOBS) {
        blobs[Number(name)] = reader.dataset(at, `blob ${name} of layer "${path}"`);
      } else throw damaged(reader.source, at, `"${path}/${name}" is no blob: those are called 0, 1, …`);
    }
    // A group of groups alone is only the front of names with a slash.
    if (path && (blobs.length > 0 || groups === 0))
      layers.set(
        path,
        Array.from(blobs, b => b ?? SHARED),
      );
  };
  walk(links, '', 0);
  return layers;
}

/** The same with the numbers in memory. */
export function readCaffeH5(bytes: Bytes, name?: string): CaffeH5<WeightBlob> {
  const { layers, diffs } = scanCaffeH5(bytes, name);
  return { layers: taken(layers), ...(diffs && { diffs: taken(diffs) }) };
}

function taken(layers: ReadonlyMap<string, readonly StoredBlob[]>): Map<string, WeightBlob[]> {
  return new Map([...layers].map(([name, blobs]) => [name, blobs.map(takeBlob)]));
}

type Params = ReadonlyMap<string, readonly WeightBlob[]>;

/** The bytes of a `.caffemodel.h5`: every layer of `params`, with `diffs` the gradients too. */
export function writeCaffeH5(params: Params, diffs?: Params): Uint8Array {
  return concatBytes([...caffeH5Parts(params, diffs)]);
}

/**
 * The file's bytes in parts; the numbers are views of the parameters, not copies. Every layer of `params` gets its group.
 * A blob whose array stands in an earlier layer already is shared with it and, as Caffe does, saved there only; gradients
 * are saved of every layer.
 * @throws MokapotError `weights-count`, `weights-name` (a layer whose name HDF5 cannot hold)
 */
export function caffeH5Parts(params: Params, diffs?: Params): Iterable<Uint8Array> {
  const owned = new Set<Float32Array>();
  const data = groupOf(params, blob => !owned.has(blob.data) && !!owned.add(blob.data));
  const groups = diffs ? { data, diff: groupOf(diffs, () => true) } : { data };
  return hdf5Parts(new Map(Object.entries(groups)));
}

function groupOf(params: Params, isSaved: (blob: WeightBlob) => boolean): Hdf5Group {
  const top = new Map<string, Hdf5Group | WeightBlob>();
  for (const [layer, blobs] of params) {
    const group = layer.split('/').reduce<Map<string, Hdf5Group | WeightBlob>>((above, name) => {
      if (name === '' || name === '.' || name.includes('\0')) throw unnameable(layer);
      const there = above.get(name) ?? new Map();
      if (!(there instanceof Map)) throw unnameable(layer);
      above.set(name, there);
      return there;
    }, top);
    blobs.forEach((blob, i) => {
      if (group.has(String(i))) throw unnameable(layer);
      if (!blob.shared && isSaved(blob)) group.set(String(i), blob);
    });
  }
  return top;
}

function unnameable(layer: string) {
  return fail(
    'weights-name',
    `The layer "${layer}" cannot be saved as HDF5: its name is no path of groups of its own.`,
    {
      layer,
      hint: 'Save a .caffemodel, which takes any name, or rename the layer.',
    },
  );
}

/** Weights in any of the formats, as layers of blobs: for a network, or on their own. */

import { basename } from 'node:path';
import { fail, hasErrors, MokapotError } from '../diagnostics/index.js';
import type { Net } from '../infer/net.js';
import { loadCaffemodel, loadNpz, loadSafetensors, saveNpz, saveSafetensors } from '../weights/files.js';
import { matchWeights, type WeightBlob, type WeightMatch } from '../weights/index.js';

export type WeightFormat = 'caffemodel' | 'safetensors' | 'npz' | 'h5';

/** Blobs by layer. */
export type Layers = ReadonlyMap<string, readonly WeightBlob[]>;

export const EXTENSIONS: Readonly<Record<WeightFormat, string>> = {
  caffemodel: '.caffemodel',
  safetensors: '.safetensors',
  npz: '.npz',
  h5: '.caffemodel.h5',
};

/** By its name's end; what has none is taken for a `.caffemodel`. */
export function formatOf(path: string): WeightFormat {
  const name = basename(path).toLowerCase();
  if (name.endsWith('.safetensors')) return 'safetensors';
  if (name.endsWith('.npz')) return 'npz';
  return name.endsWith('.h5') || name.endsWith('.hdf5') ? 'h5' : 'caffemodel';
}

/** @throws MokapotError as the format's reader; `weights-keys` where an array is not named `<layer>/<number>` */
export function loadLayers(path: string): Layers {
  switch (formatOf(path)) {
    case 'safetensors':
      return layersOf(path, loadSafetensors(path).tensors);
    case 'npz':
      return layersOf(path, loadNpz(path));
    case 'h5':
      throw fail('weights-format', `${path}: HDF5 is not read yet.`);
    case 'caffemodel':
      return loadCaffemodel(path).layers;
  }
}

/** `conv1/0` is the first blob of conv1; names of layers may have slashes of their own. */
function layersOf(path: string, arrays: ReadonlyMap<string, WeightBlob>): Layers {
  const layers = new Map<string, WeightBlob[]>();
  for (const [key, blob] of arrays) {
    const parts = /^(.+)\/(\d+)$/.exec(key);
    if (!parts) {
      throw fail('weights-keys', `${path} has an array "${key}", and parameters are named <layer>/<number>.`, {
        hint: 'For example conv1/0, the filter of conv1, and conv1/1, its bias.',
      });
    }
    const blobs = layers.get(parts[1]!) ?? [];
    blobs[Number(parts[2])] = blob;
    layers.set(parts[1]!, blobs);
  }
  for (const [name, blobs] of layers)
    if (blobs.length > 64 || [...blobs].includes(undefined as never))
      throw fail('weights-keys', `${path} lacks a blob of layer "${name}".`, { layer: name });
  return layers;
}

/** Copies by layer name, with Net.copyFrom's rules. */
export function useLayers(net: Net, layers: Layers): WeightMatch {
  const targets = [...net.params].map(([name, params]) => ({ name, params }));
  const match = matchWeights(layers, targets);
  if (hasErrors(match.diagnostics)) throw new MokapotError(match.diagnostics);
  for (const name of match.copied)
    net.params.get(name)!.forEach((blob, i) => {
      blob.data = layers.get(name)![i]!.data;
    });
  return match;
}

/** The network's parameters, by layer. */
export function layersOfNet(net: Net): Layers {
  return net.params;
}

function keyed(layers: Layers): Map<string, WeightBlob> {
  return new Map([...layers].flatMap(([name, blobs]) => blobs.map((blob, i) => [`${name}/${i}`, blob] as const)));
}

/** Writes all but a `.caffemodel`, which needs its network. */
export async function saveLayers(
  format: Exclude<WeightFormat, 'caffemodel'>,
  path: string,
  layers: Layers,
): Promise<void> {
  switch (format) {
    case 'safetensors':
      return saveSafetensors(path, keyed(layers));
    case 'npz':
      return saveNpz(path, keyed(layers));
    case 'h5':
      throw fail('weights-format', 'HDF5 is not written yet.');
  }
}

/** Whether two sets of weights are the same to the bit; else the first difference, for people. */
export function difference(a: Layers, b: Layers): string | undefined {
  const bits = (x: Float32Array) => new Uint32Array(x.buffer, x.byteOffset, x.length);
  for (const [name, blobs] of a) {
    const others = b.get(name) ?? [];
    if (blobs.length !== others.length) return `layer "${name}" has ${others.length} blobs instead of ${blobs.length}`;
    for (const [i, blob] of blobs.entries()) {
      const [x, y] = [bits(blob.data), bits(others[i]!.data)];
      if (x.length !== y.length || x.some((v, k) => v !== y[k])) return `blob ${i} of layer "${name}" differs`;
    }
  }
  return undefined;
}

/** Weights on their own, as layers of blobs: read from, written to and compared in any of the formats. */

import { nth } from '../../diagnostics/index.js';
import { defaultCatalogue, type LayerCatalogue, type LayerType } from '../../layers/index.js';
import type { Net } from '../../runtime/net.js';
import { tensorsOf, type WeightBlob } from '../../weights/index.js';
import { saveCaffeH5, saveNpz, saveSafetensors, useNetWeights } from '../../weights/node/files.js';

export type WeightFormat = 'caffemodel' | 'safetensors' | 'npz' | 'h5';

/** Blobs by layer; one that a layer before it has too is marked `shared`. */
export type Layers = ReadonlyMap<string, readonly WeightBlob[]>;

export const EXTENSIONS: Readonly<Record<WeightFormat, string>> = {
  caffemodel: '.caffemodel',
  safetensors: '.safetensors',
  npz: '.npz',
  h5: '.caffemodel.h5',
};

/** @throws MokapotError as the format's reader; `weights-format` where the file holds no layers' parameters */
export function loadLayers(path: string, catalogue: LayerCatalogue = defaultCatalogue()): Layers {
  return useNetWeights(path, ({ layers, net }) => {
    const types = new Map(net?.layer.map(l => [l.name, catalogue.get(l.type)]));
    const loaded = [...layers].map(([name, blobs]) => {
      const today = blobs.map((blob, i) => ({
        ...blob,
        ...(blob.legacy && { shape: withoutOnes(blob.shape, i, types.get(name)) }),
      }));
      return [name, today.map(({ read, legacy: _, ...blob }) => ({ ...blob, data: read() }))] as const;
    });
    return new Map(loaded);
  });
}

/** Files of Caffe's first years have four axes for every blob, ones in front: a shape as the layer would have it today. */
function withoutOnes(shape: readonly number[], position: number, type: LayerType | undefined): readonly number[] {
  if (position === 0 && type?.weights) return type.weights.kind === 'filter' ? shape : shape.slice(-2);
  const first = shape.findIndex(d => d !== 1);
  return shape.slice(first < 0 ? -1 : first);
}

/** The network's parameters. */
export function layersOfNet(net: Net): Layers {
  const seen = new Set<Float32Array>();
  return new Map(
    [...net.params].map(([name, blobs]) => [
      name,
      blobs.map(({ shape, data }) => {
        const shared = seen.has(data);
        seen.add(data);
        return { shape, data, ...(shared && { shared }) };
      }),
    ]),
  );
}

/** Puts numbers into a network that has just these layers. */
export function fillNet(net: Net, layers: Layers): void {
  for (const [name, blobs] of net.params)
    blobs.forEach((blob, i) => {
      blob.data = nth(layers.get(name)!, i).data;
    });
}

/** Writes all but a `.caffemodel`, which needs its network. */
export function saveLayers(format: Exclude<WeightFormat, 'caffemodel'>, path: string, layers: Layers): Promise<void> {
  switch (format) {
    case 'safetensors':
      return saveSafetensors(path, tensorsOf(layers));
    case 'npz':
      return saveNpz(path, tensorsOf(layers));
    case 'h5':
      return saveCaffeH5(path, layers);
  }
}

/** What of `read` is not, to the bit, as in `wanted`; undefined where all is. */
export function difference(wanted: Layers, read: Layers): string | undefined {
  for (const [name, blobs] of wanted) {
    const others = read.get(name) ?? [];
    for (const [i, blob] of blobs.entries()) {
      if (blob.shared) continue;
      const other = others[i];
      if (!other) return `layer "${name}" has no blob ${i}`;
      if (!sameBits(blob.data, other.data)) return `blob ${i} of layer "${name}" differs`;
    }
  }
  return undefined;
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (x: Float32Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}

/** Formats that know names of arrays only (.safetensors, .npz): which array is which blob of which layer. */

import { type BlobShape, SHARED } from './blob.js';

const MAX_BLOBS = 1 << 12;

/** The name of a layer's blob: `conv1/0`, as HDF5 has it too. */
export function tensorName(layer: string, position: number): string {
  return `${layer}/${position}`;
}

/** Arrays by the names that `tensorName` gives. Blobs that only other layers hold are left out. */
export function tensorsOf<Blob extends BlobShape>(layers: ReadonlyMap<string, readonly Blob[]>): Map<string, Blob> {
  const tensors = new Map<string, Blob>();
  for (const [layer, blobs] of layers) {
    blobs.forEach((blob, i) => {
      if (!blob.shared) tensors.set(tensorName(layer, i), blob);
    });
  }
  return tensors;
}

/**
 * The way back. Of PyTorch's names `conv1.weight` and `conv1.bias` are taken for blobs 0 and 1; an array of any other name
 * is the only blob of a layer of that name.
 */
export function layersOf<Blob extends BlobShape>(
  tensors: ReadonlyMap<string, Blob>,
): Map<string, (Blob | typeof SHARED)[]> {
  const layers = new Map<string, (Blob | typeof SHARED)[]>();
  for (const [name, blob] of tensors) {
    const { layer, position } = placeOf(name);
    const blobs = layers.get(layer) ?? [];
    while (blobs.length < position) blobs.push(SHARED);
    blobs[position] = blob;
    layers.set(layer, blobs);
  }
  return layers;
}

function placeOf(name: string): { layer: string; position: number } {
  const caffe = /^(?:param\/)?(.+)\/(0|[1-9]\d*)$/.exec(name);
  if (caffe && Number(caffe[2]) < MAX_BLOBS) return { layer: caffe[1]!, position: Number(caffe[2]) };
  const torch = /^(.+)\.(weight|bias)$/.exec(name);
  if (torch) return { layer: torch[1]!, position: torch[2] === 'weight' ? 0 : 1 };
  return { layer: name, position: 0 };
}

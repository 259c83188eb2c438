/** Files that layers name and that hold one blob. */

import { existsSync } from 'node:fs';
import { placesOf } from '../../data/files.js';
import type { NetOptions } from '../../net/index.js';
import { loadBinaryproto } from '../../weights/node/files.js';

/** Looks beside the prototxt, then, as Caffe does, from the working folder; each file is read once. */
export function blobReader(dir = '.'): NonNullable<NetOptions['readBlob']> {
  const read = new Map<string, ReturnType<typeof loadBinaryproto>>();
  return source => {
    const path = placesOf(source, dir).find(p => existsSync(p)) ?? source;
    const blob = read.get(path) ?? loadBinaryproto(path);
    read.set(path, blob);
    return blob;
  };
}

/** The blobs that a Python layer's user code sees. */

import { type Shape, sizeOf } from '../ir/index.js';
import type { HostBlob } from './host_layer.js';

/** A blob of zeros. */
export function hostBlob(shape: Shape): HostBlob {
  return {
    shape: [...shape],
    data: new Float32Array(sizeOf(shape)),
    diff: new Float32Array(sizeOf(shape)),
    reshape(...next) {
      if (next.some(d => !Number.isSafeInteger(d) || d < 0))
        throw new Error(`reshape(${next.join(', ')}): a blob's axes are whole numbers from 0 on`);
      if (sizeOf(next) !== this.data.length) {
        this.data = new Float32Array(sizeOf(next));
        this.diff = new Float32Array(sizeOf(next));
      }
      this.shape = next;
    },
  };
}

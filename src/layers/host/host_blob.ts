/** The blobs that a Python layer's user code sees. */

import { type Shape, sizeOf } from '../../ir/index.js';
import type { HostBlob, HostBlobs } from './host_layer.js';

class ArrayBlob implements HostBlob {
  private gradient: Float32Array | undefined;

  constructor(
    public shape: Shape,
    public data: Float32Array,
  ) {}

  /** Made when first read: a metric's is never. */
  get diff(): Float32Array {
    return (this.gradient ??= new Float32Array(sizeOf(this.shape)));
  }

  set diff(values: Float32Array) {
    this.gradient = values;
  }

  get count(): number {
    return sizeOf(this.shape);
  }

  get num_axes(): number {
    return this.shape.length;
  }

  get num(): number {
    return this.shape[0] ?? 1;
  }

  get channels(): number {
    return this.shape[1] ?? 1;
  }

  get height(): number {
    return this.shape[2] ?? 1;
  }

  get width(): number {
    return this.shape[3] ?? 1;
  }

  reshape(...next: number[]): void {
    if (next.some(d => !Number.isSafeInteger(d) || d < 0))
      throw new Error(`reshape(${next.join(', ')}): a blob's axes are whole numbers from 0 on`);
    if (sizeOf(next) !== this.data.length) {
      this.data = new Float32Array(sizeOf(next));
      this.gradient = undefined;
    }
    this.shape = next;
  }
}

/** A blob that takes over `data`; of zeros where none is given. */
export function hostBlob(shape: Shape, data: Float32Array = new Float32Array(sizeOf(shape))): HostBlob {
  return new ArrayBlob([...shape], data);
}

class BlobList extends Array<HostBlob> implements HostBlobs {
  /** `map` and its like give plain arrays. */
  static override get [Symbol.species]() {
    return Array;
  }

  add_blob(...shape: number[]): HostBlob {
    const blob = hostBlob([]);
    blob.reshape(...shape);
    this.push(blob);
    return blob;
  }
}

/** A layer's own parameters, none yet. */
export function hostBlobs(): HostBlobs {
  return new BlobList();
}

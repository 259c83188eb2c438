/** A Python layer's user code as Mokapot sees it: Caffe's four methods on blobs, in TypeScript or JavaScript. */

import type { Shape } from '../ir/types.js';
import type { Phase } from './types.js';

/** Caffe's blob: `data` and `diff` have the product of `shape` as length; `reshape` sizes both anew. */
export interface HostBlob {
  shape: Shape;
  data: Float32Array;
  diff: Float32Array;
  reshape(...shape: number[]): void;
}

/** What user code extends or implements. `this.param_str` and `this.phase` are set before `setup`. */
export interface HostLayer {
  param_str: string;
  phase: Phase;
  setup(bottom: readonly HostBlob[], top: readonly HostBlob[]): void;
  reshape(bottom: readonly HostBlob[], top: readonly HostBlob[]): void;
  forward(bottom: readonly HostBlob[], top: readonly HostBlob[]): void | Promise<void>;
  /** Fills bottom[i].diff where propagateDown[i]; absent or never called for a metric. */
  backward?(
    top: readonly HostBlob[],
    propagateDown: readonly boolean[],
    bottom: readonly HostBlob[],
  ): void | Promise<void>;
}

export type HostLayerClass = new () => HostLayer;

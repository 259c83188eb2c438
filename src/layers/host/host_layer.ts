/**
 * A Python layer's user code as Mokapot sees it: Caffe's four methods on blobs. In TypeScript or JavaScript it is a plain
 * class; a Python file is one behind the same interface, with its process at the other end.
 */

import type { Builder } from '../../ir/builder.js';
import type { Shape, Value } from '../../ir/types.js';
import type { Phase } from '../types.js';

/** Caffe's blob: `data` and `diff` have the product of `shape` as length; `reshape` sizes both anew. */
export interface HostBlob {
  /** Its axes. */
  shape: Shape;
  /** Its numbers, row-major: written by the layer that makes it. */
  data: Float32Array;
  /** Its gradient, row-major: read by the layer that makes it, written by those that read it. */
  diff: Float32Array;
  /** Product of the axes. */
  readonly count: number;
  /** How many axes it has. */
  readonly num_axes: number;
  /** The first four axes by their old names; 1 where there is none. */
  readonly num: number;
  /** The second axis. */
  readonly channels: number;
  /** The third axis. */
  readonly height: number;
  /** The fourth axis. */
  readonly width: number;
  /** Gives it a shape, and zeros. */
  reshape(...shape: number[]): void;
}

/** A layer's own parameters: added in `setup` as zeros, which `setup` may fill. */
export interface HostBlobs extends ReadonlyArray<HostBlob> {
  /** Adds a parameter of this shape, filled with zeros, and returns it. */
  add_blob(...shape: number[]): HostBlob;
}

/**
 * What user code extends or implements. `param_str`, `phase` and `blobs` are set before `setup`. Every method may be
 * asynchronous; no two of one object run at a time.
 */
export interface HostLayer {
  /** The `param_str` of its `python_param`. */
  param_str: string;
  /** The net's phase. */
  phase: Phase;
  /** Trained by the solver as `param { lr_mult … }` says, saved with the weights; gradients are added to `blobs[i].diff`. */
  blobs?: HostBlobs;
  /** Once. The bottoms have their shapes and zeros. */
  setup?(bottom: readonly HostBlob[], top: readonly HostBlob[]): void | Promise<void>;
  /** After `setup`, and before every `forward`: gives the tops their shapes. */
  reshape(bottom: readonly HostBlob[], top: readonly HostBlob[]): void | Promise<void>;
  /** Fills top[i].data. Not called, and not needed, where there is `lower`. */
  forward?(bottom: readonly HostBlob[], top: readonly HostBlob[]): void | Promise<void>;
  /** Fills bottom[i].diff where propagateDown[i]; absent for a metric. */
  backward?(
    top: readonly HostBlob[],
    propagateDown: readonly boolean[],
    bottom: readonly HostBlob[],
  ): void | Promise<void>;
  /**
   * The forward as part of the graph, instead of `forward` and `backward`: one value for each top, of the shapes that
   * `reshape` gives. It runs on the engine, and its gradient follows from it. Called once for each set of shapes.
   */
  lower?(b: Builder, bottom: readonly Value[], blobs: readonly Value[]): readonly Value[];
}

/** The class of such a layer; each net makes an instance a layer. */
export type HostLayerClass = new () => HostLayer;

/** User code failed, told by what runs it for us: becomes a diagnostic that names the layer. */
export class HostFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly more: { readonly hint?: string | undefined; readonly trace?: string | undefined } = {},
  ) {
    super(message);
  }
}

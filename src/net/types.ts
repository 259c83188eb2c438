/**
 * The layer graph: a NetParameter for one phase, its rules applied, splits inserted, shapes inferred. Plain data; knows
 * how layers connect and nothing of numbers.
 */

import type { Diagnostic } from '../diagnostics/index.js';
import type { Shape } from '../ir/types.js';
import type { HostLayer } from '../layers/host_layer.js';
import type { LayerContext, LayerType, ParamDeclaration, Phase } from '../layers/types.js';
import type { LayerParameter, NetParameter } from '../schema/caffe.js';

export interface NetOptions {
  readonly phase: Phase;
  readonly stages?: readonly string[];
  readonly level?: number;
  /** Shapes that override those of Input layers and of data tops, whole (batch axis too), by blob name. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /**
   * Shapes of one entry of the data set in use, by top name (`data` [C, H, W], `label` [1, H, W] or []), for Data layers;
   * the batch axis comes from the layer's batch_size.
   */
  readonly entryShapes?: Readonly<Record<string, Shape>>;
  /** Makes the user code of a Python layer; undefined where it is not known. */
  readonly hostLayer?: (module: string, layer: string) => HostLayer | undefined;
}

/** One version of a blob: an in-place layer makes a new version under the old name. */
export interface BlobVersion {
  readonly id: number;
  readonly name: string;
  readonly shape: Shape;
  /** Index of the layer that makes it. */
  readonly producer: number;
}

/** A parameter blob; layers that share it hold the same `index`. */
export interface NetParam {
  readonly index: number;
  /** `conv1/0`: owner layer and position. The name of its engine variable. */
  readonly key: string;
  /** `param { name }`, or empty. */
  readonly name: string;
  readonly layer: string;
  readonly position: number;
  readonly declaration: ParamDeclaration;
  readonly shape: Shape;
  readonly lrMult: number;
  readonly decayMult: number;
}

export interface NetLayer {
  readonly index: number;
  readonly name: string;
  readonly type: LayerType;
  /** As it would stand in Caffe's own net (splits inserted, tops made up for losses). */
  readonly param: LayerParameter;
  readonly context: LayerContext;
  readonly bottoms: readonly BlobVersion[];
  readonly tops: readonly BlobVersion[];
  /** Its parameters, indices into NetGraph.params (a shared one is its owner's). */
  readonly params: readonly number[];
  /** The same with the shape this layer declares: differs from the owner's under share_mode PERMISSIVE. */
  readonly paramShapes: readonly Shape[];
  /** One per top; 0 where the top is no loss. */
  readonly lossWeights: readonly number[];
  /** Whether a gradient is computed for each bottom (Caffe's bottom_need_backward). */
  readonly propagateDown: readonly boolean[];
  readonly needsBackward: boolean;
  readonly macs: number;
}

export interface NetGraph {
  readonly name: string;
  readonly phase: Phase;
  readonly source: NetParameter;
  readonly layers: readonly NetLayer[];
  /** By name, its last version. */
  readonly blobs: ReadonlyMap<string, BlobVersion>;
  /** Tops of Input layers and data layers: what is fed. */
  readonly inputs: readonly string[];
  /** Tops that no layer reads. */
  readonly outputs: readonly string[];
  readonly params: readonly NetParam[];
  readonly diagnostics: readonly Diagnostic[];
}

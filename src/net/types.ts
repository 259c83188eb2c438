/**
 * The layer graph: a NetParameter for one phase, its rules applied, splits inserted, shapes inferred. Plain data; knows
 * how layers connect and nothing of numbers.
 */

import type { Diagnostic } from '../diagnostics/index.js';
import type { Shape } from '../ir/types.js';
import type { HostLayer } from '../layers/host/host_layer.js';
import type { LayerCatalogue } from '../layers/layer_catalogue.js';
import type { LayerContext, LayerType, ParamDeclaration, Phase } from '../layers/types.js';
import type { LayerParameter, NetParameter } from '../schema/generated/caffe.js';

/** The state a net is compiled in, and shapes that its text does not say. */
export interface NetOptions {
  /** Default: what the net's own `state { }` says, else TEST. */
  readonly phase?: Phase;
  /** Active names, which rules ask for. Default: what the net's own `state { }` says. */
  readonly stages?: readonly string[];
  /** A number that rules compare with min_level and max_level. Default: what the net's own `state { }` says, else 0. */
  readonly level?: number;
  /** The layers that the net may have. Default: those of `defaultCatalogue()`, with what was registered. */
  readonly catalogue?: LayerCatalogue | undefined;
  /** Shapes that override those of Input layers and of data tops, whole (batch axis too), by blob name. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /**
   * Shapes of one entry of the data set in use, by top name (`data` [C, H, W], `label` [1, H, W] or []), for Data layers;
   * the batch axis comes from the layer's batch_size.
   */
  readonly entryShapes?: Readonly<Record<string, Shape>>;
  /** Whether errors say how shapes came about and what would make them fit, which takes many set-ups. Default: they do. */
  readonly traceShapes?: boolean;
  /** Reads a file that a layer names and that holds one blob (InfogainLoss's `source`). Default: such files stay unread. */
  readonly readBlob?: LayerContext['readBlob'];
  /** Shapes of the tops that depend on numbers (LayerType.settle), by layer name. Default: the greatest there can be. */
  readonly settledTops?: ReadonlyMap<string, readonly Shape[]>;
  /** Shapes of the tops that user code made for the run at hand, by the name of a layer without bottoms. */
  readonly madeTops?: ReadonlyMap<string, readonly Shape[]>;
  /** Makes the user code of a Python layer; where it knows none, the catalogue's classes are asked. */
  readonly hostLayer?: (module: string, layer: string, name: string) => HostLayer | undefined;
}

/** One version of a blob: an in-place layer makes a new version under the old name. */
export interface BlobVersion {
  /** Its number in the graph. */
  readonly id: number;
  /** As in the text. */
  readonly name: string;
  /** Whole, with the batch axis. */
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
  /** The layer that owns it. */
  readonly layer: string;
  /** 0: weights, 1: bias. */
  readonly position: number;
  /** Its shape and filler as the layer declares them. */
  readonly declaration: ParamDeclaration;
  /** In Caffe's layout. */
  readonly shape: Shape;
  /** Factor of the learning rate. */
  readonly lrMult: number;
  /** Factor of the weight decay. */
  readonly decayMult: number;
}

/** A layer with its connections, shapes and parameters settled. */
export interface NetLayer {
  /** Its place in the order of running. */
  readonly index: number;
  /** As in the text. */
  readonly name: string;
  /** What it is. */
  readonly type: LayerType;
  /** As it would stand in Caffe's own net (splits inserted, tops made up for losses). */
  readonly param: LayerParameter;
  /** What its type may know of it. */
  readonly context: LayerContext;
  /** What it reads. */
  readonly bottoms: readonly BlobVersion[];
  /** What it makes. */
  readonly tops: readonly BlobVersion[];
  /** Its parameters, indices into NetGraph.params (a shared one is its owner's). */
  readonly params: readonly number[];
  /** The same with the shape this layer declares: differs from the owner's under share_mode PERMISSIVE. */
  readonly paramShapes: readonly Shape[];
  /** One per top; 0 where the top is no loss. */
  readonly lossWeights: readonly number[];
  /** Whether Caffe computes a gradient for each bottom (its bottom_need_backward). */
  readonly propagateDown: readonly boolean[];
  /** Bottoms that no gradient may pass, whoever asks: labels, and `propagate_down: false` without force_backward. */
  readonly blocked: readonly boolean[];
  /** Whether a backward pass goes through it. */
  readonly needsBackward: boolean;
  /** Multiply-adds of one forward. */
  readonly macs: number;
  /** The layer of the text it stands for; undefined for a Split or an Input that the compiler put in. */
  readonly source: LayerParameter | undefined;
}

/** A layer before it is known where gradients flow. */
export type SetUpLayer = Omit<NetLayer, 'propagateDown' | 'blocked' | 'needsBackward'>;

/** A blob that is fed. */
export interface Feed {
  /** Its name. */
  readonly blob: string;
  /** Index of the layer that feeds it: its batch_size and transform_param apply. */
  readonly layer: number;
}

/** A net for one phase: rules applied, splits inserted, shapes known. */
export interface NetGraph {
  /** The network's name; empty where it has none. */
  readonly name: string;
  /** The phase it was compiled for. */
  readonly phase: Phase;
  /** The message it was made from, of today's form. */
  readonly source: NetParameter;
  /** What it was compiled with. */
  readonly catalogue: LayerCatalogue;
  /** In the order of running. */
  readonly layers: readonly NetLayer[];
  /** By name, its last version. */
  readonly blobs: ReadonlyMap<string, BlobVersion>;
  /** Tops of Input layers and data layers: what is fed. */
  readonly inputs: readonly string[];
  /** The same, with the layers whose tops they are. */
  readonly feeds: readonly Feed[];
  /** Tops that no layer reads, sorted by name as in Caffe. */
  readonly outputs: readonly string[];
  /** Each once, also where layers share it. */
  readonly params: readonly NetParam[];
  /** `force_backward`: gradients of all blobs are wanted, the inputs' too. */
  readonly forceBackward: boolean;
  /** Notes and warnings found while compiling. */
  readonly diagnostics: readonly Diagnostic[];
}

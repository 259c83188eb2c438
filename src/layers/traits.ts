/**
 * What is known of a layer type besides its shapes and its lowering: where its places lie, whether it may run in place, what
 * its parameters are, what it reads, how people are told of it. Checks, pictures, training and conversion ask here and know
 * no type by name, so that a registered layer is treated as a built-in one is. All of it is optional.
 */

import type { Shape } from '../ir/types.js';
import type { LayerParameter } from '../schema/generated/caffe.js';
import type { CoordMap } from './geometry/coord_map.js';
import type { LayerContext } from './types.js';

/** The kinds of layers that pictures tell apart by colour. */
export type LayerCategory =
  | 'data'
  | 'convolution'
  | 'deconvolution'
  | 'product'
  | 'pooling'
  | 'activation'
  | 'normalisation'
  | 'arrangement'
  | 'loss'
  | 'measure'
  | 'other';

/** A field of LayerParameter that holds a message: `convolution_param`, or one of a fork's. */
export type ParamField = `${string}_param`;

/** Of a layer that multiplies by its first parameter and adds its second, a bias, if it has one. */
export interface WeightsTrait {
  /**
   * `filter`: [outputs, inputs / group, …kernel], laid on places. `matrix`: [outputs, inputs]. `table`: [words, outputs],
   * a row is looked up by number.
   */
  readonly kind: 'filter' | 'matrix' | 'table';
  /** The message with num_output, bias_term, weight_filler and, of a filter, group; named as Caffe's. */
  readonly field: ParamField;
  /** A filter that stamps each input onto many outputs: [inputs, outputs / group, …kernel]. */
  readonly spreads?: boolean;
  /** The number of groups, given the shape of its first parameter. Default: 1. */
  group?(param: LayerParameter, shape: Shape): number;
  /** Whether the matrix is [inputs, outputs]. Default: no. */
  transposed?(param: LayerParameter): boolean;
}

/** y = factor · x + shift, with one of each for every channel (axis 1). */
export interface ChannelAffine {
  /** One a channel. */
  readonly factor: Float64Array;
  /** One a channel. */
  readonly shift: Float64Array;
}

/** Of a layer whose second bottom holds class numbers, one for each place of the scores in its first. */
export interface ClassLabels {
  /** The axis of the scores along which the classes lie; negative ones count from the end. */
  axis(param: LayerParameter): number;
  /** The message in which `ignore_label` names the label that counts nowhere. Absent: there is no such label. */
  readonly ignoreIn?: 'loss_param' | 'accuracy_param';
  /** Whether loss_param.class_weighting says what each class counts for. */
  readonly weighs?: boolean;
}

/** Of a loss that applies a function to its scores itself. */
export interface AppliedActivation {
  /** The function. */
  readonly activation: 'softmax' | 'sigmoid';
  /** The layer type that computes the function alone: what stands in the loss's place where the net is used. */
  readonly layer: string;
  /** The message of the function's parameters, which that layer takes over. */
  readonly field?: ParamField;
  /** The loss for scores to which the function has been applied already. */
  readonly without?: string;
}

/** Where a source that reads files has its entries from. */
export interface DataTrait {
  /** `lmdb`: a database; `images`, `hdf5`: what a text lists; `windows`: R-CNN's window file. */
  readonly format: 'lmdb' | 'images' | 'hdf5' | 'windows';
  /** The message whose `source` names it and whose `batch_size` says how many entries make a batch. */
  readonly field: 'data_param' | 'image_data_param' | 'hdf5_data_param' | 'window_data_param';
  /** Without a `source` it reads the data set in use. */
  readonly readsDataset?: boolean;
}

/** What is known of a layer type besides its shapes and its lowering; all of it is optional. */
export interface LayerTraits<Bottoms extends number = number> {
  // For people

  /** Default: `data` without bottoms, `loss` of a loss, else `other`. */
  readonly category?: LayerCategory;
  /** What tells a layer from others of its type, in a word or two: `3×3, 64, stride 2`. */
  detail?(param: LayerParameter): string;
  /** How the shape of the first top comes about, with the layer's own numbers: `(256 + 2·100 − 11) / 4 + 1 = 112`. */
  explainShape?(ctx: LayerContext<Bottoms>, top: Shape): string;
  /** Its tops are results: nothing has to read them. */
  readonly endsNet?: boolean;

  // Places

  /**
   * Where the places of the first bottom lie in the first top; undefined where that is no matter of places. Absent: they stay
   * where they are if the layer is elementwise (found out from `lower`), else nothing is known.
   */
  coordMap?(ctx: LayerContext<Bottoms>): CoordMap | undefined;
  /**
   * How far from its own place, in places of the first bottom along each spatial axis, that reaches of which a place of the
   * first top is made: (kernel − 1) / 2 of a window. Undefined where it is all of the bottom. Absent: 0 if the layer is
   * elementwise, else it is not known.
   */
  reach?(ctx: LayerContext<Bottoms>): readonly number[] | undefined;
  /** It cuts its first bottom to the second's size, as the `axis` and `offset` of this message say (CropParameter's). */
  readonly cropsBy?: ParamField;
  /** It pools windows that this message places (PoolingParameter's fields). */
  readonly poolsBy?: ParamField;

  // Caffe's memory

  /**
   * Whether a top may have a bottom's name: true, or the reason against it, as words that follow "which it". Absent: true if
   * the layer is elementwise (found out from `lower`), else nothing is known and nothing is reported.
   */
  readonly inPlace?: true | string;
  /** In Caffe its gradient is computed from its own top, which no layer behind it may write over. */
  readonly gradientReadsTop?: boolean;
  /** Its tops are its bottom under other names. */
  readonly copies?: boolean;

  // What is trained

  /** What its first two parameters are, if it multiplies by one and adds the other. */
  readonly weights?: WeightsTrait;
  /** What it does to each channel where that is y = factor · x + shift; undefined where it is not. */
  channelAffine?(ctx: LayerContext<Bottoms>, blobs: readonly Float32Array[]): ChannelAffine | undefined;
  /**
   * The field by which it normalises, while it is trained, by statistics that it starts with at 0 and never gathers;
   * undefined where it gathers them. Absent: it keeps none.
   */
  fixedStatistics?(param: LayerParameter): `${ParamField}.${string}` | undefined;
  /**
   * Where it keeps statistics as a moving average: the share that stays at each iteration, and its field; undefined where it is
   * given them. Absent: it keeps none.
   */
  keptStatistics?(
    param: LayerParameter,
  ): { readonly field: `${ParamField}.${string}`; readonly fraction: number } | undefined;
  /** Whether all its tops are 0 where these bottoms are 0 everywhere. Absent: no. */
  zeroTops?(ctx: LayerContext<Bottoms>, zero: readonly boolean[]): boolean;
  /** No gradient flows through it where its bottom is 0. */
  blocksAtZero?(ctx: LayerContext<Bottoms>): boolean;
  /** It acts in phase TRAIN and hands its bottom through in TEST. */
  readonly trainOnly?: boolean;

  // Scores and labels

  /** The function that it computes, where a check or an exporter knows it. */
  readonly activation?: 'relu' | 'softmax' | 'sigmoid';
  /** Of a loss that computes probabilities of its scores itself. */
  readonly applies?: AppliedActivation;
  /** Whether its top holds, for each place, the number of the channel that is greatest there. */
  numbersChannels?(param: LayerParameter): boolean;
  /** Of a layer that compares scores with class numbers. */
  readonly classLabels?: ClassLabels;
  /** It compares its first two bottoms number by number. */
  readonly comparesElements?: boolean;
  /** Of a loss: how many of its first bottoms the net computes; the others are labels. Default 1. */
  readonly predictions?: number;
  /** Of a loss: over how many numbers it adds up where a mean would divide by their count; 1 where it is a mean. */
  addedUp?(ctx: LayerContext<Bottoms>): number;

  // Where numbers and code come from

  /** Of a source: `caller` (default), `fillers` at every run, `arrays` handed over once, `data` as `reads` says. */
  readonly fedBy?: 'caller' | 'fillers' | 'arrays' | 'data';
  /** Of a source that reads files: which, and by which of its fields. */
  readonly reads?: DataTrait;
  /** Its code is the class that python_param names. */
  readonly userCode?: boolean;
}

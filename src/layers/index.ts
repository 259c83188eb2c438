/**
 * The layers Mokapot has, in the order of Caffe's catalogue. Adding one touches its own file and this list; a project of
 * one's own adds one with `registerLayer`, or makes a LayerCatalogue for the nets that are to have it.
 */

import { absval } from './catalogue/absval.js';
import { accuracy } from './catalogue/accuracy.js';
import { argmax } from './catalogue/argmax.js';
import { axpy } from './catalogue/axpy.js';
import { batchNorm } from './catalogue/batch_norm.js';
import { batchReindex } from './catalogue/batch_reindex.js';
import { bias } from './catalogue/bias.js';
import { bn } from './catalogue/bn.js';
import { bnll } from './catalogue/bnll.js';
import { boxAnnotatorOHEM } from './catalogue/box_annotator_ohem.js';
import { clip } from './catalogue/clip.js';
import { concat } from './catalogue/concat.js';
import { contrastiveLoss } from './catalogue/contrastive_loss.js';
import { convolution } from './catalogue/convolution.js';
import { convolutionDepthwise } from './catalogue/convolution_depthwise.js';
import { crop } from './catalogue/crop.js';
import { ctcGreedyDecoder } from './catalogue/ctc_greedy_decoder.js';
import { ctcLoss } from './catalogue/ctc_loss.js';
import { data } from './catalogue/data.js';
import { deconvolution } from './catalogue/deconvolution.js';
import { depthwiseConvolution } from './catalogue/depthwise_convolution.js';
import { detectionOutput } from './catalogue/detection_output.js';
import { dropout } from './catalogue/dropout.js';
import { dummyData } from './catalogue/dummy_data.js';
import { eltwise } from './catalogue/eltwise.js';
import { elu } from './catalogue/elu.js';
import { embed } from './catalogue/embed.js';
import { euclideanLoss } from './catalogue/euclidean_loss.js';
import { exp } from './catalogue/exp.js';
import { filter } from './catalogue/filter.js';
import { flatten } from './catalogue/flatten.js';
import { hdf5Data } from './catalogue/hdf5_data.js';
import { hdf5Output } from './catalogue/hdf5_output.js';
import { hingeLoss } from './catalogue/hinge_loss.js';
import { im2col } from './catalogue/im2col.js';
import { imageData } from './catalogue/image_data.js';
import { infogainLoss } from './catalogue/infogain_loss.js';
import { innerProduct } from './catalogue/inner_product.js';
import { input } from './catalogue/input.js';
import { interp } from './catalogue/interp.js';
import { l1Loss } from './catalogue/l1_loss.js';
import { log } from './catalogue/log.js';
import { lrn } from './catalogue/lrn.js';
import { lstm } from './catalogue/lstm.js';
import { lstmUnit } from './catalogue/lstm_unit.js';
import { memoryData } from './catalogue/memory_data.js';
import { mish } from './catalogue/mish.js';
import { multiBoxLoss } from './catalogue/multibox_loss.js';
import { multinomialLogisticLoss } from './catalogue/multinomial_logistic_loss.js';
import { mvn } from './catalogue/mvn.js';
import { normalize } from './catalogue/normalize.js';
import { parameter } from './catalogue/parameter.js';
import { permute } from './catalogue/permute.js';
import { pooling } from './catalogue/pooling.js';
import { power } from './catalogue/power.js';
import { prelu } from './catalogue/prelu.js';
import { priorBox } from './catalogue/prior_box.js';
import { proposal } from './catalogue/proposal.js';
import { psroiPooling } from './catalogue/psroi_pooling.js';
import { python } from './catalogue/python.js';
import { reduction } from './catalogue/reduction.js';
import { relu } from './catalogue/relu.js';
import { relu6 } from './catalogue/relu6.js';
import { reorg } from './catalogue/reorg.js';
import { reshape } from './catalogue/reshape.js';
import { reverse } from './catalogue/reverse.js';
import { rnn } from './catalogue/rnn.js';
import { roiAlign } from './catalogue/roi_align.js';
import { roiPooling } from './catalogue/roi_pooling.js';
import { scale } from './catalogue/scale.js';
import { shuffleChannel } from './catalogue/shuffle_channel.js';
import { sigmoid } from './catalogue/sigmoid.js';
import { sigmoidCrossEntropyLoss } from './catalogue/sigmoid_cross_entropy_loss.js';
import { silence } from './catalogue/silence.js';
import { slice } from './catalogue/slice.js';
import { smoothL1Loss } from './catalogue/smooth_l1_loss.js';
import { smoothL1LossOHEM } from './catalogue/smooth_l1_loss_ohem.js';
import { softmax } from './catalogue/softmax.js';
import { softmaxWithLoss } from './catalogue/softmax_with_loss.js';
import { softmaxWithLossOHEM } from './catalogue/softmax_with_loss_ohem.js';
import { split } from './catalogue/split.js';
import { spp } from './catalogue/spp.js';
import { swish } from './catalogue/swish.js';
import { tanh } from './catalogue/tanh.js';
import { threshold } from './catalogue/threshold.js';
import { tile } from './catalogue/tile.js';
import { transpose } from './catalogue/transpose.js';
import { tripletLoss } from './catalogue/triplet_loss.js';
import { upsample } from './catalogue/upsample.js';
import { windowData } from './catalogue/window_data.js';
import { yolov3DetectionOutput } from './catalogue/yolov3_detection_output.js';
import type { HostLayerClass } from './host/host_layer.js';
import { LayerCatalogue } from './layer_catalogue.js';
import type { LayerType } from './types.js';

const CATALOGUE: readonly LayerType[] = [
  // Sources
  input,
  data,
  imageData,
  hdf5Data,
  windowData,
  memoryData,
  dummyData,

  // Learned
  convolution,
  deconvolution,
  innerProduct,
  embed,
  scale,
  bias,
  prelu,
  parameter,

  // Recurrent
  rnn,
  lstm,
  lstmUnit,

  // Windows and neighbourhoods
  pooling,
  spp,
  im2col,
  lrn,
  mvn,
  batchNorm,

  // Elementwise
  relu,
  elu,
  sigmoid,
  tanh,
  swish,
  bnll,
  absval,
  power,
  exp,
  log,
  clip,
  threshold,
  dropout,
  eltwise,

  // Shape
  concat,
  slice,
  split,
  tile,
  batchReindex,
  filter,
  crop,
  flatten,
  reshape,
  reduction,
  silence,
  hdf5Output,

  // Shares, losses, metrics
  softmax,
  softmaxWithLoss,
  sigmoidCrossEntropyLoss,
  multinomialLogisticLoss,
  infogainLoss,
  euclideanLoss,
  hingeLoss,
  contrastiveLoss,
  accuracy,
  argmax,

  // User code
  python,

  // Of forks: NVCaffe, R-CNN, R-FCN, SSD, DeepLab, SegNet, MobileNet, ShuffleNet, SENet, YOLO, CTC
  l1Loss,
  smoothL1Loss,
  roiPooling,
  roiAlign,
  psroiPooling,
  proposal,
  smoothL1LossOHEM,
  softmaxWithLossOHEM,
  boxAnnotatorOHEM,
  permute,
  normalize,
  priorBox,
  detectionOutput,
  multiBoxLoss,
  interp,
  upsample,
  bn,
  depthwiseConvolution,
  convolutionDepthwise,
  relu6,
  mish,
  shuffleChannel,
  axpy,
  reorg,
  yolov3DetectionOutput,
  transpose,
  reverse,
  ctcLoss,
  ctcGreedyDecoder,
  tripletLoss,
];

let current = new LayerCatalogue(CATALOGUE);

/** The catalogue of nets whose options name none: what Mokapot has, and what `registerLayer` and `registerPythonLayer` add. */
export function defaultCatalogue(): LayerCatalogue {
  return current;
}

/** The layer types of the default catalogue by Caffe's name. */
export let layerTypes: ReadonlyMap<string, LayerType> = current.types;

function setDefault(catalogue: LayerCatalogue): void {
  current = catalogue;
  layerTypes = catalogue.types;
}

/**
 * Adds a layer type to the default catalogue, for every net compiled from now on whose options name no other.
 *
 * @throws MokapotError `layer-type-taken` where the name is taken
 */
export function registerLayer(type: LayerType): void {
  setDefault(current.with(type));
}

/**
 * Makes `python_param { module: "…" layer: "…" }` mean this class, in the default catalogue. It comes before any file and
 * before what ships with Mokapot. Registering a name anew replaces it, as importing a module again would.
 */
export function registerPythonLayer(module: string, layer: string, layerClass: HostLayerClass): void {
  setDefault(current.withPythonLayer(module, layer, layerClass));
}

const BUILT_IN: ReadonlySet<LayerType> = new Set([input, split, ...CATALOGUE]);

/** Whether Mokapot has the type itself, other than one of the user's that may read fields of its own. */
export const isBuiltIn = (type: LayerType): boolean => BUILT_IN.has(type);

/** What the compiler puts in: an Input where the caller alone names one, a Split where several layers read one blob. */
export const INPUT: LayerType = input;
export const SPLIT: LayerType = split;
/** The type of layers whose code is a class of the user's. */
export const PYTHON: LayerType = python;

export { dummyFillers } from './catalogue/dummy_data.js';
export { type HostBlob, type HostBlobs, HostFailure, type HostLayer, type HostLayerClass } from './host/host_layer.js';
export { builtInPythonLayers, hostLayerFor } from './host/host_registry.js';
export { ShapesPending, settled, TopsChanged } from './host/pending.js';
export { LayerCatalogue } from './layer_catalogue.js';
export { paramAt } from './param_at.js';
export {
  type DiceLossOptions,
  dice,
  diceLoss,
  type FocalLossOptions,
  focalLoss,
  type GeneralizedDiceOptions,
  generalizedDice,
  iou,
  type LabelOptions,
} from './python/index.js';
export { multiplies } from './rules/families.js';
export { type Neuron, neuron } from './rules/neuron.js';
export type * from './traits.js';
export type * from './types.js';

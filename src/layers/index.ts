/**
 * The layers Mokapot has, in the order of Caffe's catalogue. Adding one touches its own file and this list; a project of
 * one's own adds one with `registerLayer`.
 */

import { fail } from '../diagnostics/index.js';
import { absval } from './absval.js';
import { accuracy } from './accuracy.js';
import { argmax } from './argmax.js';
import { axpy } from './axpy.js';
import { batchNorm } from './batch_norm.js';
import { batchReindex } from './batch_reindex.js';
import { bias } from './bias.js';
import { bn } from './bn.js';
import { bnll } from './bnll.js';
import { clip } from './clip.js';
import { concat } from './concat.js';
import { contrastiveLoss } from './contrastive_loss.js';
import { convolution } from './convolution.js';
import { crop } from './crop.js';
import { data } from './data.js';
import { deconvolution } from './deconvolution.js';
import { depthwiseConvolution } from './depthwise_convolution.js';
import { detectionOutput } from './detection_output.js';
import { dropout } from './dropout.js';
import { dummyData } from './dummy_data.js';
import { eltwise } from './eltwise.js';
import { elu } from './elu.js';
import { embed } from './embed.js';
import { euclideanLoss } from './euclidean_loss.js';
import { exp } from './exp.js';
import { filter } from './filter.js';
import { flatten } from './flatten.js';
import { hdf5Data } from './hdf5_data.js';
import { hdf5Output } from './hdf5_output.js';
import { hingeLoss } from './hinge_loss.js';
import { im2col } from './im2col.js';
import { imageData } from './image_data.js';
import { infogainLoss } from './infogain_loss.js';
import { innerProduct } from './inner_product.js';
import { input } from './input.js';
import { interp } from './interp.js';
import { l1Loss } from './l1_loss.js';
import { log } from './log.js';
import { lrn } from './lrn.js';
import { lstm } from './lstm.js';
import { lstmUnit } from './lstm_unit.js';
import { memoryData } from './memory_data.js';
import { multiBoxLoss } from './multibox_loss.js';
import { multinomialLogisticLoss } from './multinomial_logistic_loss.js';
import { mvn } from './mvn.js';
import { normalize } from './normalize.js';
import { parameter } from './parameter.js';
import { permute } from './permute.js';
import { pooling } from './pooling.js';
import { power } from './power.js';
import { prelu } from './prelu.js';
import { priorBox } from './prior_box.js';
import { python } from './python.js';
import { reduction } from './reduction.js';
import { relu } from './relu.js';
import { relu6 } from './relu6.js';
import { reshape } from './reshape.js';
import { rnn } from './rnn.js';
import { roiPooling } from './roi_pooling.js';
import { scale } from './scale.js';
import { shuffleChannel } from './shuffle_channel.js';
import { sigmoid } from './sigmoid.js';
import { sigmoidCrossEntropyLoss } from './sigmoid_cross_entropy_loss.js';
import { silence } from './silence.js';
import { slice } from './slice.js';
import { smoothL1Loss } from './smooth_l1_loss.js';
import { softmax } from './softmax.js';
import { softmaxWithLoss } from './softmax_with_loss.js';
import { split } from './split.js';
import { spp } from './spp.js';
import { swish } from './swish.js';
import { tanh } from './tanh.js';
import { threshold } from './threshold.js';
import { tile } from './tile.js';
import type { LayerType } from './types.js';
import { upsample } from './upsample.js';
import { windowData } from './window_data.js';

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

  // Of forks: NVCaffe, R-CNN, SSD, DeepLab, SegNet, MobileNet, ShuffleNet, SENet
  l1Loss,
  smoothL1Loss,
  roiPooling,
  permute,
  normalize,
  priorBox,
  detectionOutput,
  multiBoxLoss,
  interp,
  upsample,
  bn,
  depthwiseConvolution,
  relu6,
  shuffleChannel,
  axpy,
];

const types = new Map(CATALOGUE.map(type => [type.type, type]));

/** Every known layer type by Caffe's name. */
export const layerTypes: ReadonlyMap<string, LayerType> = types;

/** Makes a layer type known to every net compiled from now on. Throws where the name is taken. */
export function registerLayer(type: LayerType): void {
  if (types.has(type.type)) {
    throw fail('layer-type-taken', `A layer type "${type.type}" is registered already.`, {
      hint: 'Give yours another name: the nets that use the existing one rely on it.',
    });
  }
  types.set(type.type, type);
}

export { dummyFillers } from './dummy_data.js';
export { type HostBlob, type HostBlobs, HostFailure, type HostLayer, type HostLayerClass } from './host_layer.js';
export { builtInPythonLayers, hostLayerFor, registeredLayer, registerPythonLayer } from './host_registry.js';
export { ShapesPending, settled } from './pending.js';
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
export type * from './types.js';

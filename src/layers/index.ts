/**
 * The layers Mokapot has, in the order of Caffe's catalogue. Adding one touches its own file and this list; a project of
 * one's own adds one with `registerLayer`.
 */

import { fail } from '../diagnostics/index.js';
import { accuracy } from './accuracy.js';
import { bias } from './bias.js';
import { concat } from './concat.js';
import { convolution } from './convolution.js';
import { crop } from './crop.js';
import { data } from './data.js';
import { deconvolution } from './deconvolution.js';
import { dropout } from './dropout.js';
import { dummyData } from './dummy_data.js';
import { eltwise } from './eltwise.js';
import { flatten } from './flatten.js';
import { innerProduct } from './inner_product.js';
import { input } from './input.js';
import { lrn } from './lrn.js';
import { pooling } from './pooling.js';
import { power } from './power.js';
import { python } from './python.js';
import { relu } from './relu.js';
import { reshape } from './reshape.js';
import { scale } from './scale.js';
import { silence } from './silence.js';
import { slice } from './slice.js';
import { softmax } from './softmax.js';
import { softmaxWithLoss } from './softmax_with_loss.js';
import { split } from './split.js';
import type { LayerType } from './types.js';

const CATALOGUE: readonly LayerType[] = [
  // Sources
  input,
  data,
  dummyData,

  // Learned
  convolution,
  deconvolution,
  innerProduct,
  scale,
  bias,

  // Windows and neighbourhoods
  pooling,
  lrn,

  // Elementwise
  relu,
  power,
  dropout,
  eltwise,

  // Shape
  concat,
  slice,
  split,
  crop,
  flatten,
  reshape,
  silence,

  // Shares, losses, metrics
  softmax,
  softmaxWithLoss,
  accuracy,

  // User code
  python,
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
export type { HostBlob, HostLayer, HostLayerClass } from './host_layer.js';
export { hostLayerFor, registerPythonLayer } from './host_registry.js';
export type * from './types.js';

/** Models in memory, as `convert/models.ts` makes them, of weights that may be files. */

import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { NetWeights } from '../../runtime/net.js';
import type { Weights } from '../../runtime/node/net.js';
import { loadWeights } from '../../weights/node/files.js';
import * as inMemory from '../models.js';

/** Paths of weights, or what `ModelOptions` takes. */
type OfFiles<Options> = Omit<Options, 'weights'> & { readonly weights?: Weights | readonly Weights[] };

/** A network as an ONNX file: see `toOnnxModel` of `mokapot/core`. */
export function toOnnxModel(text: string, options: OfFiles<inMemory.ModelOptions> = {}): Promise<inMemory.OnnxFile> {
  return inMemory.toOnnxModel(text, loaded(options));
}

/** A network as the files of a TensorFlow.js graph model: see `toTfjsModel` of `mokapot/core`. */
export function toTfjsModel(
  text: string,
  options: OfFiles<inMemory.TfjsModelOptions> = {},
): Promise<inMemory.TfjsFiles> {
  return inMemory.toTfjsModel(text, loaded(options));
}

/** A network as a `tf.GraphModel`, ready for `predict`: see `toGraphModel` of `mokapot/core`. */
export function toGraphModel<Model = GraphModel>(
  text: string,
  options: OfFiles<inMemory.GraphModelOptions<Model>> = {},
): Promise<Model> {
  return inMemory.toGraphModel(text, loaded(options));
}

function loaded<Options extends { readonly weights?: Weights | readonly Weights[] }>(
  options: Options,
): Omit<Options, 'weights'> & { readonly weights: readonly NetWeights[] } {
  const weights = [options.weights ?? []].flat() as readonly Weights[];
  return { ...options, weights: weights.map(w => (typeof w === 'string' ? loadWeights(w) : w)) };
}

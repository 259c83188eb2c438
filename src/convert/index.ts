/** Networks as models for other programs, in memory. To files, and weights from one format to another, in `node/`. */

export type { Quantization } from '../emit/tfjs/index.js';
export type { OpenSizes } from './dynamic_sizes.js';
export type { ExportOptions, ModelEndpoint } from './export_net.js';
export {
  type GraphModelLoader,
  type GraphModelOptions,
  type ModelInfo,
  type ModelOptions,
  type OnnxFile,
  type TfjsFiles,
  type TfjsModelOptions,
  toGraphModel,
  toOnnxModel,
  toTfjsModel,
} from './models.js';
export type { Preprocessing } from './prepare.js';

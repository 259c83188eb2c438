/**
 * Mokapot, the library: Caffe prototxt in, running and training networks out.
 *
 *     import { Net, Solver, describe, train } from 'mokapot';
 *
 *     const net = await Net.fromFile('deploy.prototxt', { weights: 'x.caffemodel', stages: ['deploy'] });
 *     const out = await net.forward({ data: pixels });
 *
 * Wherever something a person gave is wrong, a MokapotError is thrown; its `diagnostics` say what, where and what helps.
 */

export { weightsChart } from './charts/weights_chart.js';
// Models for other programs.
export {
  type ConvertOptions,
  type ConvertReport,
  convert,
  type ModelEndpoint,
  type Preprocessing,
  type Target,
} from './convert/index.js';
// Data sets.
export {
  type Batch,
  BatchLoader,
  createImages,
  createPhantom,
  createSunnybrook,
  type Dataset,
  type DatasetSplit,
  describeDataset,
  type Entry,
  type EntrySource,
  openDataset,
  openLmdb,
  readDicom,
  readDicomFile,
} from './data/index.js';
// What is wrong, and how to show it.
export {
  applyFixes,
  type Diagnostic,
  type Fix,
  formatDiagnostic,
  formatPlain,
  type Location,
  MokapotError,
  type Position,
  type Range,
  type Severity,
  type Source,
} from './diagnostics/index.js';
// Engines.
export {
  chooseEngine,
  createEngine,
  type Engine,
  type EngineChoice,
  type EngineReport,
  engineNames,
} from './engines/index.js';
export type { Feed, Feeds } from './feeds/feeds.js';
export { Builder, type Shape, type Value } from './ir/index.js';
// Layers of one's own.
export {
  type DiceLossOptions,
  dice,
  diceLoss,
  type FocalLossOptions,
  focalLoss,
  type GeneralizedDiceOptions,
  generalizedDice,
  type HostBlob,
  type HostBlobs,
  type HostLayer,
  type HostLayerClass,
  iou,
  type LabelOptions,
  type LayerContext,
  type LayerShapes,
  type LayerType,
  layerTypes,
  type Phase,
  registerLayer,
  registerPythonLayer,
} from './layers/index.js';
export type { NetGraph, NetOptions } from './net/index.js';
// Networks compared, explained, made ready for use.
// Networks: a text's layers, shapes and costs without running it; nets that run; training.
export {
  coordMapFromTo,
  cropAlignment,
  type Deployed,
  type DeployOptions,
  type DescribedBlob,
  type DescribedLayer,
  type DescribedParam,
  type DescribeOptions,
  type Description,
  type DiffSide,
  deployText,
  describe,
  diffNets,
  type ExplainedLayer,
  type ExplainedType,
  explainLayer,
  explainType,
  layersInState,
  type NetDiff,
} from './net/index.js';
// Pictures of networks.
export { type NetPicture, netPicture, toDot, toSvg } from './picture/index.js';
export { toPng } from './picture/png.js';
export type { Blob, Outputs } from './runtime/blob.js';
export {
  type BackwardOptions,
  type ForwardOptions,
  Net,
  type NetLoadOptions,
  type TextOptions,
  type Weights,
} from './runtime/net.js';
// Texts and messages.
export {
  type Change,
  decode,
  type Edit,
  type Edited,
  editText,
  encode,
  extendSchema,
  formatText,
  type LayerParameter,
  type NetParameter,
  type Parsed,
  parseEdit,
  parseNet,
  parseSolver,
  parseText,
  printText,
  type SolverParameter,
  type Upgraded,
  upgradeText,
} from './schema/index.js';
export { type LayerRun, type LayerRunOptions, runPythonLayer } from './tools/layer_run.js';
export { type ClassMask, type InputPicture, Segmenter, type SegmenterOptions } from './tools/segment.js';
export {
  type TransplantLine,
  type TransplantOptions,
  type TransplantReport,
  transplant,
} from './tools/transplant.js';
export * from './train/index.js';
// Weights.
export {
  loadBinaryproto,
  loadCaffeH5,
  loadCaffemodel,
  loadNpz,
  loadSafetensors,
  loadSolverstate,
  loadWeights,
  saveBinaryproto,
  saveCaffeH5,
  saveCaffemodel,
  saveNpz,
  saveSafetensors,
  saveSolverstate,
  useWeights,
} from './weights/files.js';
export * from './weights/index.js';

/**
 * Mokapot's core: all of the library that runs in a page as it runs under Node.js. Nothing here, or anywhere below, imports
 * a module of Node's (test/core/imports.test.ts); what needs files or processes is in `mokapot`, which has all of this too.
 *
 *     import { describe } from 'mokapot/core';
 *
 *     const { layers, diagnostics } = describe(await file.text());
 *
 * Wherever something a person gave is wrong, a MokapotError is thrown; its `diagnostics` say what, where and what helps.
 */

// --- Texts: parsed, printed, formatted, edited, upgraded.

export {
  type Change,
  type Edit,
  type Edited,
  editText,
  formatText,
  type Parsed,
  type ParseOptions,
  parseEdit,
  parseNet,
  parseSolver,
  parseText,
  printText,
  type Upgraded,
  upgradeText,
} from './schema/index.js';

// --- Messages: Caffe's protobuf messages as objects and as bytes.

export {
  clone,
  create,
  createBeside,
  type DecodeOptions,
  type DeepPartial,
  decode,
  defaultSchema,
  encode,
  extendSchema,
  isSet,
  type LayerParameter,
  type NetParameter,
  Schema,
  type SchemaSettings,
  type SolverParameter,
  schemaOf,
  sub,
} from './schema/index.js';

// --- Diagnostics: what is wrong, where, and how it is mended.

export {
  applyFixes,
  type Diagnostic,
  type Fix,
  type Fixed,
  formatDiagnostic,
  formatPlain,
  hasErrors,
  type Location,
  MokapotError,
  type Position,
  type Range,
  type Severity,
  type Source,
  type TextEdit,
} from './diagnostics/index.js';

// --- Networks without running them: shapes, costs, checks; explained, compared, made ready for use.

export {
  type Check,
  type CheckOptions,
  type CoordMap,
  type CropAlignment,
  checks,
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
  type NetGraph,
  type NetOptions,
  statesOf,
  type TrainedBy,
  trainedBy,
  type UseState,
} from './net/index.js';
export { checkSolver } from './solver/index.js';

// --- Pictures of networks: as SVG or Graphviz's dot.

export { type NetPicture, netPicture, toDot, toSvg } from './picture/index.js';

// --- Layers: the catalogue, layers of one's own, Python layers written in JavaScript.

export {
  type AppliedActivation,
  type ChannelAffine,
  type ClassLabels,
  type DataTrait,
  type DiceLossOptions,
  defaultCatalogue,
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
  LayerCatalogue,
  type LayerCategory,
  type LayerContext,
  type LayerShapes,
  type LayerTraits,
  type LayerType,
  layerTypes,
  type Neuron,
  neuron,
  type ParamField,
  type Phase,
  paramAt,
  registerLayer,
  registerPythonLayer,
  type WeightsTrait,
} from './layers/index.js';

// --- The intermediate representation: what a layer is lowered to, and its gradient.

export {
  Builder,
  type Graph,
  gradients,
  type Node,
  type Shape,
  sizeOf,
  type Value,
} from './ir/index.js';

// --- Pictures in memory, augmented as data layers do it.

export { type AugmentationOptions, augmentation } from './data/augment/augmentation.js';
export type { DrawKey } from './data/augment/draw.js';
export type { Entry } from './data/sets/dataset.js';

// --- Networks that run: fed by hand or by arrays, weights and snapshots as bytes, on an engine that is given.

export { type ArrayFeedOptions, type EntryArray, feedOfArrays } from './feeds/arrays.js';
export type { Feed, Feeds } from './feeds/feeds.js';
export type { DataFeed, FeedBatch } from './feeds/source.js';
export type { Blob, Outputs } from './runtime/blob.js';
export {
  type BackwardOptions,
  type ForwardOptions,
  type LayerWeights,
  Net,
  type NetLoadOptions,
  type NetSaveOptions,
  type NetWeights,
  type TextOptions,
} from './runtime/net.js';
export type { BlobSink } from './runtime/runner.js';

// --- Training: solvers that iterate, the loop as a stream of events.

export {
  type DisplayEvent,
  digitsSolver,
  type EndEvent,
  type EpochEvent,
  type EpochOptions,
  eventLine,
  type FeedFunction,
  type Figures,
  findRate,
  type Iteration,
  type IterationEvent,
  type LoopOptions,
  type NamedNet,
  type OwnOptions,
  type PolicyOptions,
  type RatePoint,
  type RateTest,
  type RateTestOptions,
  readNetText,
  type SnapshotBytes,
  type SnapshotEvent,
  type SnapshotFiles,
  Solver,
  type SolverOptions,
  type SolverTextOptions,
  type StartEvent,
  type TestEvent,
  type TestOptions,
  type TestResult,
  type TrainEvent,
  trainSolver,
  type WarningEvent,
} from './train/index.js';

// --- Weights: from and to bytes, in every format.

export {
  type BlobDifference,
  type BlobReport,
  type BlobShape,
  type BlobStatistics,
  type ByteSource,
  type Bytes,
  type CaffeH5,
  type Caffemodel,
  copyWeights,
  formatOf,
  type Generation,
  type Json,
  type LoadedWeights,
  layersOf,
  matchWeights,
  readBinaryproto,
  readCaffeH5,
  readCaffemodel,
  readNpy,
  readNpz,
  readSafetensors,
  readSolverstate,
  readWeights,
  type Safetensors,
  type SavedNet,
  type SaveOptions,
  type ScannedWeights,
  type SolverSnapshot,
  type StoredBlob,
  scanWeights,
  statisticsOf,
  type TargetLayer,
  tensorName,
  tensorsOf,
  type WeightBlob,
  type WeightMatch,
  type WeightsFormat,
  weightDifferences,
  weightStatistics,
  writeBinaryproto,
  writeCaffeH5,
  writeCaffemodel,
  writeNpy,
  writeNpz,
  writeSafetensors,
  writeSolverstate,
  writeSolverstateH5,
} from './weights/index.js';

// --- Models for other programs, in memory: ONNX, TensorFlow.js.

export {
  type ExportOptions,
  type GraphModelLoader,
  type GraphModelOptions,
  type ModelEndpoint,
  type ModelInfo,
  type ModelOptions,
  type OnnxFile,
  type OpenSizes,
  type Preprocessing,
  type Quantization,
  type TfjsFiles,
  type TfjsModelOptions,
  toGraphModel,
  toOnnxModel,
  toTfjsModel,
} from './convert/index.js';

// --- Engines that run in a page: onnxruntime-web, tfjs-backend-wasm, tfjs's WebGPU, plain TypeScript.

export {
  createEngine,
  createHostEngine,
  type Engine,
  type EngineOptions,
  type Observer,
  type Program,
  pageEngineNames as engineNames,
} from './engines/index.js';

// --- Engines against Caffe's numbers: a golden is a network with what Caffe made of it.

export { type CaseResult, type Comparison, type GoldenCase, type Tolerance, verifyCase } from './tools/verify.js';

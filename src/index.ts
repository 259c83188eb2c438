/**
 * Mokapot, the library: Caffe prototxt in, running and training networks out.
 *
 *     import { Net, Solver, describe, train } from 'mokapot';
 *
 *     const net = await Net.fromFile('deploy.prototxt', { weights: 'x.caffemodel', stages: ['deploy'] });
 *     const out = await net.forward({ data: pixels });
 *
 * Wherever something a person gave is wrong, a MokapotError is thrown; its `diagnostics` say what, where and what helps.
 * Every export is named here, under the heading of its subject; what is not named is not public.
 */

// --- Diagnostics: what is wrong, where, and how to mend it

export {
  applyFixes,
  type Diagnostic,
  type Fix,
  type Fixed,
  formatDiagnostic,
  formatPlain,
  type Location,
  MokapotError,
  type Position,
  type Range,
  type Severity,
  type Source,
} from './diagnostics/index.js';

// --- Texts and messages: prototxt parsed, printed, edited, upgraded; messages as protobuf bytes

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

// --- Networks without running them: shapes and costs, explanations, comparison, deploy nets, crop offsets

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
  type NetGraph,
  type NetOptions,
} from './net/index.js';

// --- Pictures of networks

export { type NetPicture, netPicture, toDot, toSvg } from './picture/index.js';
export { toPng } from './picture/png.js';

// --- Networks that run

export type { Feed, Feeds } from './feeds/feeds.js';
export type { Blob, Outputs } from './runtime/blob.js';
export {
  type BackwardOptions,
  type ForwardOptions,
  Net,
  type NetLoadOptions,
  type TextOptions,
  type Weights,
} from './runtime/net.js';
export { type ClassMask, type InputPicture, Segmenter, type SegmenterOptions } from './tools/segment.js';

// --- Training: solvers, the loop as a stream of events, runs in folders

export {
  Curves,
  type DisplayEvent,
  digitsSolver,
  type EndEvent,
  type EpochEvent,
  type EpochOptions,
  eventLine,
  type FeedFunction,
  type Figures,
  type Iteration,
  type IterationEvent,
  type LoopOptions,
  type PolicyOptions,
  RUN_FILES,
  readLog,
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
  type TrainOptions,
  train,
  trainSolver,
  type WarningEvent,
} from './train/index.js';

// --- Data sets

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

// --- Weights as bytes: read, written, copied between nets, compared

export { weightsChart } from './charts/weights_chart.js';
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
  readBinaryproto,
  readCaffeH5,
  readCaffemodel,
  readNpz,
  readSafetensors,
  readSolverstate,
  readWeights,
  type Safetensors,
  type SavedNet,
  type SaveOptions,
  type SolverSnapshot,
  type StoredBlob,
  statisticsOf,
  type TargetLayer,
  type WeightBlob,
  type WeightMatch,
  type WeightsFormat,
  weightDifferences,
  weightStatistics,
  writeBinaryproto,
  writeCaffemodel,
  writeNpz,
  writeSafetensors,
  writeSolverstate,
} from './weights/index.js';

// --- Weights in files, and net surgery

export {
  type TransplantLine,
  type TransplantOptions,
  type TransplantReport,
  transplant,
} from './tools/transplant.js';
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

// --- Models for other programs: TensorFlow.js, ONNX, arrays

export {
  type ConvertOptions,
  type ConvertReport,
  convert,
  type ModelEndpoint,
  type Preprocessing,
  type Target,
} from './convert/index.js';

// --- Layers of one's own

export { Builder, type Shape, type Value } from './ir/index.js';
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
export { type LayerRun, type LayerRunOptions, runPythonLayer } from './tools/layer_run.js';

// --- Engines: which there are and which one serves

export {
  chooseEngine,
  createEngine,
  type Engine,
  type EngineChoice,
  type EngineReport,
  engineNames,
} from './engines/index.js';

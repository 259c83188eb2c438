/**
 * Mokapot, the library under Node.js: Caffe prototxt in, running and training networks out.
 *
 *     import { Net, Solver, describe, train } from 'mokapot';
 *
 *     const net = await Net.fromFile('deploy.prototxt', { weights: 'x.caffemodel', stages: ['deploy'] });
 *     const out = await net.forward({ data: pixels });
 *
 * Every export is named, under the heading of its subject, here or in core.ts; what is not named is not public.
 * Wherever something a person gave is wrong, a MokapotError is thrown; its `diagnostics` say what, where and what helps.
 */

// --- All that runs in a page too: texts, messages, diagnostics, shapes, pictures, layers, weights as bytes.

export * from './core.js';

// --- Networks that run.

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
export { type LayerRun, type LayerRunOptions, runPythonLayer } from './tools/layer_run.js';
export { type ClassMask, type InputPicture, Segmenter, type SegmenterOptions } from './tools/segment.js';

// --- Engines: those of this machine too.

export {
  chooseEngine,
  createEngine,
  type EngineChoice,
  type EngineReport,
  engineNames,
} from './engines/node/index.js';

// --- Training: solvers, the loop as a stream of events, runs in folders.

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

// --- Data sets and data bases.

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

// --- Models for other programs.

export {
  type ConvertOptions,
  type ConvertReport,
  convert,
  type ModelEndpoint,
  type Preprocessing,
  type Target,
} from './convert/index.js';
export {
  type TransplantLine,
  type TransplantOptions,
  type TransplantReport,
  transplant,
} from './tools/transplant.js';

// --- Weights in files.

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
} from './weights/node/files.js';

// --- Pictures as PNG, charts.

export { weightsChart } from './charts/weights_chart.js';
export { toPng } from './picture/node/png.js';

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

// --- Networks that run, from and to files.

export { Net, type NetLoadOptions, type TextOptions, type Weights } from './runtime/node/net.js';
export { type LayerRun, type LayerRunOptions, runPythonLayer } from './tools/layer_run.js';
export {
  type ClassMask,
  type ClassScores,
  type InputPicture,
  Segmenter,
  type SegmenterOptions,
} from './tools/segment.js';
export type { TestTimeAugmentation } from './tools/symmetries.js';

// --- Measures of segmentations.

export {
  type BlandAltman,
  blandAltman,
  diceOf,
  GOOD_CONTOUR_MM,
  iouOf,
  type LabelPicture,
  largestComponents,
  type MeasureOptions,
  type Overlap,
  overlap,
  perpendicularDistance,
  type Summary,
  type SurfaceDistances,
  summary,
  sumOverlaps,
  surfaceDistances,
} from './tools/measures.js';

// --- Engines: those of this machine too.

export {
  chooseEngine,
  createEngine,
  type EngineChoice,
  type EngineReport,
  engineNames,
} from './engines/node/index.js';

// --- Training from and to files, runs in folders.

export {
  Curves,
  findRate,
  type LoopOptions,
  RUN_FILES,
  readLog,
  Solver,
  type SolverOptions,
  type SolverTextOptions,
  type TrainOptions,
  train,
  trainSolver,
} from './train/node/index.js';

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
  type Target,
  toGraphModel,
  toOnnxModel,
  toTfjsModel,
} from './convert/node/index.js';
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

/**
 * Weights: parameters ⇄ the files that carry them. Everything here takes and gives bytes and runs in a browser too;
 * files by path are in `node/files.ts`.
 */

export { inMemory, type LoadedWeights, readWeights, type ScannedWeights, scanNetWeights, scanWeights } from './any.js';
export { readBinaryproto, writeBinaryproto } from './formats/binaryproto.js';
export { type BlobShape, formatShape, type StoredBlob, type WeightBlob } from './formats/blob.js';
export { type CaffeH5, caffeH5Parts, readCaffeH5, scanCaffeH5, writeCaffeH5 } from './formats/caffe_h5.js';
export {
  type Caffemodel,
  caffemodelParts,
  type Generation,
  readCaffemodel,
  type SavedNet,
  type SaveOptions,
  writeCaffemodel,
} from './formats/caffemodel.js';
export { readNpy, readNpz, writeNpy, writeNpz } from './formats/npz.js';
export { readSafetensors, type Safetensors, writeSafetensors } from './formats/safetensors.js';
export { type Json, readSolverstate, type SolverSnapshot, writeSolverstate } from './formats/solverstate.js';
export { writeSolverstateH5 } from './formats/solverstate_h5.js';
export { layersOf, tensorName, tensorsOf } from './formats/tensors.js';
export { copyWeights, matchWeights, shapesAgree, type TargetLayer, type WeightMatch } from './match.js';
export { formatOf, type WeightsFormat } from './recognise.js';
export type { ByteSource, Bytes } from './source.js';
export {
  type BlobDifference,
  type BlobReport,
  type BlobStatistics,
  statisticsOf,
  weightDifferences,
  weightStatistics,
} from './statistics.js';

/** Data: files → batches. */

export { augment, change, type Job, type Taken } from './augment/augment.js';
export { type Augmenter, inlineAugmenter } from './augment/augmenter.js';
export { type DrawKey, drawFor } from './augment/draw.js';
export { threadedAugmenter } from './augment/node/threads.js';
export { AUGMENT_PRESETS, parseAugment } from './augment/read.js';
export { inTest, type Recipe, recipeOf } from './augment/recipe.js';
export type { Batches } from './batches/epochs.js';
export { type Batch, BatchLoader } from './batches/loader.js';
export { readTransform, type Transform } from './batches/transform.js';
export { readDicom, readDicomFile } from './dicom/read.js';
export { findFile } from './files.js';
export { encodeDatum } from './formats/datum.js';
export { Hdf5List } from './formats/hdf5.js';
export { type Color, decodeImage, decodeLabel, encodeMask, encodePng, loadPicture } from './formats/image.js';
export { openImageList } from './formats/image_list.js';
export { createLmdb } from './formats/lmdb_write.js';
export { WindowFile, windowLoader } from './formats/windows.js';
export type { CreatedDataset, Progress } from './sets/build.js';
export { contourMask, readContour } from './sets/contour.js';
export {
  type Dataset,
  type DatasetSplit,
  type Entry,
  type EntrySource,
  openDataset,
  openLmdb,
} from './sets/dataset.js';
export { describeDataset } from './sets/describe.js';
export { contactSheet, overlayPng, toDisplay } from './sets/draw.js';
export { createImages, type ImagesOptions } from './sets/images.js';
export {
  type EntryGeometry,
  type Manifest,
  type ManifestEntry,
  readManifest,
  SPLITS,
  type SplitName,
} from './sets/manifest.js';
export { createPhantom, type PhantomOptions } from './sets/phantom.js';
export { PredictionSheet, type SheetPicture } from './sets/prediction_sheet.js';
export { createSunnybrook, type SunnybrookOptions } from './sets/sunnybrook.js';
export { type Verified, verifyDataset } from './sets/verify.js';
export { datasetWarnings } from './sets/warnings.js';

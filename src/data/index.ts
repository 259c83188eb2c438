/** Data: files → batches. */

export type { Batches, LoaderState } from './batches/epochs.js';
export { type Batch, BatchLoader, type LoaderOptions } from './batches/loader.js';
export { readTransform, type Transform } from './batches/transform.js';
export { type DicomPicture, readDicom, readDicomFile } from './dicom/read.js';
export { type MrPicture, writeMrDicom } from './dicom/write.js';
export { findFile } from './files.js';
export { type DatumContent, decodeDatum, encodeDatum } from './formats/datum.js';
export { Hdf5List, type RowBatch } from './formats/hdf5.js';
export {
  type Color,
  decodeImage,
  decodeLabel,
  defaultPalette,
  encodeMask,
  encodePng,
  type LabelPicture,
  loadPicture,
  type Picture,
  type Raster,
} from './formats/image.js';
export { type ImageListOptions, openImageList } from './formats/image_list.js';
export { type LmdbReader, openLmdbReader } from './formats/lmdb.js';
export { createLmdb, type LmdbWriter } from './formats/lmdb_write.js';
export { WindowFile, type WindowLoaderOptions, type WindowOptions, windowLoader } from './formats/windows.js';
export type { Candidate, CreatedDataset, Progress } from './sets/build.js';
export { contourMask, fillPolygon, formatContour, type Point, parseContour, readContour } from './sets/contour.js';
export {
  type Dataset,
  type DatasetSplit,
  type Entry,
  type EntrySource,
  openDataset,
  openLmdb,
} from './sets/dataset.js';
export { type DatasetDescription, describeDataset } from './sets/describe.js';
export { contactSheet, type OverlayOptions, overlayPng, type SheetOptions, toDisplay } from './sets/draw.js';
export { createImages, type ImagesOptions } from './sets/images.js';
export { type Manifest, type ManifestEntry, readManifest, type SplitName } from './sets/manifest.js';
export { createPhantom, PHANTOM_CONTOURS, PHANTOM_IMAGES, type PhantomOptions } from './sets/phantom.js';
export { createSunnybrook, type SunnybrookOptions } from './sets/sunnybrook.js';
export { type Verified, verifyDataset } from './sets/verify.js';
export { datasetWarnings } from './sets/warnings.js';

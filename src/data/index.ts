/** Data: files → batches. */

export type { Candidate, CreatedDataset, Progress } from './build.js';
export { contourMask, fillPolygon, formatContour, type Point, parseContour, readContour } from './contour.js';
export {
  type Dataset,
  type DatasetSplit,
  type Entry,
  type EntrySource,
  openDataset,
  openLmdb,
} from './dataset.js';
export { type DatumContent, decodeDatum, encodeDatum } from './datum.js';
export { type DatasetDescription, describeDataset } from './describe.js';
export { type DicomPicture, readDicom, readDicomFile } from './dicom.js';
export { type MrPicture, writeMrDicom } from './dicom_write.js';
export { contactSheet, type OverlayOptions, overlayPng, type SheetOptions, toDisplay } from './draw.js';
export type { Batches, LoaderState } from './epochs.js';
export { findFile } from './files.js';
export { Hdf5List, type RowBatch } from './hdf5.js';
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
} from './image.js';
export { type ImageListOptions, openImageList } from './image_list.js';
export { createImages, type ImagesOptions } from './images.js';
export { createLmdb, type LmdbReader, type LmdbWriter, openLmdbReader } from './lmdb.js';
export { type Batch, BatchLoader, type LoaderOptions } from './loader.js';
export { type Manifest, type ManifestEntry, readManifest, type SplitName } from './manifest.js';
export { createPhantom, PHANTOM_CONTOURS, PHANTOM_IMAGES, type PhantomOptions } from './phantom.js';
export { createSunnybrook, type SunnybrookOptions } from './sunnybrook.js';
export { readTransform, type Transform } from './transform.js';
export { WindowFile, type WindowLoaderOptions, type WindowOptions, windowLoader } from './windows.js';

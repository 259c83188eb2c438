/**
 * The manifest of a data set: `manifest.json` beside the databases says what they hold, so that a data set can be
 * looked at without opening one. Layout of the folder, as DIGITS has it:
 *
 *     manifest.json
 *     train_db/features/data.mdb   Datums of pictures, keys 00000000_name, 00000001_name, …
 *     train_db/labels/data.mdb     Datums of label pictures (1 × height × width), the same keys
 *     train_db/mean.binaryproto    the mean picture, where all have one shape
 *     val_db/…                     the same for validation
 *
 * Checksums stand in the manifest, so that the databases are as Caffe and DIGITS have them.
 */

import { join } from 'node:path';
import { fail, messageOf } from '../../diagnostics/index.js';
import { fileError, finishUpdates, readRegular } from '../../files/index.js';
import type { Color } from '../formats/image.js';

export const MANIFEST = 'manifest.json';
export const FORMAT = 'mokapot-dataset';
export const VERSION = 1;
export const SPLITS = ['train', 'val'] as const;
export type SplitName = (typeof SPLITS)[number];

/** Where a slice's pixels lie in the body, as far as its file tells it. Lengths are millimetres. */
export interface EntryGeometry {
  /** From a pixel's centre to the next one's, down and across (DICOM's PixelSpacing). */
  readonly spacing?: readonly [down: number, across: number];
  /** SliceThickness. */
  readonly thickness?: number;
  /** From a slice's centre to the next one's (SpacingBetweenSlices). */
  readonly between?: number;
  /** Along the normal of the slices (of ImagePositionPatient). */
  readonly position?: number;
  /** Which picture of the heart's cycle it is: slices of one patient and phase make up a volume. */
  readonly phase?: number;
}

export interface ManifestEntry {
  readonly key: string;
  /** E.g. `SC-HF-I-1/0048`. */
  readonly name: string;
  /** channels, height, width */
  readonly shape: readonly [number, number, number];
  /** Where it came from. */
  readonly image: string;
  readonly label: string;
  readonly patient?: string;
  /** Absent where the files have none, and in sets that older versions made. */
  readonly geometry?: EntryGeometry;
  /** CRC-32 of the picture's and of the label's Datum, in hex. Sets that older versions made have none. */
  readonly checksums?: readonly [picture: string, label: string];
}

export interface ManifestSplit {
  /** Folder of the pictures' database, from the data set's folder. */
  readonly features: string;
  readonly labels: string;
  readonly count: number;
  /** Pixels of each class, those to be ignored left out. */
  readonly classPixels: readonly number[];
  /** Pixels to be ignored. */
  readonly ignoredPixels?: number;
  readonly patients?: readonly string[];
  readonly mean?: string;
  /** Of the databases' files data.mdb and of the mean's file. */
  readonly sha256?: { readonly features: string; readonly labels: string; readonly mean?: string };
  readonly entries: readonly ManifestEntry[];
}

export interface Manifest {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly name: string;
  /** What made it. */
  readonly kind: 'sunnybrook' | 'images' | 'phantom';
  readonly channels: number;
  readonly channelOrder: 'grey' | 'BGR';
  readonly height: number | 'varies';
  readonly width: number | 'varies';
  readonly classes: readonly string[];
  readonly palette: readonly Color[];
  /** This value in a label picture counts nowhere. */
  readonly ignoreLabel: 255;
  /** Each class's share of the pixels that count, over both splits; the sum is 1. */
  readonly classShares: readonly number[];
  /** Of the training pictures, a channel each. */
  readonly mean: readonly number[];
  readonly seed: number;
  readonly valPercent: number;
  readonly splitBy: 'image' | 'patient' | 'folder';
  readonly splits: Readonly<Record<SplitName, ManifestSplit>>;
  /** What did not go in, and why. */
  readonly skipped: readonly { readonly code: string; readonly message: string }[];
}

/** @throws MokapotError `dataset-missing`, `dataset-manifest`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  let text: string;
  endUpdates(folder);
  try {
    text = (await readRegular(path)).toString('utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError('dataset-missing', 'read', path, cause);
    throw fail('dataset-missing', `${folder} is no data set: it has no ${MANIFEST}.`, {
      hint: 'Make one: `mokapot dataset create phantom --count 120 --seed 1 --out DIR` needs nothing else.',
    });
  }
  return checkManifest(parseJson(text, path), path);
}

/** A process that was killed while it put a new set in place may have left that half done. */
function endUpdates(folder: string): void {
  try {
    finishUpdates(folder);
  } catch {
    // In a folder that may not be written to the set is read as it is.
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw broken(path, messageOf(cause));
  }
}

function broken(path: string, reason: string) {
  return fail('dataset-manifest', `${path} cannot be used: ${reason}.`, {
    hint: 'It was cut off or edited by hand: create the data set again.',
  });
}

function checkManifest(value: unknown, path: string): Manifest {
  const m = value as Partial<Manifest> | null;
  if (typeof m !== 'object' || m?.format !== FORMAT) throw broken(path, `its "format" is not "${FORMAT}"`);
  if (m.version !== VERSION) {
    throw broken(path, `its version is ${m.version}, and this Mokapot reads version ${VERSION}`);
  }
  for (const name of SPLITS) {
    const split = m.splits?.[name];
    const sound =
      typeof split?.features === 'string' &&
      typeof split.labels === 'string' &&
      Array.isArray(split.entries) &&
      split.entries.every(e => Array.isArray(e?.shape) && e.shape.length === 3 && e.shape.every(Number.isInteger));
    if (!sound) throw broken(path, `its split "${name}" is missing or damaged`);
  }
  const odd = SPLITS.flatMap(name => m.splits![name].entries).find(e => !isGeometry(e.geometry));
  if (odd) throw broken(path, `the entry ${odd.name} has a "geometry" that is none`);
  if (!Array.isArray(m.classes) || !Array.isArray(m.palette)) throw broken(path, 'its classes or palette are missing');
  return m as Manifest;
}

function isGeometry(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { spacing, thickness, between, position, phase } = value as Record<keyof EntryGeometry, unknown>;
  const isLength = (v: unknown) => typeof v === 'number' && v > 0 && Number.isFinite(v);
  return (
    (spacing === undefined || (Array.isArray(spacing) && spacing.length === 2 && spacing.every(isLength))) &&
    [thickness, between].every(v => v === undefined || isLength(v)) &&
    [position, phase].every(v => v === undefined || Number.isFinite(v))
  );
}

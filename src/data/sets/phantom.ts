/**
 * A phantom: short-axis cardiac MR made by formula (src/data/sets/anatomy.ts), written as 16-bit DICOM and contour files in
 * Sunnybrook's layout, and the data set made of them with patients held back, so that Mokapot can be tried without
 * registering anywhere. Brightness is in Sunnybrook's range as Mokapot's own copy has it, 0 to 255 of 12 bits.
 */

import { join } from 'node:path';
import { fail } from '../../diagnostics/index.js';
import { type FolderUpdate, makeFolderSync, writeNewSync } from '../../files/index.js';
import { Random } from '../../random/index.js';
import { writeMrDicom } from '../dicom/write.js';
import { type Group, innerContour, makePatient, type Patient, Scene, type Slice } from './anatomy.js';
import { type CreatedDataset, checkPercent, inDatasetFolder, type Progress } from './build.js';
import { formatContour, type Point } from './contour.js';
import { createFromContours } from './sunnybrook.js';

export interface PhantomOptions {
  /** Pictures in all; about ten a patient. */
  readonly count: number;
  readonly seed?: number;
  readonly out: string;
  /** Side in pixels; 256. */
  readonly size?: number;
  readonly channels?: 'L' | 'RGB';
  /** Per cent of patients held back for validation; 20. */
  readonly val?: number;
  /** Stops it; everything is then as it was. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Where the phantom's DICOM files and contours lie in its folder, as the challenge lays them out. */
export const PHANTOM_IMAGES = 'challenge_training';
export const PHANTOM_CONTOURS = 'Sunnybrook Cardiac MR Database ContoursPart3/TrainingDataContours';

const GROUPS: readonly Group[] = ['HF-I', 'N', 'HYP', 'HF-NI'];
const PER_PATIENT = 10;
const PHASES = 20;
const FIELD_MM = 350;
const SLICE_MM = 8;

/**
 * Makes a data set of short-axis cardiac MR by formula: DICOM pictures and contours, then databases of them.
 *
 * @throws MokapotError `phantom-count`, `phantom-size`, `dataset-folder-used`, `file-unwritable`.
 */
export async function createPhantom(options: PhantomOptions): Promise<CreatedDataset> {
  const { count, out, size = 256, val = 20 } = options;
  if (!Number.isInteger(count) || count < 1 || count > 100_000) {
    throw fail('phantom-count', `A phantom of ${count} pictures cannot be made.`, {
      hint: 'Give --count 1 to 100000.',
    });
  }
  if (!Number.isInteger(size) || size < 32 || size > 2048) {
    throw fail('phantom-size', `A phantom of ${size} pixels a side cannot be made.`, { hint: 'Give 32 to 2048.' });
  }
  checkPercent(val);
  return inDatasetFolder(out, update => makePhantom({ ...options, size, val }, update));
}

async function makePhantom(options: PhantomOptions, update: FolderUpdate): Promise<CreatedDataset> {
  const { count, seed = 1, size = 256, signal, onProgress } = options;
  const random = new Random(seed);
  let done = 0;
  for (const plan of planPatients(count)) {
    signal?.throwIfAborted();
    done += await writePatient(update.folder, plan, size, random);
    onProgress?.({ done, total: 2 * count, name: plan.name });
  }
  const onBuild = onProgress && ((p: Progress) => onProgress({ done: count + p.done, total: 2 * count, name: p.name }));
  const folders = { images: join(update.folder, PHANTOM_IMAGES), contours: join(update.folder, PHANTOM_CONTOURS) };
  const built = { ...options, ...folders, split: 'patient', seed, onProgress: onBuild } as const;
  return createFromContours(built, 'phantom', update);
}

interface PatientPlan {
  readonly name: string;
  readonly group: Group;
  readonly series: number;
  readonly pictures: number;
}

/** About ten pictures a patient, at least four patients where there are as many pictures, groups in turn. */
function planPatients(count: number): PatientPlan[] {
  const patients = Math.min(count, Math.max(4, Math.round(count / PER_PATIENT)));
  return Array.from({ length: patients }, (_, i) => {
    const group = GROUPS[i % GROUPS.length]!;
    const pictures = Math.floor(((i + 1) * count) / patients) - Math.floor((i * count) / patients);
    return { name: `SC-${group}-${101 + i}`, group, series: 1001 + i, pictures };
  });
}

async function writePatient(out: string, plan: PatientPlan, size: number, random: Random): Promise<number> {
  const patient = makePatient(plan.group, random);
  const images = join(out, PHANTOM_IMAGES, plan.name);
  const contours = join(out, PHANTOM_CONTOURS, plan.name, 'contours-manual', 'IRCCI-expert');
  makeFolderSync(images);
  makeFolderSync(contours);
  const [studyUid, seriesUid] = [makeUid(random), makeUid(random)];
  const levels = Math.ceil(plan.pictures / 2);
  for (let i = 0; i < plan.pictures; i++) {
    const level = i >> 1;
    const systole = i % 2 === 1;
    const slice: Slice = { level: levels > 1 ? level / (levels - 1) : 0.4, contraction: systole ? 1 : 0 };
    const number = level * PHASES + (systole ? 9 : 1);
    const file = String(number).padStart(4, '0');
    const dicom = writeMrDicom({
      rows: size,
      columns: size,
      pixels: renderSlice(patient, slice, size, random),
      patientName: 'Phantom',
      patientId: plan.name,
      studyUid,
      seriesUid,
      instanceUid: makeUid(random),
      seriesNumber: plan.series,
      instanceNumber: number,
      seriesDescription: 'short axis, by formula',
      pixelSpacing: [FIELD_MM / size, FIELD_MM / size],
      sliceThickness: SLICE_MM,
      sliceLocation: level * SLICE_MM,
    });
    writeNewSync(join(images, `IM-${plan.series}-${file}.dcm`), dicom);
    const contour = innerContour(patient, slice).map(([x, y]): Point => [(x * size) / 256, (y * size) / 256]);
    writeNewSync(join(contours, `IM-0001-${file}-icontour-manual.txt`), Buffer.from(formatContour(contour)));
  }
  return plan.pictures;
}

function makeUid(random: Random): string {
  return `2.25.${random.nextUint32() + 1}${String(random.nextUint32()).padStart(10, '0')}`;
}

/** Stored values: the scene with Rician noise, black outside of the field of view. */
export function renderSlice(patient: Patient, slice: Slice, size: number, random: Random): Uint16Array {
  const scene = new Scene(patient, slice);
  const step = 256 / size;
  const { noise, field } = patient;
  const pixels = new Uint16Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const x = column * step;
      const y = row * step;
      if (field !== undefined && (x - 128) ** 2 + (y - 128) ** 2 > field * field) continue;
      const real = scene.at(x, y) + noise * random.normal();
      const imaginary = noise * random.normal();
      pixels[row * size + column] = Math.min(255, Math.round(Math.sqrt(real * real + imaginary * imaginary)));
    }
  }
  return pixels;
}

/**
 * Sunnybrook's cardiac MR → a data set: contours of the left ventricle's inner wall, each with its DICOM picture.
 * Rules of names, series and pixels are those of NVIDIA DIGITS' Sunnybrook plug-in: stored values without rescale.
 */

import { readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { type Diagnostic, error, fail, type MokapotError, nearest } from '../../diagnostics/index.js';
import { type FolderUpdate, fileError } from '../../files/index.js';
import { Random } from '../../random/index.js';
import { type DicomPicture, readDicomFile } from '../dicom/read.js';
import { type Color, dicomPlanes, type Planes } from '../formats/image.js';
import {
  buildDataset,
  type Candidate,
  type CreatedDataset,
  checkPercent,
  inDatasetFolder,
  type Progress,
  splitByNames,
  splitCandidates,
} from './build.js';
import { contourMask, readContour } from './contour.js';
import { filesUnder } from './images.js';
import type { EntryGeometry, Manifest } from './manifest.js';

/** The short-axis series of the challenge's training cases (DIGITS' table). */
const SERIES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'SC-HF-I-1': '0004',
    'SC-HF-I-2': '0106',
    'SC-HF-I-4': '0116',
    'SC-HF-I-40': '0134',
    'SC-HF-NI-3': '0379',
    'SC-HF-NI-4': '0501',
    'SC-HF-NI-34': '0446',
    'SC-HF-NI-36': '0474',
    'SC-HYP-1': '0550',
    'SC-HYP-3': '0650',
    'SC-HYP-38': '0734',
    'SC-HYP-40': '0755',
    'SC-N-2': '0898',
    'SC-N-3': '0915',
    'SC-N-40': '0944',
  }),
);

export const VENTRICLE_CLASSES = ['background', 'left ventricle'] as const;
export const VENTRICLE_PALETTE: readonly Color[] = [
  [0, 0, 0],
  [255, 255, 255],
];

const CONTOUR = /^(.*)\/contours-manual\/IRCCI-expert\/IM-0001-(\d{4,})-icontour-manual\.txt$/;

export interface SunnybrookOptions {
  /** The folder of the cases' folders. */
  readonly images: string;
  /** Any folder above the contours. */
  readonly contours: string;
  /** `L` (default): one channel; `RGB`: three alike. */
  readonly channels?: 'L' | 'RGB';
  /** Per cent for validation; 10. */
  readonly val?: number;
  /** `image` (default): slices of one patient may fall on both sides, as in DIGITS. */
  readonly split?: 'image' | 'patient';
  /** These patients for validation, by the names of their cases, in place of `val` and `split`: for cross-validation. */
  readonly valPatients?: readonly string[];
  readonly seed?: number;
  readonly out: string;
  /** Stops it; everything is then as it was. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Creates a data set in `out` from pictures and contours; what cannot be read is listed and left out.
 * @throws MokapotError `folder-missing`, `contours-none`, `dataset-empty`, `dataset-folder-used`, `dataset-val`, `dataset-val-patient`.
 */
export async function createSunnybrook(options: SunnybrookOptions): Promise<CreatedDataset> {
  checkPercent(options.val ?? 10);
  return inDatasetFolder(options.out, update => createFromContours(options, 'sunnybrook', update));
}

/** createSunnybrook under another name in the manifest, in a folder that is there. */
export async function createFromContours(
  options: Omit<SunnybrookOptions, 'out'>,
  kind: Manifest['kind'],
  update: FolderUpdate,
): Promise<CreatedDataset> {
  const { images, contours, onProgress, signal, val = 10, split = 'image', seed = 1 } = options;
  const channels = options.channels === 'RGB' ? 3 : 1;
  const { candidates, problems } = await pairContours(images, contours, channels);
  const random = new Random(seed);
  const { valPatients } = options;
  const splits = valPatients
    ? splitByNames(candidates, valPatients, random)
    : splitCandidates(candidates, val, split, random);
  const held = (100 * splits.val.length) / Math.max(1, candidates.length);
  return buildDataset(splits, problems, {
    update,
    kind,
    channels,
    seed,
    valPercent: valPatients ? Math.round(held) : val,
    splitBy: valPatients ? 'patient' : split,
    classes: VENTRICLE_CLASSES,
    palette: () => VENTRICLE_PALETTE,
    onProgress,
    ...(signal && { signal }),
  });
}

interface ContourFile {
  readonly path: string;
  readonly case: string;
  readonly number: number;
}

/** Every contour with its picture; those without one become diagnostics. */
async function pairContours(images: string, contours: string, channels: 1 | 3) {
  const cases = new Set(await listFolder(images));
  const problems: Diagnostic[] = [];
  const files = await findContours(contours, problems);
  const candidates: Candidate[] = [];
  for (const name of [...new Set(files.map(f => f.case))]) {
    const own = files.filter(f => f.case === name);
    if (!cases.has(name)) {
      for (const f of own) problems.push(noCase(f, images, cases));
      continue;
    }
    const pictures = new Set(await listFolder(join(images, name)));
    const series = chooseSeries(name, own, pictures);
    for (const f of own) {
      if (typeof series !== 'string') {
        problems.push(series(f));
        continue;
      }
      const picture = `IM-${series}-${String(f.number).padStart(4, '0')}.dcm`;
      if (pictures.has(picture)) candidates.push(makeCandidate(f, join(images, name, picture), channels));
      else problems.push(noPicture(f, join(images, name, picture)));
    }
  }
  return { candidates, problems };
}

async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    throw fileError('folder-missing', 'read', path, cause);
  }
}

/** Contour files under a folder, in order of case and number. */
async function findContours(folder: string, problems: Diagnostic[]): Promise<ContourFile[]> {
  const root = resolve(folder);
  const found: ContourFile[] = [];
  for (const name of await filesUnder(root, problems)) {
    const path = join(root, name);
    const match = CONTOUR.exec(path.split(sep).join('/'));
    if (match) found.push({ path, case: shortCase(match[1]!.split('/').at(-1)!), number: Number(match[2]) });
  }
  if (found.length === 0) {
    throw fail('contours-none', `There are no contours under ${folder}.`, {
      hint: 'Expected files are …/<case>/contours-manual/IRCCI-expert/IM-0001-<no>-icontour-manual.txt.',
    });
  }
  return found.sort((a, b) => (a.case < b.case ? -1 : a.case > b.case ? 1 : a.number - b.number));
}

/** `SC-HF-I-01` → `SC-HF-I-1`. */
export function shortCase(name: string): string {
  return name
    .split('-')
    .map(part => (/^\d+$/.test(part) ? String(Number(part)) : part))
    .join('-');
}

/** The series with a case's pictures, or how to say of each contour that there is none. */
function chooseSeries(
  name: string,
  contours: readonly ContourFile[],
  pictures: ReadonlySet<string>,
): string | ((contour: ContourFile) => Diagnostic) {
  const known = SERIES.get(name);
  if (known) return known;
  const series = new Map<string, Set<number>>();
  for (const picture of pictures) {
    const match = /^IM-(\d+)-(\d+)\.dcm$/.exec(picture);
    if (!match) continue;
    const numbers = series.get(match[1]!) ?? new Set();
    series.set(match[1]!, numbers.add(Number(match[2])));
  }
  const covered = [...series].map(([id, numbers]) => ({
    id,
    count: contours.filter(c => numbers.has(c.number)).length,
  }));
  const most = Math.max(0, ...covered.map(c => c.count));
  const best = covered.filter(c => c.count === most);
  if (most > 0 && best.length === 1) return best[0]!.id;
  return most === 0 ? c => noSeries(c, covered.length) : c => manySeries(c, best.map(b => b.id).sort());
}

function noSeries(contour: ContourFile, count: number): Diagnostic {
  return error('picture-missing', `${contour.path}: none of the ${count} series of ${contour.case} has its picture.`, {
    hint: `Pictures are named IM-<series>-${String(contour.number).padStart(4, '0')}.dcm.`,
  });
}

function manySeries(contour: ContourFile, series: readonly string[]): Diagnostic {
  const list = series.join(', ');
  return error('series-ambiguous', `${contour.path}: the series ${list} of ${contour.case} all have its pictures.`, {
    hint: 'Move the series that do not belong to the contours out of the folder.',
  });
}

function noPicture(contour: ContourFile, picture: string): Diagnostic {
  return error('picture-missing', `${contour.path}: its picture ${picture} does not exist.`, {
    hint: 'Copy the picture there, or remove the contour.',
  });
}

function noCase(contour: ContourFile, images: string, cases: ReadonlySet<string>): Diagnostic {
  const like = nearest(contour.case, cases);
  return error('picture-missing', `${contour.path}: ${images} has no folder ${contour.case}.`, {
    hint: `Give the folder that holds the cases by --images${like ? ` (there is ${like})` : ''}.`,
  });
}

function makeCandidate(contour: ContourFile, picture: string, channels: 1 | 3): Candidate {
  return {
    name: `${contour.case}/${String(contour.number).padStart(4, '0')}`,
    image: picture,
    label: contour.path,
    patient: contour.case,
    async read() {
      const points = await readContour(contour.path);
      const dicom = await readDicomFile(picture);
      const planes = dicomPlanes(dicom, channels, picture);
      const label = contourMask(points, planes.width, planes.height);
      if (!label.includes(1)) throw outside(contour, picture, planes);
      const geometry = geometryOf(dicom, contour.number);
      return { planes, label, geometry, remarks: dicom.photometric === 'MONOCHROME1' ? ['dicom-monochrome1'] : [] };
    },
  };
}

/** Pictures of the heart's cycle at each place: the challenge numbers its files phase by phase, place after place. */
const PHASES = 20;

function geometryOf(dicom: DicomPicture, number: number): EntryGeometry {
  const { pixelSpacing, sliceThickness, spacingBetweenSlices, slicePosition } = dicom;
  return {
    ...(pixelSpacing && { spacing: pixelSpacing }),
    ...(sliceThickness !== undefined && { thickness: sliceThickness }),
    ...(spacingBetweenSlices !== undefined && { between: spacingBetweenSlices }),
    ...(slicePosition !== undefined && { position: slicePosition }),
    phase: number % PHASES,
  };
}

function outside({ path }: ContourFile, picture: string, { width, height }: Planes): MokapotError {
  const size = `${width} × ${height} pixels`;
  return fail('contour-outside', `${path} lies wholly outside of its picture ${picture}, which has ${size}.`, {
    hint: 'Its points are pixels of another picture or scale: mend or remove the file.',
  });
}

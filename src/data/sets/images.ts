/** Folders of pictures and label pictures → a data set, matched by name without extension, as DIGITS does. */

import { join } from 'node:path';
import { type Diagnostic, error, fail } from '../../diagnostics/index.js';
import { fileError, readFileAs, walkFolder } from '../../files/index.js';
import { Random } from '../../random/index.js';
import { type Color, decodeImage, decodeLabel, defaultPalette, toPlanes } from '../formats/image.js';
import {
  buildDataset,
  type Candidate,
  type CreatedDataset,
  checkPercent,
  inDatasetFolder,
  type Progress,
  splitCandidates,
} from './build.js';

export interface ImagesOptions {
  readonly images: string;
  readonly labels: string;
  /** Folders of their own for validation; without them `val` per cent are taken. */
  readonly valImages?: string;
  readonly valLabels?: string;
  /** `RGB` (default): three channels, stored blue, green, red as Caffe has them; `L`: grey. */
  readonly channels?: 'L' | 'RGB';
  /** Per cent for validation; 10. */
  readonly val?: number;
  readonly seed?: number;
  /** Names of the classes, from 0 on. */
  readonly classes?: readonly string[];
  /** Other classes for some values of the label pictures: `[[255, 1]]` makes 0/255 masks two classes. */
  readonly mapLabels?: readonly (readonly [from: number, to: number])[];
  readonly out: string;
  /** Stops it; everything is then as it was. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Creates a data set in `out`; 255 in a label picture is to be ignored; what cannot be read is listed and left out.
 * @throws MokapotError `folder-missing`, `images-none`, `dataset-empty`, `dataset-folder-used`, `dataset-val`.
 */
export async function createImages(options: ImagesOptions): Promise<CreatedDataset> {
  const { out, onProgress, val = 10, seed = 1, classes = [] } = options;
  checkPercent(val);
  const channels = options.channels === 'L' ? 1 : 3;
  const palette = new SharedPalette();
  const reading = { channels, palette, classOf: classTable(options.mapLabels ?? []) } as const;
  const main = await pairPictures(options.images, options.labels, reading);
  const own = options.valImages !== undefined && options.valLabels !== undefined;
  const held = own ? await pairPictures(options.valImages!, options.valLabels!, reading) : undefined;
  const random = new Random(seed);
  const splits = held
    ? { train: splitCandidates(main.candidates, 0, 'image', random).train, val: [...held.candidates] }
    : splitCandidates(main.candidates, val, 'image', random);
  return inDatasetFolder(out, update =>
    buildDataset(splits, [...main.problems, ...(held?.problems ?? [])], {
      update,
      kind: 'images',
      channels,
      seed,
      valPercent: val,
      splitBy: own ? 'folder' : 'image',
      classes,
      palette: () => palette.colors ?? defaultPalette(),
      onProgress,
      ...(options.signal && { signal: options.signal }),
    }),
  );
}

/** @throws MokapotError `label-map` */
function classTable(pairs: NonNullable<ImagesOptions['mapLabels']>): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, value) => value);
  for (const [from, to] of pairs) {
    if ([from, to].some(v => !Number.isInteger(v) || v < 0 || v > 255)) {
      throw fail('label-map', `The label ${from} cannot become ${to}: labels are 0 to 255.`, { hint: 'E.g. 255=1.' });
    }
    table[from] = to;
  }
  return table;
}

/** How pictures and labels are read. */
interface Reading {
  readonly channels: 1 | 3;
  readonly palette: SharedPalette;
  /** The class of each value of a label picture. */
  readonly classOf: Uint8Array;
}

/** The first label's palette; labels with another one mean other classes and stay out. */
class SharedPalette {
  colors: readonly Color[] | undefined;
  private owner: string | undefined;

  check(palette: readonly Color[] | undefined, path: string): void {
    if (this.owner === undefined) {
      this.owner = path;
      this.colors = palette;
      return;
    }
    if (JSON.stringify(palette) === JSON.stringify(this.colors)) return;
    throw fail('label-palette', `The label picture ${path} has another palette than ${this.owner}.`, {
      hint: 'Its numbers may mean other classes: save all label pictures with one palette.',
    });
  }
}

async function pairPictures(images: string, labels: string, reading: Reading) {
  const problems: Diagnostic[] = [];
  const pictures = await findPictures(images, problems);
  const labelFiles = await findPictures(labels, problems);
  const candidates: Candidate[] = [];
  for (const [name, image] of pictures) {
    const label = labelFiles.get(name);
    if (label) candidates.push(makeCandidate(name, image, label, reading));
    else {
      const hint = `A label picture is named as its picture: ${name}.png.`;
      problems.push(error('label-missing', `${image} has no label picture in ${labels}.`, { hint }));
    }
  }
  for (const [name, label] of labelFiles) {
    if (pictures.has(name)) continue;
    const hint = `A picture is named as its label picture: ${name}.png or ${name}.jpg.`;
    problems.push(error('picture-missing', `${label} has no picture in ${images}.`, { hint }));
  }
  return { candidates, problems };
}

/** Name without extension, from the folder → path, in order of name. */
async function findPictures(folder: string, problems: Diagnostic[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await filesUnder(folder, problems)) {
    if (!/\.(png|jpe?g)$/i.test(name)) continue;
    const key = name.replace(/\.[^.]+$/, '');
    const path = join(folder, name);
    const first = found.get(key);
    if (first === undefined) found.set(key, path);
    else {
      const message = `${path} is left out: ${first} has the same name without extension.`;
      const hint = 'Pictures and labels are matched by that name: rename one of the two.';
      problems.push(error('picture-twice', message, { hint }));
    }
  }
  if (found.size === 0) {
    throw fail('images-none', `There are no PNG or JPEG pictures in ${folder}.`, { hint: 'Check the folder.' });
  }
  return found;
}

/** Paths from the folder. Links that would never end are problems. @throws MokapotError `folder-missing` */
export async function filesUnder(folder: string, problems: Diagnostic[]): Promise<readonly string[]> {
  try {
    const { files, loops } = await walkFolder(folder);
    for (const loop of loops) {
      const message = `${join(folder, loop)} is a link to a folder that it lies in; it is not followed.`;
      problems.push(error('link-loop', message, { hint: 'Remove the link.' }));
    }
    return files;
  } catch (cause) {
    throw fileError('folder-missing', 'read', folder, cause);
  }
}

function makeCandidate(name: string, image: string, label: string, reading: Reading): Candidate {
  const { channels, palette, classOf } = reading;
  return {
    name,
    image,
    label,
    async read() {
      const planes = toPlanes(await decodeImage(await readFileAs('file-unreadable', image), image), channels);
      const classes = await decodeLabel(await readFileAs('file-unreadable', label), label);
      if (classes.width !== planes.width || classes.height !== planes.height) {
        const sizes = `${classes.width} × ${classes.height}, its picture ${planes.width} × ${planes.height}`;
        throw fail('label-size', `The label picture ${label} is ${sizes}.`, {
          hint: 'Both must have the same size; scale the label without smoothing (nearest neighbour).',
        });
      }
      palette.check(classes.palette, label);
      return { planes, label: classes.data.map(value => classOf[value]!) };
    },
  };
}

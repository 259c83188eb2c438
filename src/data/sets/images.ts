/** Folders of pictures and label pictures → a data set, matched by name without extension, as DIGITS does. */

import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type Diagnostic, error, fail } from '../../diagnostics/index.js';
import { Random } from '../../random/index.js';
import { fileError } from '../files.js';
import { type Color, decodeImage, decodeLabel, defaultPalette, toPlanes } from '../formats/image.js';
import {
  buildDataset,
  type Candidate,
  type CreatedDataset,
  checkPercent,
  type Progress,
  prepareFolder,
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
  readonly out: string;
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
  const main = await pairPictures(options.images, options.labels, channels, palette);
  const own = options.valImages !== undefined && options.valLabels !== undefined;
  const held = own ? await pairPictures(options.valImages!, options.valLabels!, channels, palette) : undefined;
  await prepareFolder(out);
  const random = new Random(seed);
  const splits = held
    ? { train: splitCandidates(main.candidates, 0, 'image', random).train, val: [...held.candidates] }
    : splitCandidates(main.candidates, val, 'image', random);
  return buildDataset(splits, [...main.problems, ...(held?.problems ?? [])], {
    out,
    kind: 'images',
    channels,
    seed,
    valPercent: val,
    splitBy: own ? 'folder' : 'image',
    classes,
    palette: () => palette.colors ?? defaultPalette(),
    onProgress,
  });
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

async function pairPictures(images: string, labels: string, channels: 1 | 3, palette: SharedPalette) {
  const pictures = await findPictures(images);
  const labelFiles = await findPictures(labels);
  const candidates: Candidate[] = [];
  const problems: Diagnostic[] = [];
  for (const [name, image] of pictures) {
    const label = labelFiles.get(name);
    if (label) candidates.push(makeCandidate(name, image, label, channels, palette));
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
async function findPictures(folder: string): Promise<Map<string, string>> {
  let names: string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch (cause) {
    throw fileError('folder-missing', folder, cause);
  }
  const found = new Map<string, string>();
  for (const name of names.sort()) {
    if (!/\.(png|jpe?g)$/i.test(name)) continue;
    const key = name
      .replace(/\.[^.]+$/, '')
      .split(sep)
      .join('/');
    if (!found.has(key)) found.set(key, join(folder, name));
  }
  if (found.size === 0) {
    throw fail('images-none', `There are no PNG or JPEG pictures in ${folder}.`, { hint: 'Check the folder.' });
  }
  return found;
}

function makeCandidate(name: string, image: string, label: string, channels: 1 | 3, palette: SharedPalette): Candidate {
  return {
    name,
    image,
    label,
    async read() {
      const planes = toPlanes(await decodeImage(await readBytes(image), image), channels);
      const classes = await decodeLabel(await readBytes(label), label);
      if (classes.width !== planes.width || classes.height !== planes.height) {
        const sizes = `${classes.width} × ${classes.height}, its picture ${planes.width} × ${planes.height}`;
        throw fail('label-size', `The label picture ${label} is ${sizes}.`, {
          hint: 'Both must have the same size; scale the label without smoothing (nearest neighbour).',
        });
      }
      palette.check(classes.palette, label);
      return { planes, label: classes.data };
    },
  };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw fileError('file-unreadable', path, cause);
  }
}

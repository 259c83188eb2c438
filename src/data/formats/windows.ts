/**
 * Caffe's WindowData: windows of pictures, foreground and background in a fixed share, each cut out, warped to one size and
 * mirrored by chance (window_data_layer.cpp; R-CNN). A window file holds, for each picture,
 *
 *     # <number, from 0 on>
 *     <file>
 *     <channels> <height> <width>
 *     <number of windows>
 *     <class> <overlap> <x1> <y1> <x2> <y2>     for each window
 */

import { fail, type Source } from '../../diagnostics/index.js';
import { anyFile, type FileAccess } from '../../files/index.js';
import type { Random } from '../../random/index.js';
import { EpochLoader, type Pick } from '../batches/epochs.js';
import type { Batch } from '../batches/loader.js';
import { joined } from '../batches/loader.js';
import { meanOf, type Transform } from '../batches/transform.js';
import { type ListFile, namedOn, placeIn, readListText, readNamed } from './image_list.js';
import { imread } from './imread.js';
import { type BytePlanes, resizeLinear } from './resize.js';

export interface WindowOptions {
  /** An overlap from this on is foreground. */
  readonly fgThreshold: number;
  /** One below this is background; in between it is neither. */
  readonly bgThreshold: number;
  readonly rootFolder: string;
  /** The folder of the prototxt. */
  readonly folder?: string;
  /** Keeps the files in memory once they are read. */
  readonly cacheImages: boolean;
  /** Which of the named files may be opened, and whether messages quote the window file. Default: any, and they do. */
  readonly access?: FileAccess | undefined;
}

export interface WindowLoaderOptions {
  readonly batchSize: number;
  /** The share of the batch that is foreground. */
  readonly fgFraction: number;
  /** Pixels of surroundings on each side, after warping. */
  readonly contextPad: number;
  /** `square`: the window grows to a square first; anything else warps it as it is. */
  readonly cropMode: string;
  /** Factor after the mean: window_data_param's own, transform_param's does not count here. */
  readonly scale: number;
  /** Of which the crop size, the mean and the mirror count. */
  readonly transform: Transform;
  readonly seed: number;
}

interface Window {
  readonly image: WindowImage;
  readonly label: number;
  readonly box: Box;
  readonly line: number;
}

interface WindowImage {
  readonly file: string;
  readonly line: number;
}

/** Both corners belong to it. */
interface Box {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

export class WindowFile {
  private readonly kept = new Map<string, Promise<Uint8Array>>();

  private constructor(
    private readonly list: ListFile,
    readonly foreground: readonly Window[],
    readonly background: readonly Window[],
    private readonly options: WindowOptions,
  ) {}

  /** @throws MokapotError `window-file` with the line that is wrong */
  static async open(path: string, options: WindowOptions): Promise<WindowFile> {
    const { access = anyFile } = options;
    const list: ListFile = { source: { name: path, text: await readListText(path, 'window-file', access) }, access };
    const { foreground, background } = parseWindows(list, options);
    return new WindowFile(list, foreground, background, options);
  }

  get source(): Source {
    return this.list.source;
  }

  /** Windows that may be drawn. */
  get size(): number {
    return this.foreground.length + this.background.length;
  }

  /** A window's picture, blue, green, red. @throws MokapotError `image-list-file`, `image-damaged`, `image-unsupported` */
  async picture({ image: { file, line } }: Window): Promise<BytePlanes> {
    const { rootFolder, folder, cacheImages } = this.options;
    const read = () => readNamed(rootFolder + file, folder, this.list, line);
    const bytes = this.kept.get(file) ?? read();
    if (cacheImages) this.kept.set(file, bytes);
    return imread(await bytes, true, namedOn(this.list, line, rootFolder + file));
  }

  wrong(line: number, message: string, hint: string) {
    return wrongLine(this.list, line, message, hint);
  }
}

/** The messages quote the file's numbers, so where it is not to be quoted the line alone is told. */
function wrongLine(list: ListFile, line: number, message: string, hint: string) {
  const told = list.access.quotes ? message : 'that is not what a window file has there.';
  return fail('window-file', `Line ${line + 1} of ${list.source.name}: ${told}`, { ...placeIn(list, line), hint });
}

const FORM = 'A picture is “# number”, its file, “channels height width”, how many windows follow, and the windows.';

/** The words of a text one by one, each with its line. */
class Words {
  private readonly words: { readonly text: string; readonly line: number }[];
  private at = 0;

  constructor(private readonly list: ListFile) {
    const lines = list.source.text.split('\n');
    this.words = lines.flatMap((text, line) => text.split(/\s+/).flatMap(word => (word ? { text: word, line } : [])));
  }

  get isAtEnd(): boolean {
    return this.at === this.words.length;
  }

  /** Of the next word; at the end, of the last one. */
  get line(): number {
    return this.words[Math.min(this.at, this.words.length - 1)]?.line ?? 0;
  }

  next(what: string): string {
    const word = this.words[this.at];
    if (!word) throw wrongLine(this.list, this.line, `the file ends, and ${what} should follow.`, FORM);
    this.at++;
    return word.text;
  }

  number(what: string): number {
    const { line } = this;
    const text = this.next(what);
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    throw wrongLine(this.list, line, `${what} is no number: ${text}.`, FORM);
  }

  whole(what: string): number {
    const { line } = this;
    const value = this.number(what);
    if (Number.isInteger(value)) return value;
    throw wrongLine(this.list, line, `${what} is ${value}, and a whole number is wanted.`, FORM);
  }
}

function parseWindows(list: ListFile, { fgThreshold, bgThreshold }: WindowOptions) {
  const foreground: Window[] = [];
  const background: Window[] = [];
  const words = new Words(list);
  if (words.isAtEnd) throw fail('window-file', `The window file ${list.source.name} is empty.`, { hint: FORM });
  for (let number = 0; !words.isAtEnd; number++) {
    const image = readImage(words, list, number);
    for (let left = words.whole('the number of windows'); left > 0; left--) {
      const { line } = words;
      const label = words.whole('a class');
      const overlap = Math.fround(words.number('an overlap'));
      const [x1, y1, x2, y2] = ['x1', 'y1', 'x2', 'y2'].map(name => words.whole(name)) as [
        number,
        number,
        number,
        number,
      ];
      const box = { x1, y1, x2, y2 };
      if (x2 < x1 || y2 < y1) throw wrongLine(list, line, `the window's corners are the wrong way round.`, FORM);
      if (overlap >= fgThreshold) {
        if (label <= 0)
          throw wrongLine(
            list,
            line,
            `a foreground window has the class ${label}.`,
            '0 is the background: classes start at 1.',
          );
        foreground.push({ image, label, box, line });
      } else if (overlap < bgThreshold) background.push({ image, label: 0, box, line });
    }
  }
  return { foreground, background };
}

function readImage(words: Words, list: ListFile, number: number): WindowImage {
  const { line } = words;
  if (words.next('“#”') !== '#') throw wrongLine(list, line, 'a picture’s “#” should stand here.', FORM);
  const index = words.whole('a picture’s number');
  if (index !== number) {
    throw wrongLine(
      list,
      line,
      `picture ${number} has the number ${index}.`,
      'Pictures are numbered 0, 1, 2 … in their order.',
    );
  }
  const at = words.line;
  const file = words.next('a picture’s file');
  const sizeAt = words.line;
  const channels = words.whole('the channels');
  words.whole('the height');
  words.whole('the width');
  if (channels === 3) return { file, line: at };
  throw wrongLine(
    list,
    sizeAt,
    `the picture has ${channels} channels.`,
    'WindowData reads every picture in colour: say 3.',
  );
}

interface Drawn {
  readonly window: Window;
  readonly mirror: boolean;
}

/**
 * Batches of windows: first background, then foreground. An "epoch" is a batch, as windows are drawn with replacement.
 * @throws MokapotError `window-file` where a kind that is wanted has no window, `window-crop`
 */
export function windowLoader(file: WindowFile, options: WindowLoaderOptions): EpochLoader<Drawn, Batch> {
  const { batchSize, fgFraction, transform, seed, contextPad } = options;
  const { cropSize = 0, mirror = false } = transform;
  if (cropSize < 1 || 2 * contextPad >= cropSize) {
    const message =
      cropSize < 1
        ? 'WindowData has no crop_size.'
        : `context_pad ${contextPad} on both sides leaves nothing of crop_size ${cropSize}.`;
    throw fail('window-crop', message, { hint: 'Say how large windows become: transform_param { crop_size: 227 }.' });
  }
  const foreground = Math.trunc(Math.fround(Math.fround(batchSize) * Math.fround(fgFraction)));
  const kindOf = (entry: number) => (entry < batchSize - foreground ? 'background' : 'foreground');
  for (const kind of new Set(Array.from({ length: batchSize }, (_, i) => kindOf(i)))) {
    if (file[kind].length > 0) continue;
    throw fail('window-file', `${file.source.name} has no ${kind} windows, and every batch needs some.`, {
      hint: `Change fg_threshold, bg_threshold or fg_fraction; ${foreground} of ${batchSize} are foreground.`,
    });
  }
  return new EpochLoader({
    name: file.source.name,
    size: batchSize,
    batchSize,
    seed,
    draw: (random: Random, entry: number): Drawn => {
      const windows = file[kindOf(entry)];
      const window = windows[random.nextUint32() % windows.length]!;
      return { window, mirror: mirror && random.integer(2) === 1 };
    },
    load: picks => loadWindows(file, picks, { ...options, cropSize }),
  });
}

async function loadWindows(
  file: WindowFile,
  picks: readonly Pick<Drawn>[],
  options: WindowLoaderOptions & { readonly cropSize: number },
): Promise<Batch> {
  const parts = await Promise.all(picks.map(({ draw }) => loadWindow(file, draw, options)));
  const { cropSize } = options;
  return {
    data: joined(parts),
    dataShape: [picks.length, 3, cropSize, cropSize],
    label: Float32Array.from(picks, p => p.draw.window.label),
    labelShape: [picks.length],
    entries: picks.map(p => p.entry),
    names: picks.map(p => `line ${p.draw.window.line + 1} of ${file.source.name}`),
  };
}

/** Where a window's warped pixels go. */
interface Placed {
  readonly box: Box;
  readonly height: number;
  readonly width: number;
  readonly top: number;
  readonly left: number;
}

async function loadWindow(
  file: WindowFile,
  { window, mirror }: Drawn,
  options: WindowLoaderOptions & { readonly cropSize: number },
): Promise<Float32Array> {
  const picture = await file.picture(window);
  const { cropSize, transform, scale } = options;
  const { box, height, width, top, left } = placed(window.box, picture, mirror, options);
  const out = new Float32Array(3 * cropSize * cropSize);
  const isInside = box.x1 >= 0 && box.y1 >= 0 && box.x2 < picture.width && box.y2 < picture.height;
  if (!isInside) {
    throw file.wrong(
      window.line,
      `the window leaves its picture, which is ${picture.height} × ${picture.width}.`,
      'Corners are from 0 to the size less 1.',
    );
  }
  if (height < 1 || width < 1) return out;
  const warped = resizeLinear(cutOut(picture, box), height, width).data;
  const mean = meanOf(transform, [3, cropSize, cropSize], window.image.file);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = warped[(c * height + y) * width + (mirror ? width - 1 - x : x)]!;
        const to = (c * cropSize + y + top) * cropSize + x + left;
        out[to] = Math.fround(value - mean(c, y + top, x + left)) * Math.fround(scale);
      }
    }
  }
  return out;
}

function cutOut({ width, height, data }: BytePlanes, { x1, y1, x2, y2 }: Box): BytePlanes {
  const [w, h] = [x2 - x1 + 1, y2 - y1 + 1];
  const out = new Uint8Array(3 * w * h);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < h; y++) {
      const from = (c * height + y1 + y) * width + x1;
      out.set(data.subarray(from, from + w), (c * h + y) * w);
    }
  }
  return { channels: 3, height: h, width: w, data: out };
}

/** C's round: halves away from 0. */
function round(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

const { fround, max, min } = Math;

/**
 * Without context and square the whole crop. Else the window grows about its centre, so that after warping exactly
 * `contextPad` pixels of surroundings are on each side; what lies beyond the picture's border stays 0.
 */
function placed(
  box: Box,
  picture: BytePlanes,
  mirror: boolean,
  options: WindowLoaderOptions & { cropSize: number },
): Placed {
  const { cropSize, contextPad, cropMode } = options;
  if (contextPad === 0 && cropMode !== 'square') return { box, height: cropSize, width: cropSize, top: 0, left: 0 };
  const isSquare = cropMode === 'square';
  const grown = fround(cropSize / (cropSize - 2 * contextPad));
  const across = axisOf(box.x1, box.x2, isSquare ? box.y2 - box.y1 : 0, picture.width, grown, cropSize);
  const down = axisOf(box.y1, box.y2, isSquare ? box.x2 - box.x1 : 0, picture.height, grown, cropSize);
  const left = mirror ? across.after : across.before;
  return {
    box: { x1: across.first, y1: down.first, x2: across.last, y2: down.last },
    height: min(down.size, cropSize - down.before),
    width: min(across.size, cropSize - left),
    top: down.before,
    left,
  };
}

/** One axis of the grown window: what of it lies in the picture, and, in pixels of the crop, its size and what is beside it. */
function axisOf(from: number, to: number, other: number, size: number, grown: number, cropSize: number) {
  const half = fround((max(to - from, other) + 1) / 2);
  const centre = fround(from + fround((to - from + 1) / 2));
  const [start, end] = [round(fround(centre - fround(half * grown))), round(fround(centre + fround(half * grown)))];
  const before = max(0, -start);
  const after = max(0, end - size + 1);
  const scale = fround(cropSize / (end - start + 1));
  const scaled = (n: number) => round(fround(n * scale));
  const [first, last] = [start + before, end - after];
  return { first, last, size: scaled(last - first + 1), before: scaled(before), after: scaled(after) };
}

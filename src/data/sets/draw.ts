/** Pictures for people: overlays of masks and contours, and a data set's contact sheet. */

import { augment } from '../augment/augment.js';
import type { Recipe } from '../augment/recipe.js';
import { type Color, encodePng, type Raster } from '../formats/image.js';
import type { Dataset, Entry } from './dataset.js';
import { SPLITS } from './manifest.js';

/** Channels × height × width; three channels are blue, green, red. */
interface PictureLike {
  readonly data: Float32Array;
  readonly shape: readonly [channels: number, height: number, width: number];
}

/** Colours of classes 1, 2, … where the palette has none that shows on a grey picture. */
const VIVID: readonly Color[] = [
  [255, 64, 48],
  [64, 160, 255],
  [255, 200, 0],
  [180, 90, 255],
  [0, 210, 140],
  [255, 120, 200],
];
export const TRUTH: Color = [0, 230, 90];

/**
 * Pixels as people see them. Values beyond 0 to 255, and grey pictures that are dark all over (MR), are stretched: the
 * darkest becomes black, the brightest 0.5 % white.
 *
 * @param alike the picture whose values say so
 */
export function toDisplay(picture: PictureLike, alike: PictureLike = picture): Raster {
  const [channels, height, width] = picture.shape;
  const { data } = picture;
  const size = width * height;
  const [low, high] = channels === 3 && inByteRange(alike.data) ? [0, 255] : range(alike.data);
  const scale = 255 / (high - low || 1);
  const out = new Uint8Array(size * 3);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      const value = data[channels === 3 ? (2 - c) * size + i : i]!;
      out[3 * i + c] = Math.max(0, Math.min(255, Math.round((value - low) * scale)));
    }
  }
  return { width, height, channels: 3, data: out };
}

function inByteRange(data: Float32Array): boolean {
  return data.every(v => v >= 0 && v <= 255);
}

function range(data: Float32Array): [number, number] {
  const sorted = Float32Array.from(data).sort();
  return [sorted[0] ?? 0, sorted[Math.floor((sorted.length - 1) * 0.995)] ?? 255];
}

export interface OverlayOptions {
  /** Class indices the network found, height × width. */
  readonly mask: ArrayLike<number>;
  /** Class indices as they are known; drawn as a green outline. */
  readonly truth?: ArrayLike<number>;
  readonly palette?: readonly Color[];
  /** Share of the mask's colour inside of its outline; 0.35. */
  readonly opacity?: number;
  /** Each pixel becomes a square of this side; by default so that the picture is at least 512 wide. */
  readonly zoom?: number;
}

/** A PNG of the picture with the mask filled and outlined, and the known outline in green. */
export function overlayPng(picture: PictureLike, options: OverlayOptions): Uint8Array {
  const { mask, truth, palette, opacity = 0.35 } = options;
  const [, height, width] = picture.shape;
  const zoom = options.zoom ?? Math.max(1, Math.min(8, Math.ceil(512 / width)));
  const canvas = enlarge(toDisplay(picture), zoom);
  const colored = (k: number) => classColor(k, palette);
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      const k = mask[Math.floor(y / zoom) * width + Math.floor(x / zoom)]!;
      if (k > 0 && k !== 255) blend(canvas, x, y, colored(k), opacity);
    }
  }
  drawOutline(canvas, enlargeMask(mask, width, height, zoom), colored);
  if (truth) drawOutline(canvas, enlargeMask(truth, width, height, zoom), () => TRUTH);
  return encodePng(canvas);
}

export function classColor(k: number, palette: readonly Color[] | undefined): Color {
  const own = palette?.[k];
  const shows = own && Math.max(...own) - Math.min(...own) > 60;
  return shows ? own : VIVID[(k - 1) % VIVID.length]!;
}

export function blend(canvas: Raster, x: number, y: number, color: Color, share: number): void {
  const at = 3 * (y * canvas.width + x);
  for (let c = 0; c < 3; c++) canvas.data[at + c] = Math.round(canvas.data[at + c]! * (1 - share) + color[c]! * share);
}

function enlarge(image: Raster, zoom: number): Raster {
  const width = image.width * zoom;
  const height = image.height * zoom;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * (Math.floor(y / zoom) * image.width + Math.floor(x / zoom));
      data.set(image.data.subarray(from, from + 3), 3 * (y * width + x));
    }
  }
  return { width, height, channels: 3, data };
}

function enlargeMask(mask: ArrayLike<number>, width: number, height: number, zoom: number): Uint8Array {
  const out = new Uint8Array(width * zoom * height * zoom);
  for (let i = 0; i < out.length; i++) {
    const y = Math.floor(i / (width * zoom));
    out[i] = mask[Math.floor(y / zoom) * width + Math.floor((i - y * width * zoom) / zoom)]!;
  }
  return out;
}

/** Colours each class's pixels that touch another class. */
export function drawOutline(canvas: Raster, mask: Uint8Array, color: (k: number) => Color): void {
  const { width, height } = canvas;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const k = mask[y * width + x]!;
      if (k === 0 || k === 255) continue;
      const differs = (dx: number, dy: number) => {
        const [nx, ny] = [x + dx, y + dy];
        return nx < 0 || ny < 0 || nx >= width || ny >= height || mask[ny * width + nx] !== k;
      };
      if (differs(-1, 0) || differs(1, 0) || differs(0, -1) || differs(0, 1)) blend(canvas, x, y, color(k), 1);
    }
  }
}

export interface SheetOptions {
  /** Pictures side by side; 10. */
  readonly columns?: number;
  /** Pictures at most, evenly taken from both splits; 60. */
  readonly max?: number;
  /** Side of a cell in pixels; 160. */
  readonly cell?: number;
  /** Rows are training pictures, each followed by what becomes of it in the first epochs. */
  readonly augment?: { readonly recipe: Recipe; readonly seed: number };
}

export const GAP = 4;
const TRAIN_FRAME: Color = [60, 60, 60];
const VAL_FRAME: Color = [230, 170, 0];

/** A PNG of a data set's pictures with their contours; validation entries have an amber frame. */
export async function contactSheet(dataset: Dataset, options: SheetOptions = {}): Promise<Uint8Array> {
  const { max = 60, cell = 160, augment } = options;
  if (augment) return augmentedSheet(dataset, augment, options);
  const all = SPLITS.flatMap(name => dataset.manifest.splits[name].entries.map((_, position) => ({ name, position })));
  const count = Math.min(max, all.length);
  const chosen = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
  const columns = Math.max(1, Math.min(options.columns ?? 10, count));
  const sheet = blankSheet(Math.ceil(count / columns), columns, cell);
  for (const [i, { name, position }] of chosen.entries()) {
    const entry = await (await dataset.split(name)).entry(position);
    const place = { row: Math.floor(i / columns), column: i % columns, cell };
    drawCell(sheet, place, name === 'val' ? VAL_FRAME : TRAIN_FRAME, entry, dataset.manifest.palette);
  }
  return encodePng(sheet);
}

function blankSheet(rows: number, columns: number, cell: number): Raster {
  const width = columns * (cell + GAP) + GAP;
  const height = rows * (cell + GAP) + GAP;
  return { width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(24) };
}

/** A row for each training picture: as it is, then as the first epochs of a run see it. Its values show as in the original. */
async function augmentedSheet(
  dataset: Dataset,
  { recipe, seed }: NonNullable<SheetOptions['augment']>,
  { max = 60, cell = 160, columns = 8 }: SheetOptions,
): Promise<Uint8Array> {
  const split = await dataset.split('train');
  const { palette } = dataset.manifest;
  const rows = Math.min(split.size, Math.max(1, Math.floor(max / columns)));
  const sheet = blankSheet(rows, columns, cell);
  for (let row = 0; row < rows; row++) {
    const position = Math.floor((row * split.size) / rows);
    const entry = await split.entry(position);
    drawCell(sheet, { row, column: 0, cell }, VAL_FRAME, entry, palette);
    for (let column = 1; column < columns; column++) {
      const key = { seed, epoch: column - 1, entry: position, turn: 0 };
      drawCell(sheet, { row, column, cell }, TRAIN_FRAME, augment({ entry, key }, recipe), palette, entry);
    }
  }
  return encodePng(sheet);
}

interface Cell {
  readonly row: number;
  readonly column: number;
  readonly cell: number;
}

function frame(sheet: Raster, left: number, top: number, cell: number, color: Color): void {
  for (let i = -1; i <= cell; i++) {
    blend(sheet, left + i, top - 1, color, 1);
    blend(sheet, left + i, top + cell, color, 1);
    blend(sheet, left - 1, top + i, color, 1);
    blend(sheet, left + cell, top + i, color, 1);
  }
}

/** @param alike the entry by whose values it is shown */
function drawCell(
  sheet: Raster,
  { row, column, cell }: Cell,
  color: Color,
  entry: Entry,
  palette: readonly Color[],
  alike = entry,
): void {
  const [left, top] = [GAP + column * (cell + GAP), GAP + row * (cell + GAP)];
  frame(sheet, left, top, cell, color);
  const [, height, width] = entry.shape;
  const scale = cell / Math.max(width, height);
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const small = resize(toDisplay(entry, alike), w, h);
  const mask = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      mask[y * w + x] =
        entry.label[Math.floor(((y + 0.5) * height) / h) * width + Math.floor(((x + 0.5) * width) / w)]!;
    }
  }
  drawOutline(small, mask, k => classColor(k, palette));
  const [dx, dy] = [left + ((cell - w) >> 1), top + ((cell - h) >> 1)];
  for (let y = 0; y < h; y++) {
    sheet.data.set(small.data.subarray(3 * y * w, 3 * (y + 1) * w), 3 * ((dy + y) * sheet.width + dx));
  }
}

/** By averaging the pixels that fall into one. */
export function resize(image: Raster, width: number, height: number): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const y0 = Math.floor((y * image.height) / height);
    const y1 = Math.max(y0 + 1, Math.floor(((y + 1) * image.height) / height));
    for (let x = 0; x < width; x++) {
      const x0 = Math.floor((x * image.width) / width);
      const x1 = Math.max(x0 + 1, Math.floor(((x + 1) * image.width) / width));
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let v = y0; v < y1; v++) for (let u = x0; u < x1; u++) sum += image.data[3 * (v * image.width + u) + c]!;
        data[3 * (y * width + x) + c] = Math.round(sum / ((y1 - y0) * (x1 - x0)));
      }
    }
  }
  return { width, height, channels: 3, data };
}

/** A sheet of pictures with what a network found in them, filled and outlined, and the known outline; a bar tells how well they agree. */

import { type Color, encodePng, type Raster } from '../formats/image.js';
import { blend, classColor, drawOutline, GAP, resize, TRUTH, toDisplay } from './draw.js';

/** A picture and its label, as they were fed. */
export interface SheetPicture {
  /** Channels × height × width; three channels are blue, green, red. */
  readonly data: Float32Array;
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Class numbers, height × width. */
  readonly label: ArrayLike<number>;
}

export interface PredictionSheetOptions {
  /** Pictures side by side; 4. */
  readonly columns?: number;
  /** Side of a cell in pixels; 192. */
  readonly cell?: number;
  readonly palette?: readonly Color[];
}

/** Rows of a cell's bar. */
const BAR = 4;
const DIM: Color = [70, 70, 70];

/** The same pictures again and again, each time with other masks: what does not change is drawn once. */
export class PredictionSheet {
  private readonly cells: readonly Raster[];
  private readonly columns: number;
  private readonly cell: number;

  constructor(
    private readonly pictures: readonly SheetPicture[],
    private readonly options: PredictionSheetOptions = {},
  ) {
    this.columns = Math.max(1, Math.min(options.columns ?? 4, pictures.length));
    this.cell = options.cell ?? 192;
    this.cells = pictures.map(picture => resize(toDisplay(picture), ...this.sizeOf(picture)));
  }

  /** A PNG. @param masks class numbers, height × width, a picture each */
  png(masks: readonly ArrayLike<number>[]): Uint8Array {
    const [across, down] = [this.cell + GAP, this.cell + BAR + GAP];
    const width = this.columns * across + GAP;
    const height = Math.ceil(this.pictures.length / this.columns) * down + GAP;
    const sheet: Raster = { width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(24) };
    for (const [i, picture] of this.pictures.entries()) {
      const [left, top] = [GAP + (i % this.columns) * across, GAP + Math.floor(i / this.columns) * down];
      this.paint(sheet, left, top, this.drawn(i, masks[i]!));
      this.bar(sheet, left, top + this.cell, agreement(masks[i]!, picture.label));
    }
    return encodePng(sheet);
  }

  private sizeOf({ shape: [, height, width] }: SheetPicture): [width: number, height: number] {
    const scale = this.cell / Math.max(width, height);
    return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  }

  private drawn(i: number, mask: ArrayLike<number>): Raster {
    const { shape, label } = this.pictures[i]!;
    const still = this.cells[i]!;
    const canvas: Raster = { ...still, data: still.data.slice() };
    const found = nearest(mask, shape, canvas);
    const colour = (k: number) => classColor(k, this.options.palette);
    found.forEach((k, at) => {
      if (k > 0 && k !== 255) blend(canvas, at % canvas.width, Math.floor(at / canvas.width), colour(k), 0.35);
    });
    drawOutline(canvas, found, colour);
    drawOutline(canvas, nearest(label, shape, canvas), () => TRUTH);
    return canvas;
  }

  private paint(sheet: Raster, left: number, top: number, picture: Raster): void {
    const { width: w, height: h, data } = picture;
    const [dx, dy] = [left + ((this.cell - w) >> 1), top + ((this.cell - h) >> 1)];
    for (let y = 0; y < h; y++)
      sheet.data.set(data.subarray(3 * y * w, 3 * (y + 1) * w), 3 * ((dy + y) * sheet.width + dx));
  }

  private bar(sheet: Raster, left: number, top: number, share: number): void {
    for (let x = 0; x < this.cell; x++)
      for (let y = 1; y < BAR; y++) blend(sheet, left + x, top + y, x < share * this.cell ? TRUTH : DIM, 1);
  }
}

/** A mask at the size of a canvas. */
function nearest(
  mask: ArrayLike<number>,
  [, height, width]: SheetPicture['shape'],
  { width: w, height: h }: Raster,
): Uint8Array {
  const out = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    const from = Math.floor(((y + 0.5) * height) / h) * width;
    for (let x = 0; x < w; x++) out[y * w + x] = mask[from + Math.floor(((x + 0.5) * width) / w)]!;
  }
  return out;
}

/** Dice of all classes but 0 together: twice the pixels in which both have the same class, over those of each; 1 where neither has any. */
export function agreement(mask: ArrayLike<number>, label: ArrayLike<number>, ignored = 255): number {
  let [both, all] = [0, 0];
  for (let i = 0; i < label.length; i++) {
    const [found, known] = [mask[i]!, label[i]!];
    if (known === ignored) continue;
    if (found > 0) all++;
    if (known > 0) all++;
    if (known > 0 && found === known) both += 2;
  }
  return all === 0 ? 1 : both / all;
}

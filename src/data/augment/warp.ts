/**
 * All geometry in one resampling: for each pixel of the result the place in the source that it comes from, once for picture
 * and label. The picture is read there bilinearly, the label from the nearest pixel.
 */

import type { Motion } from './draw.js';
import { lattice, latticeSize, STEP } from './field.js';
import type { Border } from './recipe.js';

/** Channels × height × width. */
export interface Planes {
  readonly data: Float32Array;
  readonly shape: readonly [channels: number, height: number, width: number];
}

/** What is cut out, and what lies beyond the edges. */
export interface Frame {
  /** Of the result. */
  readonly height: number;
  readonly width: number;
  /** Its first row and column in the source, where nothing moves. */
  readonly top: number;
  readonly left: number;
  readonly border: Border;
}

/** Where pixels come from: sx = originX + xx · x + xy · y, sy alike, plus the elastic displacements. */
interface Source {
  readonly originX: number;
  readonly originY: number;
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  /** Displacements in pixels at the places of a lattice. */
  readonly elastic: { readonly down: Float64Array; readonly across: Float64Array } | undefined;
}

/** Planes to resample, how, and where the result goes. */
export interface Layer {
  readonly from: Planes;
  readonly to: Float32Array;
  readonly nearest: boolean;
  /** Beyond the edges, where the border is CONSTANT. */
  readonly fill: number;
}

/** Resamples all layers alike. */
export function warp(layers: readonly Layer[], motion: Motion, frame: Frame): void {
  const source = sourceOf(motion, frame);
  const { height, width, border } = frame;
  if (isUpright(source) && fits(layers, source, frame)) {
    for (const layer of layers) copy(layer, source, frame);
    return;
  }
  const columns = latticeSize(width);
  const [xs, ys] = [new Float64Array(columns), new Float64Array(columns)];
  for (let y = 0; y < height; y++) {
    placesOfRow(source, y, xs, ys);
    for (const layer of layers) resampleRow(layer, y, height, width, xs, ys, border);
  }
}

/** Whether pictures are at most flipped and shifted by whole pixels: then pixels are copied. */
function isUpright({ originX, originY, xx, xy, yx, yy, elastic }: Source): boolean {
  const flips = xy === 0 && yx === 0 && Math.abs(xx) === 1 && Math.abs(yy) === 1;
  return flips && !elastic && Number.isInteger(originX) && Number.isInteger(originY);
}

/** Whether all that is copied is there. */
function fits(layers: readonly Layer[], { originX, originY, xx, yy }: Source, { height, width }: Frame): boolean {
  const [endX, endY] = [originX + xx * (width - 1), originY + yy * (height - 1)];
  if (Math.min(originX, originY, endX, endY) < 0) return false;
  return layers.every(
    ({ from: { shape } }) => Math.max(originY, endY) < shape[1] && Math.max(originX, endX) < shape[2],
  );
}

function copy({ from, to }: Layer, { originX, originY, xx, yy }: Source, { height, width }: Frame): void {
  const [channels, rows, columns] = from.shape;
  const first = xx === 1 ? originX : originX - width + 1;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const at = (c * rows + originY + yy * y) * columns + first;
      const start = (c * height + y) * width;
      to.set(from.data.subarray(at, at + width), start);
      if (xx === -1) to.subarray(start, start + width).reverse();
    }
  }
}

/** The inverse of: scale along the own axes, shear, turn, flip, shift; all about the middle of what is cut out. */
function sourceOf(motion: Motion, { height, width, top, left }: Frame): Source {
  const { flipX, flipY, rotation, scaleX, scaleY, shiftX, shiftY, shearX, shearY, elastic } = motion;
  const [cos, sin] = [exactly(Math.cos(radians(rotation))), exactly(Math.sin(radians(rotation)))];
  const [fx, fy] = [flipX ? -1 : 1, flipY ? -1 : 1];
  // Turned back after unflipping.
  const [rxx, rxy, ryx, ryy] = [cos * fx, -sin * fy, sin * fx, cos * fy];
  const [tx, ty] = [exactly(Math.tan(radians(shearX))), exactly(Math.tan(radians(shearY)))];
  const det = 1 - tx * ty;
  const xx = (rxx - tx * ryx) / det / scaleX;
  const xy = (rxy - tx * ryy) / det / scaleX;
  const yx = (ryx - ty * rxx) / det / scaleY;
  const yy = (ryy - ty * rxy) / det / scaleY;
  const [midX, midY] = [(width - 1) / 2, (height - 1) / 2];
  const [fromX, fromY] = [midX + shiftX * width, midY + shiftY * height];
  return {
    originX: left + midX - xx * fromX - xy * fromY,
    originY: top + midY - yx * fromX - yy * fromY,
    ...{ xx, xy, yx, yy },
    elastic: elastic && {
      down: lattice(elastic[0], height, width, height),
      across: lattice(elastic[1], height, width, width),
    },
  };
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Quarter turns move whole pixels: 6e-17 is 0. */
function exactly(value: number): number {
  const near = Math.round(value);
  return Math.abs(value - near) < 1e-12 ? near + 0 : value;
}

/** The places in the source of every STEP-th pixel of a row. */
function placesOfRow(
  { originX, originY, xx, xy, yx, yy, elastic }: Source,
  y: number,
  xs: Float64Array,
  ys: Float64Array,
) {
  const columns = xs.length;
  const [startX, startY] = [originX + xy * y, originY + yy * y];
  for (let k = 0; k < columns; k++) {
    xs[k] = startX + xx * (k * STEP);
    ys[k] = startY + yx * (k * STEP);
  }
  if (!elastic) return;
  const { down, across } = elastic;
  const row = Math.floor(y / STEP);
  const share = (y - row * STEP) / STEP;
  for (let k = 0, at = row * columns; k < columns; k++, at++) {
    xs[k] = xs[k]! + across[at]! + share * (across[at + columns]! - across[at]!);
    ys[k] = ys[k]! + down[at]! + share * (down[at + columns]! - down[at]!);
  }
}

/** A row of a layer, in runs of STEP pixels whose places lie on a line. */
function resampleRow(
  { from, to, fill, nearest }: Layer,
  y: number,
  height: number,
  width: number,
  xs: Float64Array,
  ys: Float64Array,
  border: Border,
): void {
  const data = from.data;
  const rows = from.shape[1];
  const columns = from.shape[2];
  // Half a pixel on: what is cut off then is the nearest, and it needs no neighbour.
  const half = nearest ? 0.5 : 0;
  const spare = nearest ? 1 : 0;
  for (let k = 0, x = 0; x < width; k++, x += RUN) {
    const count = Math.min(RUN, width - x);
    const sx = xs[k]! + half;
    const sy = ys[k]! + half;
    const dx = (xs[k + 1]! - xs[k]!) / RUN;
    const dy = (ys[k + 1]! - ys[k]!) / RUN;
    const endX = sx + (count - 1) * dx;
    const endY = sy + (count - 1) * dy;
    const inside = isInside(sx, endX, columns + spare) && isInside(sy, endY, rows + spare);
    const outside = border === 'CONSTANT' && (isOutside(sx, endX, columns) || isOutside(sy, endY, rows));
    for (let c = 0; c < from.shape[0]; c++) {
      const plane = c * rows * columns;
      const at = (c * height + y) * width + x;
      if (outside) to.fill(fill, at, at + count);
      else if (inside && nearest) nearestInside(data, plane, columns, to, at, count, sx, sy, dx, dy);
      else if (inside) bilinearInside(data, plane, columns, to, at, count, sx, sy, dx, dy);
      else if (nearest) nearestAcross(data, plane, rows, columns, to, at, count, sx, sy, dx, dy, border, fill);
      else bilinearAcross(data, plane, rows, columns, to, at, count, sx, sy, dx, dy, border, fill);
    }
  }
}

/** STEP as this module's own: where modules are translated for Node.js, another's is looked up at each use. */
const RUN = STEP;

/** Whether both ends of a line, and so all of it, have a neighbour on either side. */
function isInside(start: number, end: number, count: number): boolean {
  return start >= 0 && end >= 0 && start < count - 1 && end < count - 1;
}

/** Whether all of a line lies so far to one side that no pixel has a share in it. */
function isOutside(start: number, end: number, count: number): boolean {
  return (start <= -1 && end <= -1) || (start >= count && end >= count);
}

function bilinearInside(
  data: Float32Array,
  plane: number,
  columns: number,
  to: Float32Array,
  at: number,
  count: number,
  sx: number,
  sy: number,
  dx: number,
  dy: number,
): void {
  for (let i = 0; i < count; i++) {
    // Not added up step by step: the last pixel lies where it was found to be inside.
    const px = sx + i * dx;
    const py = sy + i * dy;
    const x = px | 0;
    const y = py | 0;
    const p = plane + y * columns + x;
    const q = p + columns;
    const fx = px - x;
    const a = data[p]!;
    const b = data[q]!;
    const upper = a + fx * (data[p + 1]! - a);
    const lower = b + fx * (data[q + 1]! - b);
    to[at + i] = upper + (py - y) * (lower - upper);
  }
}

function bilinearAcross(
  data: Float32Array,
  plane: number,
  rows: number,
  columns: number,
  to: Float32Array,
  at: number,
  count: number,
  sx: number,
  sy: number,
  dx: number,
  dy: number,
  border: Border,
  fill: number,
): void {
  for (let i = 0; i < count; i++) {
    const px = sx + i * dx;
    const py = sy + i * dy;
    const x = Math.floor(px);
    const y = Math.floor(py);
    if (border === 'CONSTANT' && (x < -1 || y < -1 || x >= columns || y >= rows)) {
      to[at + i] = fill;
      continue;
    }
    const fx = px - x;
    const x0 = indexOf(x, columns, border);
    const x1 = indexOf(x + 1, columns, border);
    const y0 = indexOf(y, rows, border);
    const y1 = indexOf(y + 1, rows, border);
    const upperRow = plane + y0 * columns;
    const lowerRow = plane + y1 * columns;
    const a = x0 < 0 || y0 < 0 ? fill : data[upperRow + x0]!;
    const b = x1 < 0 || y0 < 0 ? fill : data[upperRow + x1]!;
    const c = x0 < 0 || y1 < 0 ? fill : data[lowerRow + x0]!;
    const d = x1 < 0 || y1 < 0 ? fill : data[lowerRow + x1]!;
    const upper = a + fx * (b - a);
    to[at + i] = upper + (py - y) * (c + fx * (d - c) - upper);
  }
}

/** The row or column that stands for `i`, which may lie outside; −1: the fill. */
function indexOf(i: number, count: number, border: Border): number {
  if (i >= 0 && i < count) return i;
  if (border === 'CONSTANT') return -1;
  if (border === 'EDGE' || count === 1) return i < 0 ? 0 : count - 1;
  const period = 2 * (count - 1);
  const inPeriod = ((i % period) + period) % period;
  return inPeriod < count ? inPeriod : period - inPeriod;
}

function nearestInside(
  data: Float32Array,
  plane: number,
  columns: number,
  to: Float32Array,
  at: number,
  count: number,
  sx: number,
  sy: number,
  dx: number,
  dy: number,
): void {
  for (let i = 0; i < count; i++) to[at + i] = data[plane + ((sy + i * dy) | 0) * columns + ((sx + i * dx) | 0)]!;
}

function nearestAcross(
  data: Float32Array,
  plane: number,
  rows: number,
  columns: number,
  to: Float32Array,
  at: number,
  count: number,
  sx: number,
  sy: number,
  dx: number,
  dy: number,
  border: Border,
  fill: number,
): void {
  for (let i = 0; i < count; i++) {
    const u = indexOf(Math.floor(sx + i * dx), columns, border);
    const v = indexOf(Math.floor(sy + i * dy), rows, border);
    to[at + i] = u < 0 || v < 0 ? fill : data[plane + v * columns + u]!;
  }
}

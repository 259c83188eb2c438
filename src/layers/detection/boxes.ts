/**
 * Boxes as SSD has them (bbox_util.cpp): corners in shares of the picture, coded against priors. Overlaps are counted in
 * 32-bit floats, as there, so that a threshold cuts between the same boxes.
 */

import { PriorBoxParameter } from '../../schema/index.js';

/** xmin, ymin, xmax, ymax */
export type Box = readonly [number, number, number, number];

const { CORNER, CENTER_SIZE } = PriorBoxParameter.CodeType;
const f = Math.fround;

export function boxAt(data: Float32Array, at: number): Box {
  return [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
}

/** A prior and how much each of its four code numbers counts. */
export interface Prior {
  readonly box: Box;
  readonly variance: Box;
}

/** The priors of a blob [1, 2, count · 4]: corners, then variances. */
export function priorsOf(data: Float32Array): readonly Prior[] {
  const count = data.length / 8;
  return Array.from({ length: count }, (_, p) => ({ box: boxAt(data, 4 * p), variance: boxAt(data, 4 * (count + p)) }));
}

export const UNIT: Box = [1, 1, 1, 1];

function size([x1, y1, x2, y2]: Box): readonly [number, number] {
  return [f(x2 - x1), f(y2 - y1)];
}

function centre([x1, y1, x2, y2]: Box): readonly [number, number] {
  return [f((x1 + x2) / 2), f((y1 + y2) / 2)];
}

function rounded(box: readonly number[]): Box {
  return box.map(f) as unknown as Box;
}

/** The box that `code` makes of a prior (DecodeBBox). */
export function decode(prior: Box, variance: Box, code: Box, type: number): Box {
  const [x1, y1, x2, y2] = prior;
  const [a, b, c, d] = code.map((v, i) => f(v * variance[i]!)) as unknown as Box;
  if (type === CORNER) return rounded([x1 + a, y1 + b, x2 + c, y2 + d]);
  const [width, height] = size(prior);
  if (type !== CENTER_SIZE) return rounded([x1 + a * width, y1 + b * height, x2 + c * width, y2 + d * height]);
  const [px, py] = centre(prior);
  const [cx, cy] = [f(f(a * width) + px), f(f(b * height) + py)];
  const [w, h] = [f(f(Math.exp(c)) * width), f(f(Math.exp(d)) * height)];
  return rounded([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]);
}

/** The code that makes `box` of a prior (EncodeBBox). */
export function encode(prior: Box, variance: Box, box: Box, type: number): Box {
  const offsets = box.map((v, i) => f(v - prior[i]!));
  const over = (code: readonly number[]) => rounded(code.map((v, i) => f(v) / variance[i]!));
  if (type === CORNER) return over(offsets);
  const [width, height] = size(prior);
  if (type !== CENTER_SIZE) return over(offsets.map((v, i) => v / (i % 2 === 0 ? width : height)));
  const [[px, py], [cx, cy], [w, h]] = [centre(prior), centre(box), size(box)];
  return over([f(cx - px) / width, f(cy - py) / height, Math.log(f(w / width)), Math.log(f(h / height))]);
}

/** 0 of a box whose corners have changed places (BBoxSize). */
export function area(box: Box): number {
  if (box[2] < box[0] || box[3] < box[1]) return 0;
  return f(f(box[2] - box[0]) * f(box[3] - box[1]));
}

/** Intersection over union (JaccardOverlap). */
export function overlap(a: Box, b: Box): number {
  const width = f(Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = f(Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  if (!(width > 0 && height > 0)) return 0;
  const shared = f(width * height);
  return f(shared / f(f(area(a) + area(b)) - shared));
}

/** Whether a corner lies outside the picture. */
export function crossesBorder(box: Box): boolean {
  return box.some(v => v < 0 || v > 1);
}

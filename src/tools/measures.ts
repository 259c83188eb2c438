/**
 * How well a segmentation agrees with another one: overlap, distances of surfaces, agreement of volumes. On arrays of class
 * numbers, row by row; no files, no networks. Which definition each is, and what it is where there is nothing to measure,
 * stands in docs/evaluate.md.
 */

import { fail } from '../diagnostics/index.js';
import { contoursOf, meanDistance } from './contours.js';
import { distanceTo } from './distance.js';

/** Class numbers of a picture, row by row. */
export interface LabelPicture {
  /** Class numbers, height × width of them. */
  readonly data: ArrayLike<number>;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/** Which class is measured, and in which unit. */
export interface MeasureOptions {
  /** The class. Default: 1. */
  readonly of?: number;
  /** Pixels that the truth labels so count nowhere. Default: 255. */
  readonly ignore?: number;
  /** Size of a pixel, down and across, in the unit of the distances. Default: 1, so that distances are in pixels. */
  readonly spacing?: readonly [down: number, across: number];
}

/** Numbers of pixels of one class, which can be summed over the slices of a volume. */
export interface Overlap {
  /** In the prediction. */
  readonly predicted: number;
  /** In the truth. */
  readonly truth: number;
  /** In both. */
  readonly both: number;
}

/** Counts the pixels of a class. @throws MokapotError `measure-size` where the pictures differ in size */
export function overlap(prediction: LabelPicture, truth: LabelPicture, options: MeasureOptions = {}): Overlap {
  checkSizes(prediction, truth);
  const { of = 1, ignore = 255 } = options;
  let [predicted, labelled, both] = [0, 0, 0];
  for (let i = 0; i < prediction.data.length; i++) {
    const l = truth.data[i]!;
    if (l === ignore) continue;
    const isPredicted = prediction.data[i] === of;
    if (isPredicted) predicted++;
    if (l === of) labelled++;
    if (isPredicted && l === of) both++;
  }
  return { predicted, truth: labelled, both };
}

/** Counts of several slices as those of one volume. */
export function sumOverlaps(overlaps: Iterable<Overlap>): Overlap {
  let sum: Overlap = { predicted: 0, truth: 0, both: 0 };
  for (const { predicted, truth, both } of overlaps) {
    sum = { predicted: sum.predicted + predicted, truth: sum.truth + truth, both: sum.both + both };
  }
  return sum;
}

/** Dice coefficient 2·|P∩T| / (|P| + |T|), 0 to 1; NaN where neither has the class, 0 where one has it. */
export function diceOf({ predicted, truth, both }: Overlap): number {
  return (2 * both) / (predicted + truth);
}

/** Intersection over union |P∩T| / |P∪T|, 0 to 1 (Jaccard's index); NaN where neither has the class, 0 where one has it. */
export function iouOf({ predicted, truth, both }: Overlap): number {
  return both / (predicted + truth - both);
}

/** Distances between the edges of two segmentations of one class, in the unit of `spacing`. */
export interface SurfaceDistances {
  /** The greatest (Hausdorff). */
  readonly hausdorff: number;
  /** The greater of both directions' 95th percentiles. */
  readonly hausdorff95: number;
  /** The mean over the edge pixels of both (ASSD). */
  readonly average: number;
}

/**
 * Distances from each edge pixel of one segmentation to the nearest of the other, both ways, between the pixels' middles:
 * MONAI's HausdorffDistanceMetric (without and with `percentile=95`) and SurfaceDistanceMetric (`symmetric=True`). An edge
 * pixel is one of the class with a neighbour above, below, left or right that is not, or beyond the picture.
 *
 * @returns all of them NaN where neither has the class, Infinity where one has it
 * @throws MokapotError `measure-size` where the pictures differ in size
 */
export function surfaceDistances(
  prediction: LabelPicture,
  truth: LabelPicture,
  options: MeasureOptions = {},
): SurfaceDistances {
  const [a, b] = masksOf(prediction, truth, options).map(edgesOf) as [Edges, Edges];
  const nothing = a.count === 0 && b.count === 0 ? Number.NaN : Number.POSITIVE_INFINITY;
  if (a.count === 0 || b.count === 0) return { hausdorff: nothing, hausdorff95: nothing, average: nothing };
  const { spacing = [1, 1] } = options;
  const there = distanceTo(b.mask, b, spacing)
    .filter((_, i) => a.mask[i] === 1)
    .sort();
  const back = distanceTo(a.mask, a, spacing)
    .filter((_, i) => b.mask[i] === 1)
    .sort();
  return {
    hausdorff: Math.max(there.at(-1)!, back.at(-1)!),
    hausdorff95: Math.max(percentile(there, 95), percentile(back, 95)),
    average: (sum(there) + sum(back)) / (there.length + back.length),
  };
}

/**
 * Average perpendicular distance of the Sunnybrook challenge: the mean over the points of the prediction's contour of the
 * distance to the truth's contour, a closed line (not to its points alone). Contours run half-way between the pixels of
 * the class and the others; a point lies wherever one crosses the line between two pixels' middles.
 *
 * @returns in the unit of `spacing`; NaN where neither has the class, Infinity where one has it
 * @throws MokapotError `measure-size` where the pictures differ in size
 */
export function perpendicularDistance(
  prediction: LabelPicture,
  truth: LabelPicture,
  options: MeasureOptions = {},
): number {
  const { spacing = [1, 1] } = options;
  const [from, to] = masksOf(prediction, truth, options).map(mask => contoursOf(mask, spacing));
  if (from!.length === 0 && to!.length === 0) return Number.NaN;
  return from!.length === 0 || to!.length === 0 ? Number.POSITIVE_INFINITY : meanDistance(from!, to!);
}

/** In millimetres: a contour nearer than this in the mean is good (Radau et al., the challenge's evaluation). */
export const GOOD_CONTOUR_MM = 5;

/** Bland and Altman's agreement of two ways to measure one quantity, in its unit. */
export interface BlandAltman {
  /** Mean of the differences, prediction less truth. */
  readonly bias: number;
  /** Their standard deviation (n − 1); NaN of fewer than two. */
  readonly deviation: number;
  /** bias − 1.96·deviation: 95 % of differences lie between the two limits if they are normally distributed. */
  readonly lower: number;
  /** bias + 1.96·deviation. */
  readonly upper: number;
  /** How many pairs. */
  readonly count: number;
}

/** Of pairs of a measured and a true value. */
export function blandAltman(pairs: readonly { readonly predicted: number; readonly truth: number }[]): BlandAltman {
  const { mean: bias, deviation, count } = summary(pairs.map(p => p.predicted - p.truth));
  return { bias, deviation, lower: bias - 1.96 * deviation, upper: bias + 1.96 * deviation, count };
}

/** Of a list of numbers, those left out that are none or infinite. */
export interface Summary {
  /** NaN of none. */
  readonly mean: number;
  /** Standard deviation (n − 1); NaN of fewer than two. */
  readonly deviation: number;
  /** NaN of none. */
  readonly median: number;
  /** How many count. */
  readonly count: number;
}

/** Mean, standard deviation and median of the numbers that are finite. */
export function summary(values: Iterable<number>): Summary {
  const finite = Float64Array.from([...values].filter(Number.isFinite)).sort();
  const count = finite.length;
  const mean = sum(finite) / count;
  const squares = finite.reduce((total, v) => total + (v - mean) ** 2, 0);
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : Number.NaN;
  return { mean, deviation, median: count > 0 ? percentile(finite, 50) : Number.NaN, count };
}

/**
 * The class numbers with, of each class but 0, only its largest connected part (8 neighbours); the rest becomes 0. Of
 * parts of one size the first stays, from the top and from the left.
 */
export function largestComponents({ data, width, height }: LabelPicture): Uint8Array {
  const out = Uint8Array.from(data);
  const part = new Int32Array(out.length).fill(-1);
  const sizes: number[] = [];
  const best = new Map<number, number>();
  const stack = new Int32Array(out.length);
  for (let start = 0; start < out.length; start++) {
    const of = out[start]!;
    if (of === 0 || part[start] !== -1) continue;
    const id = sizes.length;
    let [size, depth] = [0, 0];
    stack[depth++] = start;
    part[start] = id;
    while (depth > 0) {
      const at = stack[--depth]!;
      size++;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const next = v * width + u;
          if (part[next] !== -1 || out[next] !== of) continue;
          part[next] = id;
          stack[depth++] = next;
        }
      }
    }
    sizes.push(size);
    const before = best.get(of);
    if (before === undefined || size > sizes[before]!) best.set(of, id);
  }
  return out.map((of, i) => (of !== 0 && best.get(of) !== part[i] ? 0 : of));
}

/** @throws MokapotError `measure-size` */
function checkSizes(a: LabelPicture, b: LabelPicture): void {
  const isWhole = [a, b].every(p => p.data.length === p.width * p.height);
  if (isWhole && a.width === b.width && a.height === b.height) return;
  const size = (p: LabelPicture) => `${p.height}×${p.width} (${p.data.length} numbers)`;
  throw fail('measure-size', `A prediction of ${size(a)} cannot be compared with a truth of ${size(b)}.`, {
    hint: 'Both need one class number for each pixel of the same picture.',
  });
}

/** Where a class is: 1, elsewhere 0. */
interface Mask {
  readonly mask: Uint8Array;
  readonly width: number;
  readonly height: number;
}

function masksOf(prediction: LabelPicture, truth: LabelPicture, { of = 1, ignore = 255 }: MeasureOptions): Mask[] {
  checkSizes(prediction, truth);
  const { width, height } = truth;
  return [prediction, truth].map(({ data }) => ({
    mask: Uint8Array.from({ length: data.length }, (_, i) => Number(truth.data[i] !== ignore && data[i] === of)),
    width,
    height,
  }));
}

interface Edges extends Mask {
  readonly count: number;
}

/** Pixels of the mask that erosion by a cross takes away. */
function edgesOf({ mask, width, height }: Mask): Edges {
  const edges = new Uint8Array(mask.length);
  let count = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (mask[i] === 0) continue;
      const isInner =
        x > 0 &&
        y > 0 &&
        x < width - 1 &&
        y < height - 1 &&
        mask[i - 1]! + mask[i + 1]! + mask[i - width]! + mask[i + width]! === 4;
      if (isInner) continue;
      edges[i] = 1;
      count++;
    }
  }
  return { mask: edges, width, height, count };
}

/** Of sorted numbers, linear between two of them, as numpy and torch have it. */
function percentile(sorted: ArrayLike<number>, percent: number): number {
  const at = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}

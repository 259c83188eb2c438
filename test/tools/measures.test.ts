/** Measures against MONAI 1.6.1, scipy, scikit-image and shapely: numbers made by `python test/tools/measures.py`. */

import { describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { contoursOf } from '../../src/tools/contours.js';
import { distanceTo } from '../../src/tools/distance.js';
import {
  blandAltman,
  diceOf,
  iouOf,
  type LabelPicture,
  largestComponents,
  overlap,
  perpendicularDistance,
  summary,
  sumOverlaps,
  surfaceDistances,
} from '../../src/tools/measures.js';

const [HEIGHT, WIDTH] = [40, 48];

function picture(isIn: (y: number, x: number) => boolean, of = 1): LabelPicture {
  const data = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (isIn(Math.floor(i / WIDTH), i % WIDTH) ? of : 0));
  return { data, width: WIDTH, height: HEIGHT };
}

const ellipse = (cy: number, cx: number, ry: number, rx: number) => (y: number, x: number) =>
  ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1;
const box = (top: number, left: number, bottom: number, right: number) => (y: number, x: number) =>
  y >= top && y < bottom && x >= left && x < right;

type Inside = (y: number, x: number) => boolean;
const either =
  (a: Inside, b: Inside): Inside =>
  (y, x) =>
    a(y, x) || b(y, x);

const heart = ellipse(19, 22, 9, 7);
const other = ellipse(20, 23.5, 10, 8);
const PAIRS: Record<string, readonly [Inside, Inside]> = {
  'two ellipses': [heart, other],
  'a part too many': [either(heart, ellipse(35, 43, 2, 2)), other],
  'a ring and a disc': [
    (y, x) => ellipse(20, 24, 12, 14)(y, x) && !ellipse(20, 24, 6, 8)(y, x),
    ellipse(18, 22, 11, 12),
  ],
  "at the picture's border": [box(0, 0, 10, 12), box(0, 3, 14, 9)],
  'one pixel': [box(5, 5, 6, 6), box(30, 40, 31, 41)],
  'boxes that touch by a corner': [either(box(5, 5, 10, 10), box(10, 10, 14, 14)), box(6, 6, 13, 12)],
};
const empty = picture(() => false);

/** Pair, spacing, then Dice, IoU, Hausdorff, its 95th percentile, ASSD, perpendicular distance, points of the contour. */
const KNOWN: readonly (readonly [string, readonly [number, number], readonly number[]])[] = [
  ['two ellipses', [1.0, 1.0], [0.84494, 0.73152, 3.0, 2.82843, 1.24972, 1.15327, 68]],
  ['two ellipses', [1.25, 0.8], [0.84494, 0.73152, 2.70601, 2.56868, 1.1574, 1.08881, 68]],
  ['a part too many', [1.0, 1.0], [0.82096, 0.6963, 17.88854, 16.84621, 2.42002, 4.47304, 88]],
  ['a part too many', [1.25, 0.8], [0.82096, 0.6963, 16.44878, 15.53531, 2.23587, 4.14883, 88]],
  ['a ring and a disc', [1.0, 1.0], [0.61441, 0.44343, 6.7082, 5.90702, 2.01898, 2.79632, 168]],
  ['a ring and a disc', [1.25, 0.8], [0.61441, 0.44343, 7.42041, 5.66202, 2.01168, 2.73519, 168]],
  ["at the picture's border", [1.0, 1.0], [0.58824, 0.41667, 4.0, 4.0, 1.97368, 1.99263, 44]],
  ["at the picture's border", [1.25, 0.8], [0.58824, 0.41667, 5.0, 5.0, 1.85789, 1.60555, 44]],
  ['one pixel', [1.0, 1.0], [0.0, 0.0, 43.01163, 43.01163, 43.01163, 42.60722, 4]],
  ['one pixel', [1.25, 0.8], [0.0, 0.0, 41.95906, 41.95906, 41.95906, 41.49727, 4]],
  ['boxes that touch by a corner', [1.0, 1.0], [0.53012, 0.36066, 3.0, 2.95, 1.18129, 1.30833, 36]],
  ['boxes that touch by a corner', [1.25, 0.8], [0.53012, 0.36066, 3.2, 2.495, 1.08797, 1.21021, 36]],
];

describe('measures of a pair', () => {
  it.each(KNOWN)('%s, pixels of %j: as MONAI and shapely have them', (name, spacing, known) => {
    const [prediction, truth] = PAIRS[name]!.map(isIn => picture(isIn)) as [LabelPicture, LabelPicture];
    const counts = overlap(prediction, truth);
    const { hausdorff, hausdorff95, average } = surfaceDistances(prediction, truth, { spacing });
    const contour = contoursOf({ ...prediction, mask: prediction.data }, spacing);
    const ours = [
      ...[diceOf(counts), iouOf(counts), hausdorff, hausdorff95, average],
      perpendicularDistance(prediction, truth, { spacing }),
      contour.flat().length,
    ];
    for (const [i, value] of ours.entries()) expect(value).toBeCloseTo(known[i]!, 4);
  });

  it('of one side alone: Dice 0 and distances infinite; of none: nothing to measure', () => {
    const some = picture(box(1, 1, 4, 4));
    for (const [p, t] of [
      [some, empty],
      [empty, some],
    ] as const) {
      expect([diceOf(overlap(p, t)), iouOf(overlap(p, t)), perpendicularDistance(p, t)]).toEqual([0, 0, Infinity]);
      expect(surfaceDistances(p, t)).toEqual({ hausdorff: Infinity, hausdorff95: Infinity, average: Infinity });
    }
    expect([diceOf(overlap(empty, empty)), perpendicularDistance(empty, empty)]).toEqual([NaN, NaN]);
    expect(surfaceDistances(empty, empty)).toEqual({ hausdorff: NaN, hausdorff95: NaN, average: NaN });
  });

  it('pixels to be ignored count nowhere, and classes are apart', () => {
    const truth = picture(box(10, 10, 20, 20), 2);
    const masked = { ...truth, data: Uint8Array.from(truth.data, (v, i) => (i % WIDTH >= 30 ? 255 : v)) };
    const prediction = picture(either(box(10, 10, 20, 20), box(10, 30, 20, 40)), 2);
    expect(diceOf(overlap(prediction, masked, { of: 2 }))).toBe(1);
    expect(surfaceDistances(prediction, masked, { of: 2 }).hausdorff).toBe(0);
    expect(perpendicularDistance(prediction, masked, { of: 2 })).toBe(0);
    expect(diceOf(overlap(prediction, truth, { of: 2 }))).toBeCloseTo(2 / 3, 12);
    expect(overlap(prediction, truth, { of: 1 })).toEqual({ predicted: 0, truth: 0, both: 0 });
  });

  it('pictures of two sizes are refused', () => {
    const small = { data: new Uint8Array(4), width: 2, height: 2 };
    for (const measure of [overlap, surfaceDistances, perpendicularDistance]) {
      expect(() => measure(small, empty)).toThrow(MokapotError);
    }
  });
});

it('distances to marks are those of scipy.ndimage.distance_transform_edt', () => {
  const marks = picture((y, x) => heart(y, x) !== other(y, x));
  const distances = distanceTo(Uint8Array.from(marks.data), marks, [1.25, 0.8]);
  expect(distances.reduce((a, b) => a + b, 0)).toBeCloseTo(16130.41802969348, 6);
  expect(Math.max(...distances)).toBeCloseTo(21.355093069335943, 10);
  expect(distanceTo(new Uint8Array(6), { width: 3, height: 2 }, [1, 1]).every(v => v === Infinity)).toBe(true);
});

describe('largestComponents', () => {
  it('keeps of each class its largest part, diagonals joining (sizes: skimage.measure.label, connectivity 2)', () => {
    const kept = largestComponents(picture(PAIRS['a part too many']![0]));
    expect(kept.reduce((a, b) => a + b, 0)).toBe(197);
    const touching = largestComponents(picture(PAIRS['boxes that touch by a corner']![0]));
    expect(touching.reduce((a, b) => a + b, 0)).toBe(41);
  });

  it('treats classes one by one, and of equal parts keeps the first', () => {
    const labels = Uint8Array.from([1, 0, 2, 2, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 2]);
    expect([...largestComponents({ data: labels, width: 5, height: 3 })]).toEqual([
      ...[1, 0, 2, 2, 0],
      ...[0, 0, 2, 0, 0],
      ...[0, 0, 0, 0, 0],
    ]);
  });
});

describe('figures of many', () => {
  it('the Dice of a volume is that of its slices’ pixels together', () => {
    const slices = [
      { predicted: 10, truth: 10, both: 10 },
      { predicted: 0, truth: 2, both: 0 },
    ];
    expect(diceOf(sumOverlaps(slices))).toBeCloseTo(20 / 22, 12);
    expect(diceOf(sumOverlaps([]))).toBeNaN();
  });

  // numpy: v = [3, 1, 4, 1, 5]; v.mean(), v.std(ddof=1), np.median(v)
  it('means leave out what could not be measured', () => {
    const { mean, deviation, median, count } = summary([3, 1, NaN, 4, 1, Infinity, 5]);
    expect([mean, median, count]).toEqual([2.8, 3, 5]);
    expect(deviation).toBeCloseTo(1.7888543819998317, 12);
    expect(summary([])).toEqual({ mean: NaN, deviation: NaN, median: NaN, count: 0 });
  });

  // numpy: d = [1, -2, 4]; d.mean(), d.mean() ± 1.96 * d.std(ddof=1)
  it('limits of agreement are 1.96 deviations from the bias', () => {
    const pairs = [
      { predicted: 101, truth: 100 },
      { predicted: 78, truth: 80 },
      { predicted: 124, truth: 120 },
    ];
    const { bias, lower, upper, count } = blandAltman(pairs);
    expect([bias, count]).toEqual([1, 3]);
    expect(lower).toBeCloseTo(-4.88, 12);
    expect(upper).toBeCloseTo(6.88, 12);
  });
});

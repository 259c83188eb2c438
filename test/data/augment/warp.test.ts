/** The one resampling, held against slices, transposed arrays and formulas that it knows nothing of. */

import { describe, expect, it } from 'vitest';
import { change } from '../../../src/data/augment/augment.js';
import type { Motion } from '../../../src/data/augment/draw.js';
import { type Border, NOTHING, type Recipe } from '../../../src/data/augment/recipe.js';
import type { Entry } from '../../../src/data/sets/dataset.js';
import { made, numbered, PLAIN, STILL } from './made.js';

const moved = (entry: Entry, motion: Partial<Motion>, recipe: Partial<Recipe> = {}) =>
  change(entry, { ...NOTHING, ...recipe }, { motion: { ...STILL, ...motion }, tone: PLAIN });

/** Whether picture and label have, at each place, what `from` says of the source; outside: the fill. */
function expectPlaces(entry: Entry, out: Entry, from: (y: number, x: number) => readonly [number, number], fill = 0) {
  const [channels, rows, columns] = entry.shape;
  const [, height, width] = out.shape;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [v, u] = from(y, x);
      const isThere = v >= 0 && u >= 0 && v < rows && u < columns;
      for (let c = 0; c < channels; c++) {
        const wanted = isThere ? entry.data[(c * rows + v) * columns + u]! : fill;
        expect(out.data[(c * height + y) * width + x], `channel ${c} row ${y} column ${x}`).toBe(wanted);
      }
      expect(out.label[y * width + x]).toBe(isThere ? entry.label[v * columns + u]! : fill);
    }
  }
}

const label = (y: number, x: number) => (y * 5 + x * 3) % 7;
const square = made([1, 21, 21], numbered, label);
const wide = made([3, 12, 30], numbered, label);

describe('exact motions', () => {
  it('none: every number as it was', () => {
    const out = moved(wide, {});
    expect(out.data).toEqual(wide.data);
    expect(out.label).toEqual(wide.label);
    expect(out.shape).toEqual(wide.shape);
    expect(out.data).not.toBe(wide.data);
  });

  it.each([
    ['left and right', { flipX: true }, (y: number, x: number) => [y, 29 - x] as const],
    ['top and bottom', { flipY: true }, (y: number, x: number) => [11 - y, x] as const],
    ['both', { flipX: true, flipY: true }, (y: number, x: number) => [11 - y, 29 - x] as const],
    ['a half turn', { rotation: 180 }, (y: number, x: number) => [11 - y, 29 - x] as const],
    ['a flip and a half turn', { flipX: true, rotation: 180 }, (y: number, x: number) => [11 - y, x] as const],
  ])('exchange %s', (_, motion, from) => expectPlaces(wide, moved(wide, motion), from));

  it.each([
    // Counter-clockwise: what was right is on top.
    [90, (y: number, x: number) => [x, 20 - y] as const],
    [-90, (y: number, x: number) => [20 - x, y] as const],
    [270, (y: number, x: number) => [20 - x, y] as const],
  ])('turn a square by %i degrees', (rotation, from) => expectPlaces(square, moved(square, { rotation }), from));

  it('turn a picture of even sides by 90 degrees about the middle between pixels', () => {
    const even = made([2, 16, 16], numbered, label);
    expectPlaces(even, moved(even, { rotation: 90 }), (y, x) => [x, 15 - y]);
  });

  it.each([
    [3, 5],
    [-4, 0],
    [0, -7],
    [11, 29],
    [-12, 3],
  ])('shift by %i rows and %i columns: a slice, and the fill', (down, right) => {
    const motion = { shiftY: down / 12, shiftX: right / 30 };
    const out = moved(wide, motion, { borderValue: -5, borderLabel: -5 });
    expectPlaces(wide, out, (y, x) => [y - down, x - right], -5);
  });

  it('scale by 3 about the middle pixel: each pixel of the source stands at every third place', () => {
    const out = moved(square, { scaleX: 3, scaleY: 3 });
    for (let y = -3; y <= 3; y++)
      for (let x = -3; x <= 3; x++)
        expect(out.data[(10 + 3 * y) * 21 + 10 + 3 * x]).toBeCloseTo(square.data[(10 + y) * 21 + 10 + x]!, 3);
    // Labels are the nearest pixel's: blocks of three.
    for (let y = 0; y < 21; y++)
      for (let x = 0; x < 21; x++)
        expect(out.label[y * 21 + x]).toBe(
          square.label[(10 + Math.round((y - 10) / 3)) * 21 + 10 + Math.round((x - 10) / 3)],
        );
  });

  it('crop the middle, rounded towards the top and left as Caffe has it, and anywhere', () => {
    const out = moved(wide, {}, { crop: [5, 9] });
    expect(out.shape).toEqual([3, 5, 9]);
    expect(out.labelShape).toEqual([1, 5, 9]);
    expectPlaces(wide, out, (y, x) => [y + 3, x + 10]);
    const at = moved(wide, { top: 0.999, left: 0 }, { crop: [5, 9], randomCrop: true });
    expectPlaces(wide, at, (y, x) => [y + 7, x]);
  });

  it('what moves into a crop comes from the picture around it', () => {
    const out = moved(wide, { shiftX: 4 / 8 }, { crop: [4, 8] });
    expectPlaces(wide, out, (y, x) => [y + 4, x + 11 - 4]);
  });
});

describe('borders', () => {
  const row = made(
    [1, 1, 5],
    (_, __, x) => 10 * (x + 1),
    (_, x) => x,
  );
  const shifted = (border: Border, by: number) =>
    moved(row, { shiftX: by / 5 }, { border, borderValue: 7, borderLabel: 255 });

  it.each([
    ['CONSTANT', 3, [7, 7, 7, 10, 20], [255, 255, 255, 0, 1]],
    ['EDGE', 3, [10, 10, 10, 10, 20], [0, 0, 0, 0, 1]],
    ['EDGE', -3, [40, 50, 50, 50, 50], [3, 4, 4, 4, 4]],
    ['REFLECT', 3, [40, 30, 20, 10, 20], [3, 2, 1, 0, 1]],
    ['REFLECT', -3, [40, 50, 40, 30, 20], [3, 4, 3, 2, 1]],
    ['REFLECT', 11, [40, 30, 20, 10, 20], [3, 2, 1, 0, 1]],
  ] as const)('%s, shifted by %i', (border, by, data, labels) => {
    const out = shifted(border, by);
    expect([...out.data]).toEqual(data);
    expect([...out.label]).toEqual(labels);
  });

  it('half a pixel outside, the picture and the constant share', () => {
    const out = shifted('CONSTANT', 0.5);
    expect(out.data[0]).toBeCloseTo((7 + 10) / 2, 5);
    expect(out.data[1]).toBeCloseTo(15, 5);
  });
});

/** A disc of class 1 in a bright disc of the same place. */
function disc(side: number, cy: number, cx: number, radius: number): Entry {
  const inside = (y: number, x: number) => (Math.hypot(y - cy, x - cx) <= radius ? 1 : 0);
  return made([1, side, side], (_, y, x) => 100 * inside(y, x), inside);
}

function momentsOf(data: Float32Array, width: number) {
  let [area, sumY, sumX] = [0, 0, 0];
  data.forEach((v, i) => {
    area += v;
    sumY += v * Math.floor(i / width);
    sumX += v * (i % width);
  });
  return { area, y: sumY / area, x: sumX / area };
}

describe('label and picture stay aligned', () => {
  const side = 96;
  const middle = (side - 1) / 2;
  const entry = disc(side, middle - 8, middle + 14, 15);

  it.each([
    ['rotation', { rotation: 37 }],
    ['scale', { scaleX: 1.2, scaleY: 0.8 }],
    ['shear', { shearX: 12, shearY: -7 }],
    ['shift', { shiftX: 0.123, shiftY: -0.067 }],
    ['everything', { flipX: true, rotation: -63, scaleX: 0.9, scaleY: 1.15, shearX: 5, shiftX: 0.05, shiftY: 0.08 }],
  ] as readonly (readonly [string, Partial<Motion>])[])('under %s, and where the formula says', (name, motion) => {
    const out = moved(entry, motion);
    const picture = momentsOf(
      out.data.map(v => v / 100),
      side,
    );
    const mask = momentsOf(out.label, side);
    expect(Math.abs(picture.area / mask.area - 1)).toBeLessThan(0.01);
    // A shift moves all labels by the same rounding, half a pixel along each axis at most; elsewhere it evens out.
    expect(Math.hypot(picture.y - mask.y, picture.x - mask.x)).toBeLessThan(name === 'shift' ? 0.71 : 0.25);
    // Forwards, written another way: scale, shear, turn, flip, shift.
    const m = { ...STILL, ...motion };
    const angle = (m.rotation * Math.PI) / 180;
    const tan = (degrees: number) => Math.tan((degrees * Math.PI) / 180);
    const before = momentsOf(entry.label, side);
    let [y, x] = [(before.y - middle) * m.scaleY, (before.x - middle) * m.scaleX];
    [y, x] = [y + tan(m.shearY) * x, x + tan(m.shearX) * y];
    [y, x] = [y * Math.cos(angle) - x * Math.sin(angle), x * Math.cos(angle) + y * Math.sin(angle)];
    if (m.flipX) x = -x;
    expect(mask.y).toBeCloseTo(middle + y + m.shiftY * side, 0);
    expect(mask.x).toBeCloseTo(middle + x + m.shiftX * side, 0);
    const factor = m.scaleX * m.scaleY * (1 - tan(m.shearX) * tan(m.shearY));
    expect(Math.abs(mask.area / before.area / factor - 1)).toBeLessThan(0.02);
  });

  it('under an elastic field too; control points of one displacement are a shift', () => {
    const grid = (value: number) => ({ cells: 4, values: new Float64Array(49).fill(value) });
    const shift = moved(entry, { elastic: [grid(5 / side), grid(-3 / side)] });
    expectPlaces(entry, shift, (y, x) => [y + 5, x - 3]);
    const random = (seed: number) => ({
      cells: 4,
      values: Float64Array.from({ length: 49 }, (_, i) => 0.04 * Math.sin(seed * 17 + i * 1.7)),
    });
    const out = moved(entry, { elastic: [random(1), random(2)] });
    const [picture, mask] = [
      momentsOf(
        out.data.map(v => v / 100),
        side,
      ),
      momentsOf(out.label, side),
    ];
    expect(Math.hypot(picture.y - mask.y, picture.x - mask.x)).toBeLessThan(0.25);
    expect(Math.abs(picture.area / mask.area - 1)).toBeLessThan(0.01);
    expect(
      Math.hypot(mask.y - momentsOf(entry.label, side).y, mask.x - momentsOf(entry.label, side).x),
    ).toBeGreaterThan(0.3);
  });
});

it('a plane stays a plane: bilinear reading is exact where values grow evenly', () => {
  const plane = made([1, 40, 40], (_, y, x) => 3 * y + 2 * x + 5);
  const out = moved(plane, { rotation: 30, scaleX: 1.5, scaleY: 1.5 }, { crop: [16, 16] });
  const angle = Math.PI / 6;
  for (let y = 0; y < 16; y++) {
    for (let x = 0; x < 16; x++) {
      const [v, u] = [(y - 7.5) / 1.5, (x - 7.5) / 1.5];
      const sx = u * Math.cos(angle) - v * Math.sin(angle) + 19.5;
      const sy = u * Math.sin(angle) + v * Math.cos(angle) + 19.5;
      expect(out.data[y * 16 + x]).toBeCloseTo(3 * sy + 2 * sx + 5, 3);
    }
  }
});

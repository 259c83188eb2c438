/** Parts of slices around contours. */

import { expect, it } from 'vitest';
import { decodeImage } from '../../src/data/index.js';
import { type Contour, contoursOf, thinned } from '../../src/tools/contours.js';
import { regionAround, sliceContours, slicePicture } from '../../src/tools/slice_pictures.js';

const [WIDTH, HEIGHT] = [200, 160];
const box = (top: number, left: number, side: number) => ({
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [y, x] = [Math.floor(i / WIDTH), i % WIDTH];
    return Number(y >= top && y < top + side && x >= left && x < left + side);
  }),
});

it('a region holds both contours with a margin and lies in the picture', () => {
  const contours = sliceContours(box(10, 10, 30), box(30, 5, 30), [1]);
  const region = regionAround(contours, HEIGHT, WIDTH);
  expect(region.top).toBe(0);
  expect(region.left).toBe(0);
  expect(region.height).toBe(region.width);
  expect(region.height).toBeGreaterThanOrEqual(64);
  expect(region.top + region.height).toBeGreaterThan(60);
  expect(regionAround(sliceContours(box(0, 0, 0), box(0, 0, 0), [1]), HEIGHT, WIDTH)).toEqual({
    ...{ top: 0, left: 0, height: HEIGHT, width: WIDTH },
  });
});

it('the picture is the region’s pixels, stretched from dark to bright, with contours half-way between pixels', async () => {
  const data = Float32Array.from({ length: WIDTH * HEIGHT }, (_, i) => i % WIDTH);
  const contours = sliceContours(box(80, 100, 1), box(80, 100, 2), [1]);
  const region = regionAround(contours, HEIGHT, WIDTH);
  const made = slicePicture({ data, shape: [1, HEIGHT, WIDTH] }, contours, region);
  const png = await decodeImage(made.png);
  expect([png.width, png.height, png.channels]).toEqual([made.width, made.height, 1]);
  expect(png.data[0]).toBe(Math.round((region.left * 255) / 198));
  const [x, y] = [100.5 - region.left, 80.5 - region.top];
  const points = made.contours[0]!.predicted.slice(1, -1).split('L').sort();
  expect(points).toEqual([`${x - 0.5} ${y}`, `${x + 0.5} ${y}`, `${x} ${y - 0.5}`, `${x} ${y + 0.5}`].sort());
  expect(made.contours[0]!.truth).toMatch(/^M.*Z$/);
});

it('drawn contours have few points, none of those left out lies farther away than told', () => {
  const side = 120;
  const mask = Uint8Array.from({ length: side * side }, (_, i) =>
    Number((Math.floor(i / side) - 60.3) ** 2 + ((i % side) - 59.6) ** 2 < 50 ** 2),
  );
  const [line] = contoursOf({ mask, width: side, height: side }) as [Contour];
  const few = thinned(line, 0.2);
  expect(few.length).toBeLessThan(line.length / 2);
  for (const [y, x] of line) {
    const distances = few.map(([ay, ax], i) => {
      const [by, bx] = few[(i + 1) % few.length]!;
      const t = ((y - ay) * (by - ay) + (x - ax) * (bx - ax)) / ((by - ay) ** 2 + (bx - ax) ** 2);
      const along = Math.max(0, Math.min(1, t));
      return Math.hypot(y - ay - along * (by - ay), x - ax - along * (bx - ax));
    });
    expect(Math.min(...distances)).toBeLessThanOrEqual(0.2 + 1e-9);
  }
  // Nothing vanishes, however far points may lie.
  expect(thinned(line, 1000)).toHaveLength(3);
  const square = sliceContours(box(40, 40, 60), box(0, 0, 0), [1]);
  const { contours } = slicePicture(
    { data: new Float32Array(WIDTH * HEIGHT), shape: [1, HEIGHT, WIDTH] },
    square,
    regionAround(square, HEIGHT, WIDTH),
  );
  expect(contours[0]!.predicted.split('L').length).toBeLessThanOrEqual(12);
});

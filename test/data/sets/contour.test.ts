import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contourMask, formatContour, type Point, parseContour } from '../../../src/data/sets/contour.js';
import { MokapotError } from '../../../src/diagnostics/index.js';

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../goldens/${name}`, import.meta.url), 'utf8'));

interface Golden {
  width: number;
  height: number;
  contours: { points: Point[]; area: number; spans: [number, number, number][] }[];
}

describe('masks', () => {
  it('equal the 40 goldens to the pixel', () => {
    const { width, height, contours } = read('contours.json') as Golden;
    expect(contours).toHaveLength(40);
    for (const { points, area, spans } of contours) {
      const due = new Uint8Array(width * height);
      for (const [row, first, after] of spans) due.fill(1, row * width + first, row * width + after);
      const mask = contourMask(points, width, height);
      expect(mask).toEqual(due);
      expect(mask.reduce((a, b) => a + b, 0)).toBe(area);
    }
  });

  it("equal OpenCV's on crossing, far-off and tiny pictures", () => {
    const { contours } = read('contours_more.json') as {
      contours: { width: number; height: number; points: Point[]; mask: string }[];
    };
    for (const { width, height, points, mask } of contours) {
      const bits = Buffer.from(mask, 'hex');
      const due = Uint8Array.from({ length: width * height }, (_, i) => (bits[i >> 3]! >> (7 - (i & 7))) & 1);
      expect(contourMask(points, width, height)).toEqual(due);
    }
  });

  it('truncate toward zero', () => {
    const square: Point[] = [
      [-0.9, -0.9],
      [1.9, -0.9],
      [1.9, 1.9],
      [-0.9, 1.9],
    ];
    expect([...contourMask(square, 3, 3)]).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 0]);
  });
});

describe('contour files', () => {
  it('take blanks, commas, comments, empty lines, any newline', () => {
    expect(parseContour('\uFEFF1.5 2\r\n\n3,4.25 # here\r5;\t-6e0\n')).toEqual([
      [1.5, 2],
      [3, 4.25],
      [5, -6],
    ]);
  });

  it('survive a round trip', () => {
    const points: Point[] = [
      [1.25, 2],
      [3, 4.5],
      [-1, 0],
    ];
    expect(parseContour(formatContour(points))).toEqual(points);
  });

  it.each([
    ['1 2\n3 four\n5 6\n', 'contour-syntax', ':2:'],
    ['1 2 3\n', 'contour-syntax', ':1:'],
    ['1 2\nnan 3\n', 'contour-syntax', ':2:'],
    ['1 2\n1e99 3\n', 'contour-syntax', ':2:'],
    ['', 'contour-too-short', '0 points'],
    ['1 2\n3 4\n', 'contour-too-short', '2 points'],
  ])('%j is refused', (text, code, part) => {
    try {
      parseContour(text, 'c.txt');
      expect.unreachable();
    } catch (e) {
      expect(e).toBeInstanceOf(MokapotError);
      expect((e as MokapotError).diagnostics[0]).toMatchObject({ code, hint: expect.any(String) });
      expect((e as MokapotError).message).toContain('c.txt');
      expect((e as MokapotError).message).toContain(part);
    }
  });
});

/** The sheet of predictions: what is drawn where, pixel by pixel, and how the bar is reckoned. */

import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../../src/data/index.js';
import { agreement, PredictionSheet } from '../../../src/data/sets/prediction_sheet.js';

const SIZE = 16;
const box = (x0: number, y0: number, x1: number, y1: number) =>
  Uint8Array.from({ length: SIZE * SIZE }, (_, i) => {
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
    return Number(x >= x0 && x < x1 && y >= y0 && y < y1);
  });
const picture = (label: Uint8Array) => ({
  data: Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % SIZE) * 17),
  shape: [1, SIZE, SIZE] as const,
  label,
});

describe('a sheet', () => {
  it('has the mask filled, its outline and that of the label over it, and a bar as long as they agree', async () => {
    // Cells of the pictures' own size, 4 pixels apart, a bar of 3 pixels below each.
    const [label, mask] = [box(4, 4, 12, 12), box(4, 4, 12, 8)];
    const sheet = new PredictionSheet([picture(label), picture(label), picture(label)], { columns: 2, cell: SIZE });
    const image = await decodeImage(sheet.png([mask, label, box(0, 0, 0, 0)]), 'sheet.png');
    expect([image.width, image.height]).toEqual([2 * (SIZE + 4) + 4, 2 * (SIZE + 8) + 4]);
    const at = (cell: number, x: number, y: number) => {
      const [left, top] = [4 + (cell % 2) * (SIZE + 4), 4 + Math.floor(cell / 2) * (SIZE + 8)];
      const i = image.channels * ((top + y) * image.width + left + x);
      return [...image.data.slice(i, i + 3)];
    };
    const green = [0, 230, 90];
    const grey = (x: number) => Array<number>(3).fill(Math.min(255, Math.round(x * 17)));
    expect(at(0, 4, 4)).toEqual(green);
    expect(at(0, 8, 11)).toEqual(green);
    expect(at(0, 8, 7)).toEqual([255, 64, 48]);
    expect(at(0, 8, 9)).toEqual(grey(8));
    const [r, g] = at(0, 8, 5);
    expect(r! - g!).toBeGreaterThan(40);
    expect(at(2, 8, 8)).toEqual(grey(8));
    // Dice of 32 and 64 pixels, 32 of them in both: 64 / 96 of 16 pixels is 10.7.
    const lit = (cell: number) =>
      Array.from({ length: SIZE }, (_, x) => at(cell, x, SIZE + 2)).filter(c => c[1] === 230);
    expect([lit(0).length, lit(1).length, lit(2).length]).toEqual([11, SIZE, 0]);
  });

  it('agreement is Dice over all classes but 0, pixels to be ignored left out', () => {
    expect(agreement([0, 1, 1, 0], [0, 1, 0, 0])).toBeCloseTo(2 / 3);
    expect(agreement([2, 1], [1, 2])).toBe(0);
    expect(agreement([1, 1], [255, 1])).toBe(1);
    expect(agreement([0, 0], [0, 0])).toBe(1);
  });
});

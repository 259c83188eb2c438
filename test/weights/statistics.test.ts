import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type StoredBlob, statisticsOf, weightDifferences, weightStatistics } from '../../src/weights/index.js';

const stored = (numbers: number[], shape = [numbers.length], legacy = false): StoredBlob => ({
  shape,
  ...(legacy && { legacy }),
  read: () => Float32Array.from(numbers),
});
const layers = (entries: Record<string, StoredBlob[]>) => new Map(Object.entries(entries));

describe('statistics', () => {
  it('are those of the numbers', () => {
    fc.assert(
      fc.property(fc.float32Array({ minLength: 1, maxLength: 60, noNaN: true, noDefaultInfinity: true }), data => {
        const s = statisticsOf(data);
        const numbers = [...data];
        const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
        const variance = numbers.reduce((a, v) => a + (v - mean) ** 2, 0) / numbers.length;
        expect(s.mean).toBe(mean);
        expect(s.std).toBeCloseTo(Math.sqrt(variance), -Math.log10(Math.sqrt(variance) * 1e-9 + 1e-12));
        expect(s.min === Math.min(...numbers) && s.max === Math.max(...numbers)).toBe(true);
        expect(s.zeros).toBe(numbers.filter(v => v === 0).length);
        expect(s.histogram.reduce((a, b) => a + b, 0)).toBe(numbers.length);
      }),
    );
  });

  it('leave out what is not finite, and count it', () => {
    const s = statisticsOf(Float32Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY, 0));
    expect(s).toMatchObject({ count: 5, min: 0, max: 3, zeros: 1, nans: 1, infinities: 1 });
    expect(s.mean).toBeCloseTo(4 / 3, 12);
    expect(s.histogram.filter(n => n > 0)).toEqual([1, 1, 1]);
  });

  it('of nothing are no numbers', () => {
    expect(statisticsOf(new Float32Array(0))).toMatchObject({ count: 0, mean: Number.NaN, min: Number.NaN });
    expect(statisticsOf(Float32Array.of(Number.NaN)).max).toBeNaN();
  });

  it('go blob by blob and leave out what another layer holds', () => {
    const shared: StoredBlob = { shape: [0], shared: true, read: () => new Float32Array(0) };
    const found = [...weightStatistics(layers({ a: [stored([1, 2]), shared], b: [stored([3])], c: [] }))];
    expect(found.map(f => [f.layer, f.blob, f.mean])).toEqual([
      ['a', 0, 1.5],
      ['b', 0, 3],
    ]);
  });
});

describe('differences', () => {
  const between = (a: StoredBlob, b: StoredBlob) => [...weightDifferences(layers({ x: [a] }), layers({ x: [b] }))][0]!;

  it('are measured', () => {
    const d = between(stored([1, -4, 0]), stored([1, -3.5, 0.5]));
    expect(d).toMatchObject({ state: 'differs', maxAbs: 0.5, relative: 0.125, different: 2 });
    expect(d.rms).toBeCloseTo(Math.sqrt(0.5 / 3), 12);
  });

  it('are to the bit', () => {
    expect(between(stored([0]), stored([-0]))).toMatchObject({ state: 'differs', maxAbs: 0, relative: 0 });
    expect(between(stored([Number.NaN]), stored([Number.NaN])).state).toBe('equal');
    expect(between(stored([1]), stored([Number.NaN])).maxAbs).toBe(Number.POSITIVE_INFINITY);
  });

  it("see an old file's four axes as what they stand for", () => {
    expect(between(stored([1, 2], [1, 1, 1, 2], true), stored([1, 2])).state).toBe('equal');
    expect(between(stored([1, 2]), stored([1, 2], [1, 1, 1, 2], true)).state).toBe('equal');
  });

  it('of shapes are told, with the numbers where there are as many', () => {
    expect(between(stored([1, 2], [2, 1]), stored([1, 3], [1, 2]))).toMatchObject({ state: 'shape', maxAbs: 1 });
    expect(between(stored([1, 2]), stored([1]))).toEqual({ layer: 'x', blob: 0, state: 'shape', shapes: [[2], [1]] });
  });

  it('of what is there are told', () => {
    const found = [
      ...weightDifferences(layers({ x: [stored([1])], y: [stored([1])] }), layers({ y: [stored([1]), stored([2])] })),
    ];
    expect(found.map(d => `${d.layer} ${d.blob} ${d.state}`)).toEqual([
      'x 0 only in the first',
      'y 0 equal',
      'y 1 only in the second',
    ]);
  });
});

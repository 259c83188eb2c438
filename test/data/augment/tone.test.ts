/** Changes of values, each against its formula computed in one plain expression. */

import { describe, expect, it } from 'vitest';
import type { Tone } from '../../../src/data/augment/draw.js';
import { changeTone } from '../../../src/data/augment/tone.js';
import { made, numbered, PLAIN } from './made.js';

const shape = [2, 20, 27] as const;
const source = made(shape, numbered).data;

function toned(tone: Partial<Tone>, from: Float32Array = source): Float32Array {
  const data = from.slice();
  changeTone({ data, shape }, { ...PLAIN, ...tone });
  return data;
}

const mean = (data: ArrayLike<number>) => Array.from(data).reduce((sum, v) => sum + v, 0) / data.length;
const deviation = (data: ArrayLike<number>) => {
  const m = mean(data);
  return Math.sqrt(mean(Array.from(data, v => (v - m) ** 2)));
};

function expectEach(out: Float32Array, formula: (value: number) => number, within: number): void {
  const off = out.map((v, i) => Math.abs(v - formula(source[i]!)));
  expect(Math.max(...off)).toBeLessThan(within);
}

describe('values', () => {
  it('stay without a change', () => expect(toned({})).toEqual(source));

  it('contrast: about the mean', () => {
    const m = mean(source);
    expectEach(toned({ contrast: 1.3 }), x => m + (x - m) * 1.3, 1e-3);
  });

  it('brightness: in standard deviations', () => {
    const s = deviation(source);
    expectEach(toned({ brightness: -0.4 }), x => x - 0.4 * s, 1e-3);
  });

  it.each([0.6, 1, 1.4])('gamma %f: over the range', gamma => {
    const [low, high] = [Math.min(...source), Math.max(...source)];
    const range = high - low;
    expectEach(toned({ gamma }), x => low + range * ((x - low) / range) ** gamma, 1e-4 * range);
    const out = toned({ gamma });
    expect(Math.min(...out)).toBeCloseTo(low, 2);
    expect(Math.max(...out)).toBeCloseTo(high, 2);
  });

  it('gamma of a picture of one value leaves it', () => {
    const flat = new Float32Array(source.length).fill(4);
    expect(toned({ gamma: 0.5 }, flat)).toEqual(flat);
  });

  it('noise: normal, of the deviation asked for, none the same', () => {
    const flat = Float32Array.from({ length: source.length }, (_, i) => (i % 2 === 0 ? 90 : 110)); // deviation 10
    const noise = toned({ noise: 0.5 }, flat).map((v, i) => v - flat[i]!);
    const n = noise.length;
    expect(Math.abs(mean(noise))).toBeLessThan(3 * (5 / Math.sqrt(n)));
    expect(Math.abs(deviation(noise) / 5 - 1)).toBeLessThan(0.1);
    // Of a normal distribution 68.3 % lie within one deviation, 95.4 % within two.
    const within = (k: number) => noise.filter(v => Math.abs(v) < 5 * k).length / n;
    expect(Math.abs(within(1) - 0.683)).toBeLessThan(0.05);
    expect(Math.abs(within(2) - 0.954)).toBeLessThan(0.03);
    // Neighbours have nothing to do with each other.
    const products = mean(noise.slice(1).map((v, i) => (v * noise[i]!) / 25));
    expect(Math.abs(products)).toBeLessThan(4 / Math.sqrt(n));
    expect(toned({ noise: 0.5, noiseSeed: [3, 4] }, flat)).not.toEqual(toned({ noise: 0.5 }, flat));
    expect(toned({ noise: 0.5 }, flat)).toEqual(toned({ noise: 0.5 }, flat));
  });

  it('bias field: of one control value everywhere a factor above the darkest value, alike in all channels', () => {
    const least = Math.min(...source);
    const grid = { cells: 2, values: new Float64Array(25).fill(Math.log(1.5)) };
    expectEach(toned({ biasField: grid }), x => least + 1.5 * (x - least), 1e-2);
    const ramp = { cells: 2, values: Float64Array.from({ length: 25 }, (_, i) => (i % 5) * 0.2) };
    const factors = toned({ biasField: ramp }).map((v, i) => (v - least) / (source[i]! - least));
    for (let i = 1; i < shape[1] * shape[2]; i++) {
      if (!(source[i]! - least > 1)) continue;
      expect(factors[i]).toBeCloseTo(factors[i + shape[1] * shape[2]]!, 2);
      if (i % shape[2] > 0 && source[i - 1]! - least > 1) expect(factors[i]!).toBeGreaterThan(factors[i - 1]! - 1e-4);
    }
  });

  it('blur: the mean of neighbours by a Gaussian, edges mirrored', () => {
    const sigma = 1.3;
    const radius = Math.ceil(3 * sigma);
    const weight = (k: number) => Math.exp((-k * k) / (2 * sigma * sigma));
    const mirror = (i: number, n: number) => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i);
    const out = toned({ blur: sigma });
    const [, height, width] = shape;
    for (const [c, y, x] of [
      [0, 10, 13],
      [1, 0, 0],
      [1, 19, 26],
      [0, 2, 25],
    ] as const) {
      let [sum, weights] = [0, 0];
      for (let v = -radius; v <= radius; v++) {
        for (let u = -radius; u <= radius; u++) {
          const w = weight(v) * weight(u);
          weights += w;
          sum += w * source[(c * height + mirror(y + v, height)) * width + mirror(x + u, width)]!;
        }
      }
      expect(out[(c * height + y) * width + x]).toBeCloseTo(sum / weights, 2);
    }
  });
});

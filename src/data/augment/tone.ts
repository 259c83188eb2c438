/**
 * Changes of values: blur, bias field, contrast and brightness, gamma, noise, in this order. Each is relative to the picture
 * itself (its mean, deviation, range), so that one recipe serves pictures of 8 bits and of 16, and keeps their scale.
 */

import type { ControlGrid, Tone } from './draw.js';
import { lattice, latticeSize, STEP } from './field.js';
import type { Planes } from './warp.js';

/** Changes the picture where it is. */
export function changeTone({ data, shape }: Planes, tone: Tone): void {
  const { blur, biasField, contrast, brightness, gamma, noise, noiseSeed } = tone;
  if (blur !== undefined && blur >= LEAST_BLUR) blurPlanes(data, shape, blur);
  if ([biasField, contrast, brightness, gamma, noise].every(x => x === undefined)) return;
  const { mean, deviation, least, most } = statistics(data);
  let range: Range = { low: least, high: most };
  if (biasField) range = multiplyField(data, shape, biasField, least);
  if (contrast !== undefined || brightness !== undefined) {
    const factor = contrast ?? 1;
    const sum = mean - factor * mean + (brightness ?? 0) * deviation;
    for (let i = 0; i < data.length; i++) data[i] = factor * data[i]! + sum;
    // As floats have them, so that no value lies outside.
    range = { low: Math.fround(factor * range.low + sum), high: Math.fround(factor * range.high + sum) };
  }
  if (gamma !== undefined) bend(data, gamma, range);
  if (noise !== undefined) addNoise(data, noise * deviation, noiseSeed);
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** Below this a Gaussian reaches no neighbour to speak of. */
const LEAST_BLUR = 0.2;

interface Statistics {
  readonly mean: number;
  readonly deviation: number;
  readonly least: number;
  readonly most: number;
}

function statistics(data: Float32Array): Statistics {
  // About the first value, so that squares of large values do not swallow the deviation.
  const about = data[0] ?? 0;
  let sum = 0;
  let squares = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    const off = value - about;
    sum += off;
    squares += off * off;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const mean = sum / data.length;
  return { mean: about + mean, deviation: Math.sqrt(Math.max(0, squares / data.length - mean * mean)), least, most };
}

/** x ← least + (x − least) · e^field, in all channels alike. @returns the range of what comes out */
function multiplyField(data: Float32Array, shape: Planes['shape'], field: ControlGrid, least: number): Range {
  const [channels, height, width] = shape;
  const factors = lattice(field, height, width, 1).map(Math.exp);
  const columns = latticeSize(width);
  const row = new Float64Array(columns);
  for (let y = 0; y < height; y++) {
    const above = Math.floor(y / STEP);
    const share = (y - above * STEP) / STEP;
    for (let k = 0, at = above * columns; k < columns; k++, at++)
      row[k] = factors[at]! + share * (factors[at + columns]! - factors[at]!);
    for (let c = 0; c < channels; c++) scaleRow(data, (c * height + y) * width, width, row, least);
  }
  const { least: low, most: high } = statistics(data);
  return { low, high };
}

function scaleRow(data: Float32Array, start: number, width: number, row: Float64Array, least: number): void {
  for (let k = 0, x = 0; x < width; k++, x += STEP) {
    let factor = row[k]!;
    const step = (row[k + 1]! - factor) / STEP;
    const end = start + Math.min(width, x + STEP);
    for (let i = start + x; i < end; i++, factor += step) data[i] = least + (data[i]! - least) * factor;
  }
}

/** Steps of the table of a power. */
const STEPS = 1024;

/** x ← low + (high − low) · ((x − low) / (high − low))^gamma. */
function bend(data: Float32Array, gamma: number, { low, high }: Range): void {
  const range = high - low;
  if (!(range > 0)) return;
  // By the root of the share, from which a power is smooth at 0 too.
  const table = new Float64Array(STEPS + 2);
  for (let i = 0; i < STEPS + 2; i++) table[i] = low + range * (i / STEPS) ** (2 * gamma);
  const factor = (STEPS * STEPS) / range;
  for (let i = 0; i < data.length; i++) {
    const place = Math.sqrt((data[i]! - low) * factor);
    const at = place | 0;
    const from = table[at]!;
    data[i] = from + (place - at) * (table[at + 1]! - from);
  }
}

/** Values of the normal distribution, of equal probability each; deviation 1. Two indices come out of one random word. */
const QUANTILES = normalQuantiles(4096);

/** By Acklam's approximation of the inverse distribution function, whose relative error is below 1.2e-9. */
function normalQuantiles(count: number): Float64Array {
  const values = Float64Array.from({ length: count }, (_, i) => inverseNormal((i + 0.5) / count));
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / count);
  return values.map(v => v / deviation);
}

function inverseNormal(p: number): number {
  if (p > 0.5) return -inverseNormal(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      (((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q - 2.549732539343734) * q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r + 1.38357751867269e2) * r -
      3.066479806614716e1) *
      r +
      2.506628277459239) *
      q) /
    (((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r + 6.680131188771972e1) * r -
      1.328068155288572e1) *
      r +
      1)
  );
}

/** x ← x + deviation · n, n normal: sfc32 as in src/random, in whole 32-bit numbers, for two pixels at a time. */
function addNoise(data: Float32Array, deviation: number, [first, second]: readonly [number, number]): void {
  if (deviation === 0) return;
  let a = first | 0;
  let b = second | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  for (let i = -32; i < data.length; i += 2) {
    const word = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    // Sixteen rounds pass before the first number is taken.
    if (i < 0) continue;
    data[i] = data[i]! + deviation * QUANTILES[word & 4095]!;
    if (i + 1 < data.length) data[i + 1] = data[i + 1]! + deviation * QUANTILES[word >>> 20]!;
  }
}

/** A Gaussian along rows, then along columns, cut off at three deviations; edges are mirrored. */
function blurPlanes(data: Float32Array, [channels, height, width]: Planes['shape'], deviation: number): void {
  const radius = Math.ceil(3 * deviation);
  const half = gaussian(deviation, radius);
  const padded = new Float32Array(width + 2 * radius);
  const between = new Float32Array(height * width);
  const mirrored = (i: number, count: number) => {
    const period = Math.max(1, 2 * (count - 1));
    const inPeriod = ((i % period) + period) % period;
    return inPeriod < count ? inPeriod : period - inPeriod;
  };
  for (let c = 0; c < channels; c++) {
    const plane = data.subarray(c * height * width, (c + 1) * height * width);
    for (let y = 0; y < height; y++) {
      const row = y * width;
      for (let i = -radius; i < width + radius; i++) padded[i + radius] = plane[row + mirrored(i, width)]!;
      blurRow(padded, between, row, width, half);
    }
    for (let y = 0; y < height; y++) {
      const out = plane.subarray(y * width, (y + 1) * width);
      addRow(out, between, y * width, half[0]!, true);
      for (let k = 1; k <= radius; k++) {
        addRow(out, between, mirrored(y - k, height) * width, half[k]!, false);
        addRow(out, between, mirrored(y + k, height) * width, half[k]!, false);
      }
    }
  }
}

/** Weights from the middle on; both halves together sum to 1. */
function gaussian(deviation: number, radius: number): Float64Array {
  const weights = Float64Array.from({ length: radius + 1 }, (_, k) => Math.exp((-k * k) / (2 * deviation * deviation)));
  const sum = weights.reduce((total, w, k) => total + (k === 0 ? w : 2 * w), 0);
  return weights.map(w => w / sum);
}

function blurRow(padded: Float32Array, to: Float32Array, row: number, width: number, half: Float64Array): void {
  const radius = half.length - 1;
  for (let x = 0; x < width; x++) {
    const middle = x + radius;
    let sum = half[0]! * padded[middle]!;
    for (let k = 1; k <= radius; k++) sum += half[k]! * (padded[middle - k]! + padded[middle + k]!);
    to[row + x] = sum;
  }
}

function addRow(to: Float32Array, from: Float32Array, row: number, weight: number, isFirst: boolean): void {
  if (isFirst) for (let x = 0; x < to.length; x++) to[x] = weight * from[row + x]!;
  else for (let x = 0; x < to.length; x++) to[x] = to[x]! + weight * from[row + x]!;
}

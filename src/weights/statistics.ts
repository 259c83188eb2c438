/** What can be said of weights without a network: their statistics, and how far two files are apart. */

import type { StoredBlob } from './formats/blob.js';
import { shapesAgree } from './match.js';

/** Numbers summed up. */
export interface BlobStatistics {
  /** How many there are. */
  readonly count: number;
  /** Of the finite numbers, as are min and max; NaN where there are none. */
  readonly mean: number;
  /** Of the whole population: divided by the count. */
  readonly std: number;
  /** The smallest finite number. */
  readonly min: number;
  /** The greatest finite number. */
  readonly max: number;
  /** How many are 0. */
  readonly zeros: number;
  /** How many are NaN. */
  readonly nans: number;
  /** How many are infinite. */
  readonly infinities: number;
  /** How many finite numbers fall into each of equal parts of [min, max]. */
  readonly histogram: readonly number[];
}

/** A stored blob summed up. */
export interface BlobReport extends BlobStatistics {
  /** The layer it belongs to. */
  readonly layer: string;
  /** Its position there: 0 weights, 1 bias. */
  readonly blob: number;
  /** As stored. */
  readonly shape: readonly number[];
}

export const BINS = 64;

/** Of every stored blob, one at a time: memory for the largest is needed, not for all. */
export function* weightStatistics(layers: ReadonlyMap<string, readonly StoredBlob[]>): Generator<BlobReport> {
  for (const [layer, blobs] of layers) {
    for (const [i, blob] of blobs.entries()) {
      if (!blob.shared) yield { layer, blob: i, shape: blob.shape, ...statisticsOf(blob.read()) };
    }
  }
}

/** Numbers summed up: one pass for mean and range, a second for deviation and a histogram of 64 parts. */
export function statisticsOf(data: Float32Array): BlobStatistics {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [zeros, nans, finite, sum] = [0, 0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const v = data[i]!;
    if (!Number.isFinite(v)) {
      if (Number.isNaN(v)) nans++;
      continue;
    }
    finite++;
    sum += v;
    if (v < min) min = v;
    if (v > max) max = v;
    if (v === 0) zeros++;
  }
  const mean = sum / finite;
  const histogram = new Array<number>(BINS).fill(0);
  const scale = max > min ? BINS / (max - min) : 0;
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    const v = data[i]!;
    if (!Number.isFinite(v)) continue;
    squares += (v - mean) * (v - mean);
    histogram[Math.min(BINS - 1, Math.floor((v - min) * scale))]!++;
  }
  const none = Number.NaN;
  const infinities = data.length - finite - nans;
  const std = Math.sqrt(squares / finite);
  const range = finite ? { min, max } : { min: none, max: none };
  return { count: data.length, mean, std, ...range, zeros, nans, infinities, histogram };
}

/** How far a blob of two files is apart. */
export interface BlobDifference {
  /** The layer it belongs to. */
  readonly layer: string;
  /** Its position there: 0 weights, 1 bias. */
  readonly blob: number;
  /** `equal`: to the bit. */
  readonly state: 'equal' | 'differs' | 'shape' | 'only in the first' | 'only in the second';
  /** Of the first and of the second, where they have it. */
  readonly shapes: readonly (readonly number[])[];
  /** Greatest |a − b|, where there are as many numbers, in their order; NaN counts as infinitely far from any number. */
  readonly maxAbs?: number;
  /** That, as a share of the greatest |a|. */
  readonly relative?: number;
  /** Root of the mean of (a − b)². */
  readonly rms?: number;
  /** How many numbers are not the same. */
  readonly different?: number;
}

/** Parameter by parameter, by layer and position, in the first file's order; what only the second has comes last. */
export function* weightDifferences(
  first: ReadonlyMap<string, readonly StoredBlob[]>,
  second: ReadonlyMap<string, readonly StoredBlob[]>,
): Generator<BlobDifference> {
  const at = (layers: typeof first, layer: string, i: number) => {
    const blob = layers.get(layer)?.[i];
    return blob?.shared ? undefined : blob;
  };
  for (const [layer, blobs] of first) {
    for (const [i, a] of blobs.entries()) {
      if (a.shared) continue;
      const b = at(second, layer, i);
      yield b ? differenceOf(layer, i, a, b) : { layer, blob: i, state: 'only in the first', shapes: [a.shape] };
    }
  }
  for (const [layer, blobs] of second) {
    for (const [i, b] of blobs.entries()) {
      if (b.shared || at(first, layer, i)) continue;
      yield { layer, blob: i, state: 'only in the second', shapes: [b.shape] };
    }
  }
}

function differenceOf(layer: string, blob: number, a: StoredBlob, b: StoredBlob): BlobDifference {
  const shapes = [a.shape, b.shape];
  // A shape of four axes from an old file is the same as its short form of today.
  const agree = shapesAgree(a, b.shape) || shapesAgree(b, a.shape);
  const [x, y] = [a.read(), b.read()];
  if (x.length !== y.length) return { layer, blob, state: 'shape', shapes };
  const [bitsX, bitsY] = [x, y].map(v => new Uint32Array(v.buffer, v.byteOffset, v.length)) as [
    Uint32Array,
    Uint32Array,
  ];
  let [maxAbs, squares, different, largest] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]!);
    if (size > largest) largest = size;
    if (bitsX[i] === bitsY[i]) continue;
    different++;
    const gap = x[i] === y[i] ? 0 : Math.abs(x[i]! - y[i]!);
    const distance = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : gap;
    squares += distance * distance;
    if (distance > maxAbs) maxAbs = distance;
  }
  const relative = maxAbs === 0 ? 0 : maxAbs / largest;
  const rms = Math.sqrt(squares / Math.max(1, x.length));
  const state = !agree ? 'shape' : different === 0 ? 'equal' : 'differs';
  return { layer, blob, state, shapes, maxAbs, relative, rms, different };
}

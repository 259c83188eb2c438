/**
 * Fillers: how parameters (and DummyData's blobs) get their first values. The rules are Caffe's (filler.hpp); the numbers
 * come from the one seeded generator.
 */

import { fail, nearest, own } from '../diagnostics/index.js';
import { type Shape, showShape, sizeOf } from '../ir/index.js';
import type { Random } from '../random/index.js';
import { FillerParameter } from '../schema/index.js';

type Fill = (filler: FillerParameter, shape: Shape, random: Random) => Float32Array;

/** One number per element, in row-major order. */
function draw(shape: Shape, next: () => number): Float32Array {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = next();
  return data;
}

/** Inputs of an output (all axes but the first), outputs of an input (all but the second), or their mean. */
function fan(filler: FillerParameter, shape: Shape): number {
  const count = sizeOf(shape);
  const fanIn = count / (shape[0] ?? 1);
  const fanOut = count / (shape[1] ?? 1);
  switch (filler.variance_norm) {
    case FillerParameter.VarianceNorm.FAN_OUT:
      return fanOut;
    case FillerParameter.VarianceNorm.AVERAGE:
      return (fanIn + fanOut) / 2;
    default:
      return fanIn;
  }
}

/** Normal numbers; with `sparse`, each is kept with probability sparse / shape[0] and 0 otherwise. */
const gaussian: Fill = ({ mean, std, sparse }, shape, random) => {
  const data = draw(shape, () => random.normal(mean, std));
  if (sparse < 0) return data;
  const kept = sparse / (shape[0] ?? 1);
  return data.map(v => (random.next() < kept ? v : 0));
};

/** Uniform in [0, 1), then each row (first axis) divided by its sum. */
const positiveUnitball: Fill = (_, shape, random) => {
  const data = draw(shape, () => random.next());
  const width = sizeOf(shape.slice(1));
  for (let start = 0; start < data.length; start += width) {
    const row = data.subarray(start, start + width);
    const sum = row.reduce((a, v) => a + v, 0);
    row.forEach((v, i) => {
      row[i] = v / sum;
    });
  }
  return data;
};

/** Weights of bilinear interpolation in every square kernel: with stride f, a Deconvolution that enlarges f times. */
const bilinear: Fill = (_, shape) => {
  const width = shape[3]!;
  const f = Math.ceil(width / 2);
  const c = (width - 1) / (2 * f);
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => {
    const x = i % width;
    const y = Math.floor(i / width) % width;
    return (1 - Math.abs(x / f - c)) * (1 - Math.abs(y / f - c));
  });
};

const FILLERS: Readonly<Record<string, Fill>> = {
  constant({ value }, shape) {
    const data = new Float32Array(sizeOf(shape));
    // A large array of zeros that nobody touches takes no memory.
    return value === 0 ? data : data.fill(value);
  },
  uniform: ({ min, max }, shape, random) => draw(shape, () => random.uniform(min, max)),
  gaussian,
  positive_unitball: positiveUnitball,
  xavier(filler, shape, random) {
    const limit = Math.sqrt(3 / fan(filler, shape));
    return draw(shape, () => random.uniform(-limit, limit));
  },
  msra(filler, shape, random) {
    const std = Math.sqrt(2 / fan(filler, shape));
    return draw(shape, () => random.normal(0, std));
  },
  bilinear,
};

/** What is wrong with a filler for a blob of this shape, if anything. */
export function fillerProblem(filler: FillerParameter, shape: Shape): { message: string; hint: string } | undefined {
  const { type, min, max, std, sparse } = filler;
  if (!own(FILLERS, type)) {
    const close = nearest(type, Object.keys(FILLERS));
    const known = `Known types: ${Object.keys(FILLERS).join(', ')}.`;
    return { message: `There is no filler type "${type}".`, hint: close ? `Did you mean "${close}"?` : known };
  }
  if (sparse < -1 || (sparse !== -1 && type !== 'gaussian'))
    return { message: `The filler "${type}" has sparse: ${sparse}.`, hint: 'Only gaussian takes it, from 0 on.' };
  if (type === 'uniform' && !(min <= max))
    return { message: `A uniform filler goes from ${min} to ${max}.`, hint: 'min must not be greater than max.' };
  if (type === 'gaussian' && !(std > 0))
    return {
      message: `A gaussian filler has std: ${std}.`,
      hint: 'It must be positive; use "constant" for one value.',
    };
  if (type === 'bilinear' && (shape.length !== 4 || shape[2] !== shape[3])) {
    return {
      message: `A bilinear filler needs 4 axes and a square kernel, and the blob is ${showShape(shape)}.`,
      hint: 'It is for the weights of a 2-D Deconvolution with one kernel_size.',
    };
  }
  return undefined;
}

/**
 * The first values of a blob, in row-major order; all 0 without a filler (Caffe's default is the constant 0).
 *
 * @throws MokapotError `bad-filler` where the type is unknown or does not fit the shape
 */
export function fill(filler: FillerParameter | null | undefined, shape: Shape, random: Random): Float32Array {
  if (!filler) return new Float32Array(sizeOf(shape));
  const problem = fillerProblem(filler, shape);
  if (problem) throw fail('bad-filler', problem.message, { hint: problem.hint });
  return own(FILLERS, filler.type)!(filler, shape, random);
}

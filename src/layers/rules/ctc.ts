/**
 * CTC (Graves 2012, ch. 7), the rule of CTCLoss: what a network's output says of a label sequence, over all ways to spread it
 * over time with blanks between. In logarithms and 64 bits, as in ctc_loss_layer.cpp.
 */

import { nth } from '../../diagnostics/index.js';

export interface Ctc {
  /** −log of the probability of the labels; Infinity where no way leads to them. */
  readonly loss: number;
  /** Gradient of `loss` by the scores before the softmax, [time][class]. */
  readonly gradient: readonly Float64Array[];
}

export interface CtcOptions {
  readonly blank: number;
  /** Whether a label that stays on counts once. */
  readonly mergeRepeated: boolean;
}

/** log(exp(a) + exp(b)) */
function logAdd(a: number, b: number): number {
  const [greater, less] = a > b ? [a, b] : [b, a];
  return greater === -Infinity ? -Infinity : greater + Math.log1p(Math.exp(less - greater));
}

/** Shares of the classes at one time, as floats. */
export function softmaxOf(scores: Float32Array): Float32Array {
  const greatest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const exponentials = scores.map(v => Math.exp(v - greatest));
  const total = exponentials.reduce((a, b) => Math.fround(a + b), 0);
  return exponentials.map(v => v / total);
}

/** Where the labels, with blanks around each, may stand at time `t` of `times`: the first place and the one after the last. */
function places(labels: readonly number[], t: number, times: number): readonly [number, number] {
  return [Math.max(0, labels.length - 2 * (times - t)), Math.min(labels.length, 2 * (t + 1))];
}

/** Whether place `u` may follow place `u` − 2: no blank is needed between two labels that differ. */
function mayLeap(labels: readonly number[], u: number, { blank, mergeRepeated }: CtcOptions): boolean {
  return labels[u] !== blank && !(mergeRepeated && labels[u] === labels[u - 2]);
}

/** log α[t][u]: all ways from the start to place u at time t. */
function forwards(shares: readonly Float32Array[], labels: readonly number[], options: CtcOptions) {
  const alpha = shares.map(() => new Float64Array(labels.length).fill(-Infinity));
  alpha[0]![0] = Math.log(nth(shares, 0)[options.blank]!);
  if (labels.length > 1) alpha[0]![1] = Math.log(nth(shares, 0)[nth(labels, 1)]!);
  for (let t = 1; t < shares.length; t++) {
    const before = alpha[t - 1]!;
    const [from, to] = places(labels, t, shares.length);
    for (let u = from; u < to; u++) {
      let sum = options.mergeRepeated || labels[u] === options.blank ? before[u]! : -Infinity;
      if (u > 0) sum = logAdd(sum, before[u - 1]!);
      if (u > 1 && mayLeap(labels, u, options)) sum = logAdd(sum, before[u - 2]!);
      alpha[t]![u] = Math.log(nth(shares, t)[labels[u]!]!) + sum;
    }
  }
  return alpha;
}

/** log β[t][u]: all ways from place u at time t, itself left out, to the end. */
function backwards(shares: readonly Float32Array[], labels: readonly number[], options: CtcOptions) {
  const [times, count] = [shares.length, labels.length];
  const beta = shares.map(() => new Float64Array(count).fill(-Infinity));
  for (let u = Math.max(0, count - 2); u < count; u++) beta[times - 1]![u] = 0;
  for (let t = times - 2; t >= 0; t--) {
    const step = (u: number) => beta[t + 1]![u]! + Math.log(nth(shares, t + 1)[labels[u]!]!);
    const [from, to] = places(labels, t, times);
    for (let u = from; u < to; u++) {
      let sum = options.mergeRepeated || labels[u] === options.blank ? step(u) : -Infinity;
      if (u + 1 < count) sum = logAdd(sum, step(u + 1));
      if (u + 2 < count && mayLeap(labels, u + 2, options)) sum = logAdd(sum, step(u + 2));
      beta[t]![u] = sum;
    }
  }
  return beta;
}

/** `shares` are softmax outputs by time, `sequence` the labels without blanks. */
export function ctc(shares: readonly Float32Array[], sequence: readonly number[], options: CtcOptions): Ctc {
  const labels = [...sequence.flatMap(label => [options.blank, label]), options.blank];
  const [alpha, beta] = [forwards(shares, labels, options), backwards(shares, labels, options)];
  const ways = alpha.map((row, t) => row.map((a, u) => a + beta[t]![u]!));
  const total = ways[0]!.reduce(logAdd, -Infinity);
  const gradient = shares.map((row, t) => {
    const by = new Float64Array(row.length).fill(-Infinity);
    for (const [u, label] of labels.entries()) by[label] = logAdd(by[label]!, ways[t]![u]!);
    return Float64Array.from(row, (share, k) => (total === -Infinity ? share : share - Math.exp(by[k]! - total)));
  });
  return { loss: -total, gradient };
}

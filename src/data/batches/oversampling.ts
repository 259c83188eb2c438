/** The order of an epoch in which some entries come more often than others. */

import type { Random } from '../../random/index.js';

/** How long an epoch is, and which entries make it. */
export interface Oversampling {
  /** Entries of an epoch, repetitions counted. */
  readonly size: number;
  /** The entries of one epoch: in the order of the source, or shuffled. */
  order(random: Random, shuffle: boolean): Int32Array;
}

/**
 * Entries that come `factors[i]` times an epoch as a mean, 1 at least: factor 1.5 is once or twice. Every epoch has the same
 * length, the sum of the factors to the nearest whole number. Which entries come once more is drawn by systematic sampling: one random
 * offset, the same distance from each to the next.
 */
export function oversampling(factors: readonly number[]): Oversampling {
  const sum = factors.reduce((a, factor) => a + factor - 1, 0);
  const more = Math.round(sum);
  const size = factors.length + more;
  // In steps of 2 ** -20, so that the last bound is a whole number for any offset. A factor of 1 is once, whatever it is.
  const steps = 2 ** 20;
  let reached = 0;
  const bounds = factors.map((factor, i) => {
    reached += factor - 1;
    return (i + 1) * steps + (more === 0 ? 0 : Math.round((reached * more * steps) / sum));
  });
  return {
    size,
    order(random, shuffle) {
      const offset = random.integer(steps);
      const entries = new Int32Array(size);
      let at = 0;
      bounds.forEach((bound, entry) => {
        const until = Math.floor((bound + offset) / steps);
        while (at < until) entries[at++] = entry;
      });
      return shuffle ? random.permutation(size).map(i => entries[i]!) : entries;
    },
  };
}

/**
 * Learning-rate range test (Smith 2017): a few iterations at rates that rise geometrically, until the loss explodes; the rate
 * to train with lies where the loss falls fastest, well before that. Nothing of it stays in the solver.
 */

import { fail } from '../diagnostics/index.js';
import type { Feeds } from '../feeds/feeds.js';
import type { FeedFunction } from './iterations.js';
import type { Solver } from './solver.js';

/** The range of a range test, and how it is gone through. */
export interface RateTestOptions {
  /** The first rate. Default 1e-7. */
  readonly from?: number;
  /** The last one. Default 1. */
  readonly to?: number;
  /** From one to the other, each at its own rate. Default 100. */
  readonly iterations?: number;
  /** For a net without Data layers. */
  readonly feeds?: Feeds | FeedFunction;
  /** Ends the test after the iteration under way. */
  readonly signal?: AbortSignal;
  /** Told of each iteration. */
  readonly onPoint?: (point: RatePoint) => void;
}

/** An iteration of a range test. */
export interface RatePoint {
  /** The learning rate that it used. */
  readonly rate: number;
  /** Its loss, before the update. */
  readonly loss: number;
  /** Exponential mean of the losses so far. */
  readonly smoothed: number;
}

/** What a range test found. */
export interface RateTest {
  /** The iterations in order, those whose loss is no number left out. */
  readonly points: readonly RatePoint[];
  /** Where the smoothed loss falls fastest, over the logarithm of the rate; undefined where it never falls. */
  readonly steepest: number | undefined;
  /** Where the loss exploded; undefined where it did not. */
  readonly diverged: number | undefined;
  /** The rate to try: the lesser of `steepest` and a tenth of `diverged`. */
  readonly suggestion: number | undefined;
}

/** How much of the mean stays. */
const KEPT = 0.9;
/** The loss has exploded when its mean is above the least so far, plus so many times what it has ever fallen by … */
const TIMES = 1;
/** … and above so many times the least. */
const ABOVE = 1.5;
/** Iterations before a slope is trusted. */
const FIRST = 5;

/**
 * Tries rates and puts everything back: weights, history, the position in the data, chance.
 *
 * @throws MokapotError `rate-range`
 */
export async function findRate(solver: Solver, options: RateTestOptions = {}): Promise<RateTest> {
  const { from = 1e-7, to = 1, iterations = 100, feeds, signal, onPoint } = options;
  if (!(from > 0 && to > from && Number.isFinite(to)) || !Number.isSafeInteger(iterations) || iterations < 10)
    throw fail('rate-range', `Rates from ${from} to ${to} in ${iterations} iterations are no range to test.`, {
      hint: 'The first rate is above 0 and below the last one, and there are 10 iterations at least.',
    });
  const before = await solver.snapshotBytes();
  const trace = new Trace();
  try {
    for (let i = 0; i < iterations && !signal?.aborted && trace.diverged === undefined; i++) {
      const { loss, rate } = await solver.iterate(feeds, from * (to / from) ** (i / (iterations - 1)));
      const point = trace.add(rate, loss);
      if (point) onPoint?.(point);
    }
  } finally {
    await solver.restore(before);
  }
  return trace.result();
}

class Trace {
  diverged: number | undefined;
  private readonly points: RatePoint[] = [];
  private mean = 0;

  /** @returns the point; undefined where the loss is no number */
  add(rate: number, loss: number): RatePoint | undefined {
    if (!Number.isFinite(loss)) {
      this.diverged = rate;
      return undefined;
    }
    this.mean = KEPT * this.mean + (1 - KEPT) * loss;
    const smoothed = this.mean / (1 - KEPT ** (this.points.length + 1));
    const point = { rate, loss, smoothed };
    this.points.push(point);
    const all = this.points.map(p => p.smoothed);
    const least = Math.min(...all);
    const fall = Math.max(...all.slice(0, all.indexOf(least) + 1)) - least;
    const isOver = smoothed > least + TIMES * fall && smoothed > ABOVE * least && smoothed > all[0]!;
    if (this.points.length > FIRST && isOver) this.diverged = rate;
    return point;
  }

  result(): RateTest {
    const { points, diverged } = this;
    const steepest = this.steepest();
    const bounds = [steepest, diverged && diverged / 10].filter(rate => rate !== undefined);
    return { points, steepest, diverged, suggestion: bounds.length > 0 ? Math.min(...bounds) : undefined };
  }

  /** The middle of the five points over which the smoothed loss falls most: rates rise by one factor from each to the next. */
  private steepest(): number | undefined {
    let best: { readonly fall: number; readonly rate: number } | undefined;
    for (let i = FIRST; i + 4 < this.points.length; i++) {
      const fall = this.points[i]!.smoothed - this.points[i + 4]!.smoothed;
      if (fall > (best?.fall ?? 0)) best = { fall, rate: this.points[i + 2]!.rate };
    }
    return best?.rate;
  }
}

/** `mokapot train --find-lr`: tries learning rates, and tells which to train with and why. */

import { join } from 'node:path';
import type { RateTest } from '../train/index.js';
import { findRate, RATE_CHART, type TrainOptions } from '../train/node/index.js';
import { exitCodes, Interrupted } from './errors.js';
import { formatNumber } from './format.js';
import { type Io, say } from './io.js';
import { startBar } from './progress.js';

const ITERATIONS = 100;

/** @returns 0; 1 where no rate made the loss fall */
export async function findRateCommand(io: Io, options: TrainOptions, runDir: string, json = false): Promise<number> {
  const bar = json ? undefined : startBar(io, ITERATIONS, 'iterations');
  let done = 0;
  let found: RateTest;
  try {
    found = await findRate(
      { ...options, runDir },
      {
        iterations: ITERATIONS,
        onPoint: point => {
          if (json) say(io, JSON.stringify({ type: 'rate', ...point }));
          bar?.update(++done, `rate ${formatNumber(point.rate)}  loss ${formatNumber(point.smoothed)}`);
        },
      },
    );
  } finally {
    bar?.stop();
  }
  if (options.signal?.aborted) throw new Interrupted('Stopped: nothing was trained.');
  const { points: _, ...told } = found;
  if (json) say(io, JSON.stringify({ type: 'find-lr', ...told, chart: join(runDir, RATE_CHART) }));
  else for (const line of [...rateLines(found), join(runDir, RATE_CHART)]) say(io, line);
  return found.suggestion === undefined ? exitCodes.failed : exitCodes.ok;
}

/** What a range test found, in words. */
export function rateLines({ points, steepest, diverged, suggestion }: RateTest): string[] {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return ['The loss is no number from the first iteration on: no learning rate was tried.'];
  const least = points.reduce((a, b) => (b.smoothed < a.smoothed ? b : a));
  const rate = (value: number) => formatNumber(Number(value.toPrecision(2)));
  const lines = [
    `Tried ${points.length} learning rates from ${rate(first.rate)} to ${rate(last.rate)}; nothing was trained. Loss ${formatNumber(first.smoothed)} at first, least ${formatNumber(least.smoothed)} at ${rate(least.rate)}.`,
    diverged === undefined
      ? 'It did not explode.'
      : `It explodes at ${rate(diverged)}: a tenth of that is ${rate(diverged / 10)}.`,
    steepest === undefined ? 'It never falls.' : `It falls fastest at ${rate(steepest)}.`,
  ];
  if (suggestion === undefined) return lines;
  const why = suggestion === steepest ? 'where the loss falls fastest' : 'a tenth of where it explodes';
  return [
    ...lines,
    `Suggested: base_lr: ${rate(suggestion)} (--lr ${rate(suggestion)}), ${why}, the lesser of the two.`,
  ];
}

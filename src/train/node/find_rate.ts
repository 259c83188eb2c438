/** A learning-rate range test of what `train` would train, with its curve in a folder. */

import { join } from 'node:path';
import { rateChart } from '../../charts/rate_chart.js';
import { fail } from '../../diagnostics/index.js';
import { makeFolderSync, writeTextSync } from '../../files/index.js';
import { findRate as findRateOf, type RateTest, type RateTestOptions } from '../find_rate.js';
import { Resources } from '../resources.js';
import { loadRun, type TrainOptions } from './train.js';

/** The file of the curve in the folder. */
export const RATE_CHART = 'find_lr.svg';

/**
 * Tries learning rates on a run's network, solver and data. Nothing is trained, and no run lies in the folder afterwards.
 *
 * @param options as of `train`; a run by epochs needs none. `runDir` is where the curve goes; without it none is drawn
 * @throws MokapotError as `train` does, `rate-range`
 */
export async function findRate(
  options: TrainOptions,
  range: Omit<RateTestOptions, 'feeds' | 'signal'> = {},
): Promise<RateTest> {
  if (options.resume !== undefined)
    throw fail('resume-options', 'A run that is gone on with has its learning rate: there is none to find.', {
      hint: 'Test with the options that the run was begun with, without --resume.',
    });
  const resources = new Resources();
  try {
    const { runDir, feeds, signal } = options;
    const isByEpochs = options.solver === undefined && options.solverText === undefined;
    const { solver } = await loadRun({ ...options, ...(isByEpochs && { epochs: options.epochs ?? 1 }) }, resources);
    if (options.snapshot !== undefined) await solver.restore(options.snapshot);
    const found = await findRateOf(solver, { ...range, ...(feeds && { feeds }), ...(signal && { signal }) });
    if (runDir !== undefined) {
      makeFolderSync(runDir);
      const chart = rateChart(found, `${solver.net.name || 'network'}: learning rates`);
      writeTextSync(join(runDir, RATE_CHART), chart, { code: 'run-folder' });
    }
    return found;
  } finally {
    await resources.close();
  }
}

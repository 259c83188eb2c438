/** The training loop with its snapshots in files. */

import type { TrainEvent } from '../events.js';
import { type LoopOptions as MemoryLoopOptions, trainSolver as runLoop } from '../loop.js';
import type { Solver } from './solver.js';

/** How a solver is run to its end, with snapshots in files. */
export interface LoopOptions extends Omit<MemoryLoopOptions, 'saveSnapshot'> {
  /** Path and name that snapshots begin with. Default: the solver's snapshot_prefix. */
  readonly snapshotPrefix?: string;
}

/** Trains `solver` to its max_iter. Ends with an `end` event; a loss that is no number ends it too. */
export async function* trainSolver(solver: Solver, options: LoopOptions = {}): AsyncGenerator<TrainEvent, void, void> {
  const { snapshotPrefix, ...loop } = options;
  yield* runLoop(solver, { ...loop, saveSnapshot: () => solver.snapshot(snapshotPrefix) });
}

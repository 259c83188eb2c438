/** Training: solvers that iterate, the loop as a stream of events, runs in folders. */
export { Curves } from '../charts/curves.js';
export { digitsSolver, type EpochOptions, type PolicyOptions } from './digits.js';
export {
  type DisplayEvent,
  type EndEvent,
  type EpochEvent,
  eventLine,
  type IterationEvent,
  type SnapshotEvent,
  type StartEvent,
  type TestEvent,
  type TrainEvent,
  type WarningEvent,
} from './events.js';
export type { Figures } from './figures.js';
export { type LoopOptions, trainSolver } from './loop.js';
export { RUN_FILES, readLog } from './run_folder.js';
export type { SnapshotFiles } from './snapshot.js';
export {
  type FeedFunction,
  type Iteration,
  Solver,
  type SolverOptions,
  type SolverTextOptions,
  type TestOptions,
  type TestResult,
} from './solver.js';
export { type TrainOptions, train } from './train.js';

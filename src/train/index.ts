/** Training: solvers that iterate, the loop as a stream of events. Needs no files; `node/index.ts` is the same with them. */
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
export { findRate, type RatePoint, type RateTest, type RateTestOptions } from './find_rate.js';
export type { FeedFunction, Iteration } from './iterations.js';
export { seedsOf } from './load.js';
export { type LoopOptions, trainSolver } from './loop.js';
export { type NamedNet, readNetText } from './nets.js';
export type { OwnOptions } from './own_options.js';
export type { SnapshotBytes, SnapshotFiles } from './snapshot.js';
export {
  Solver,
  type SolverOptions,
  type SolverTextOptions,
  type TestOptions,
  type TestResult,
} from './solver.js';

/** Training under Node.js: solvers, nets and data from files, snapshots and runs in folders. What needs none is in `../index.ts`. */
export { Curves } from '../../charts/curves.js';
export { findRate, RATE_CHART } from './find_rate.js';
export { type LoopOptions, trainSolver } from './loop.js';
export { newRunDir, RUN_FILES, readLog, removeIfEmpty } from './run_folder.js';
export { Solver, type SolverOptions, type SolverTextOptions } from './solver.js';
export { type TrainOptions, train } from './train.js';

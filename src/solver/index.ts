/** The solver: from a SolverParameter and gradients to new parameters, as IR; learning-rate policies; checks. */
export { averageDecay, averagesWeights } from './average.js';
export { checkSolver, solverError } from './check.js';
export { MOST_OVERSAMPLING } from './check_own.js';
export { policyNames, rateAt } from './policy.js';
export { updateRules } from './rules/index.js';
export { accumulate, accumulatorKey, applyUpdate, averageKey, historyKey, solverFeeds } from './update.js';

/** The solver: from a SolverParameter and gradients to new parameters, as IR; learning-rate policies; checks. */
export { checkSolver, solverError } from './check.js';
export { policyNames, rateAt } from './policy.js';
export { updateRules } from './rules/index.js';
export { accumulate, accumulatorKey, applyUpdate, historyKey, solverFeeds } from './update.js';

/** The solver: from a SolverParameter and gradients to new parameters, as IR; learning-rate policies; checks. */
export { checkSolver, solverError } from './check.js';
export { checkPolicy, policyNames, type Rate, rateAt } from './policy.js';
export { type UpdateRule, updateRules } from './rules/index.js';
export {
  accumulate,
  accumulatorKey,
  applyUpdate,
  historyKey,
  RATE,
  scalarKey,
  solverFeeds,
  type TrainableParam,
} from './update.js';

/** The checks that hold a net against the solver that trains it. */

import type { SolverParameter } from '../../schema/index.js';
import type { CheckRule, TrainedBy } from './check.js';
import { lateStatistics } from './late_statistics.js';
import { learningRate } from './learning_rate.js';
import { testedOutput } from './tested_output.js';
import { weighedClasses } from './weighed_classes.js';

/** Their rules, in the order in which they are run, behind all others. */
export const solverRules: readonly CheckRule[] = [learningRate, lateStatistics, weighedClasses, testedOutput];

/** A net's solver, as `describe` and `runChecks` take it. */
export const trainedBy = (param: SolverParameter): TrainedBy => ({ param, rules: solverRules });

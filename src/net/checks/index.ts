/** The checks, one a file, in the order in which they are run. */

import type { Diagnostic } from '../../diagnostics/index.js';
import type { NetGraph } from '../types.js';
import { bilinearGroups } from './bilinear_groups.js';
import { bilinearLearns } from './bilinear_learns.js';
import type { Check, CheckOptions } from './check.js';
import { duplicateNames } from './duplicate_names.js';
import { noLoss } from './no_loss.js';
import { zeroWeights } from './zero_weights.js';

export type { Check, CheckOptions } from './check.js';

export const checks: readonly Check[] = [zeroWeights, bilinearGroups, bilinearLearns, noLoss, duplicateNames];

/** What all checks have to say of a net. Errors of the net itself are not among it: those are the compiler's. */
export function runChecks(graph: NetGraph, options: CheckOptions = {}): Diagnostic[] {
  return checks.flatMap(check => check.run(graph, options));
}

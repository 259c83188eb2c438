/** The rules of the checks, one a file, in the order in which they are run. */

import type { Diagnostic } from '../../diagnostics/index.js';
import type { NetGraph } from '../types.js';
import { augmentAtTest } from './augment_at_test.js';
import { augmentLabels } from './augment_labels.js';
import { avePadding } from './ave_padding.js';
import { bilinearGroups } from './bilinear_groups.js';
import { bilinearLearns } from './bilinear_learns.js';
import type { CheckOptions, CheckRule } from './check.js';
import { cropOffset } from './crop_offset.js';
import { danglingTop } from './dangling_top.js';
import { deprecatedField } from './deprecated_field.js';
import { doubleSoftmax } from './double_softmax.js';
import { dropoutTest } from './dropout_test.js';
import { duplicateNames } from './duplicate_names.js';
import { emptyWindow } from './empty_window.js';
import { fixedStatistics } from './fixed_statistics.js';
import { inPlaceUnfit } from './in_place.js';
import { labelClasses } from './label_classes.js';
import { labelShape } from './label_shape.js';
import { lossReach } from './loss_reach.js';
import { noLoss } from './no_loss.js';
import { reluScore } from './relu_score.js';
import { scaledLabels } from './scaled_labels.js';
import { tooMuchMemory } from './too_much_memory.js';
import { unknownFiller } from './unknown_filler.js';
import { zeroWeights } from './zero_weights.js';

/** The rule of every check that asks nothing of a solver (those: trained_by.ts), in the order in which they are run. */
export const rules: readonly CheckRule[] = [
  // What is trained
  noLoss,
  lossReach,
  zeroWeights,
  fixedStatistics,
  bilinearGroups,
  bilinearLearns,

  // Scores and labels
  cropOffset,
  labelShape,
  labelClasses,
  scaledLabels,
  augmentLabels,
  doubleSoftmax,
  reluScore,

  // How layers connect
  danglingTop,
  inPlaceUnfit,
  duplicateNames,

  // Single layers
  unknownFiller,
  dropoutTest,
  augmentAtTest,
  avePadding,
  emptyWindow,
  deprecatedField,

  tooMuchMemory,
];

/** What all checks have to say of a net. Errors of the net itself are not among it: those are the compiler's. */
export function runChecks(graph: NetGraph, options: CheckOptions = {}): Diagnostic[] {
  return [...rules, ...(options.solver?.rules ?? [])].flatMap(rule => rule.run(graph, options));
}

/**
 * The checks with their documentation, for those who tell people of them: docs/checks.md, SARIF logs, tests. Nothing that runs
 * checks imports this module, so that a page is bundled without all these sentences and examples.
 */

import { augmentAtTest, augmentAtTestDoc } from './augment_at_test.js';
import { augmentLabels, augmentLabelsDoc } from './augment_labels.js';
import { avePadding, avePaddingDoc } from './ave_padding.js';
import { bilinearGroups, bilinearGroupsDoc } from './bilinear_groups.js';
import { bilinearLearns, bilinearLearnsDoc } from './bilinear_learns.js';
import type { Check, CheckDoc, CheckRule } from './check.js';
import { cropOffset, cropOffsetDoc } from './crop_offset.js';
import { danglingTop, danglingTopDoc } from './dangling_top.js';
import { deprecatedField, deprecatedFieldDoc } from './deprecated_field.js';
import { doubleSoftmax, doubleSoftmaxDoc } from './double_softmax.js';
import { dropoutTest, dropoutTestDoc } from './dropout_test.js';
import { duplicateNames, duplicateNamesDoc } from './duplicate_names.js';
import { emptyWindow, emptyWindowDoc } from './empty_window.js';
import { fixedStatistics, fixedStatisticsDoc } from './fixed_statistics.js';
import { inPlaceUnfit, inPlaceUnfitDoc } from './in_place.js';
import { labelClasses, labelClassesDoc } from './label_classes.js';
import { labelShape, labelShapeDoc } from './label_shape.js';
import { lateStatistics, lateStatisticsDoc } from './late_statistics.js';
import { learningRate, learningRateDoc } from './learning_rate.js';
import { lossReach, lossReachDoc } from './loss_reach.js';
import { noLoss, noLossDoc } from './no_loss.js';
import { reluScore, reluScoreDoc } from './relu_score.js';
import { scaledLabels, scaledLabelsDoc } from './scaled_labels.js';
import { testedOutput, testedOutputDoc } from './tested_output.js';
import { tooMuchMemory, tooMuchMemoryDoc } from './too_much_memory.js';
import { unknownFiller, unknownFillerDoc } from './unknown_filler.js';
import { weighedClasses, weighedClassesDoc } from './weighed_classes.js';
import { zeroWeights, zeroWeightsDoc } from './zero_weights.js';

/** Every check, in the order in which they are run. */
export const checks: readonly Check[] = [
  // What is trained
  check(noLoss, noLossDoc),
  check(lossReach, lossReachDoc),
  check(zeroWeights, zeroWeightsDoc),
  check(fixedStatistics, fixedStatisticsDoc),
  check(bilinearGroups, bilinearGroupsDoc),
  check(bilinearLearns, bilinearLearnsDoc),

  // Scores and labels
  check(cropOffset, cropOffsetDoc),
  check(labelShape, labelShapeDoc),
  check(labelClasses, labelClassesDoc),
  check(scaledLabels, scaledLabelsDoc),
  check(augmentLabels, augmentLabelsDoc),
  check(doubleSoftmax, doubleSoftmaxDoc),
  check(reluScore, reluScoreDoc),

  // How layers connect
  check(danglingTop, danglingTopDoc),
  check(inPlaceUnfit, inPlaceUnfitDoc),
  check(duplicateNames, duplicateNamesDoc),

  // Single layers
  check(unknownFiller, unknownFillerDoc),
  check(dropoutTest, dropoutTestDoc),
  check(augmentAtTest, augmentAtTestDoc),
  check(avePadding, avePaddingDoc),
  check(emptyWindow, emptyWindowDoc),
  check(deprecatedField, deprecatedFieldDoc),

  check(tooMuchMemory, tooMuchMemoryDoc),

  // What the solver asks
  check(learningRate, learningRateDoc),
  check(lateStatistics, lateStatisticsDoc),
  check(weighedClasses, weighedClassesDoc),
  check(testedOutput, testedOutputDoc),
];

function check(rule: CheckRule, doc: () => CheckDoc): Check {
  return { ...rule, ...doc() };
}

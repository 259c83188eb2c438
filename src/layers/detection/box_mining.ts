/** Which negatives (or hard examples) of a picture count in SSD's loss (MineHardExamples, bbox_util.cpp). */

import { nth } from '../../diagnostics/index.js';
import { MultiBoxLossParameter, type NonMaximumSuppressionParameter } from '../../schema/index.js';
import { IGNORED, type Match, NONE } from './box_match.js';
import { area, type Box, overlap } from './boxes.js';

const { HARD_EXAMPLE } = MultiBoxLossParameter.MiningType;

/** Boxes smaller than this are no candidates. */
const TINY = Math.fround(1e-5);

/**
 * The chosen negatives. MAX_NEGATIVE takes those of the greatest loss, neg_pos_ratio for each match, among boxes that
 * overlap no truth by neg_overlap; HARD_EXAMPLE the sample_size boxes of the greatest loss, matched or not, and unmatches
 * (in `match`) the others. With nms_param, boxes that overlap a chosen one are passed over.
 * @param loss of each box.
 * @param boxes where each box lies, for the suppression.
 */
export function mine(
  match: Match,
  loss: readonly number[],
  boxes: readonly Box[],
  param: MultiBoxLossParameter,
): number[] {
  const hard = param.mining_type === HARD_EXAMPLE;
  const all = [...match.truth.keys()];
  const candidates = hard ? all : all.filter(i => match.truth[i] === NONE && match.overlap[i]! < param.neg_overlap);
  const matched = match.truth.reduce((sum, t) => sum + Number(t > NONE), 0);
  const most = hard ? param.sample_size : Math.trunc(Math.fround(matched * param.neg_pos_ratio));
  const sorted = candidates.sort((a, b) => nth(loss, b) - nth(loss, a));
  const nms = param.nms_param;
  const chosen = new Set((nms && nms.nms_threshold > 0 ? suppress(sorted, boxes, nms) : sorted).slice(0, most));
  if (hard) for (const i of all) if (match.truth[i]! > IGNORED && !chosen.has(i)) match.truth[i] = NONE;
  return all.filter(i => match.truth[i] === NONE && chosen.has(i));
}

/** Those of `sorted` that overlap none before them by more than the threshold; top_k counts as 0 where it is not given. */
function suppress(sorted: readonly number[], boxes: readonly Box[], param: NonMaximumSuppressionParameter): number[] {
  const { nms_threshold, top_k } = param;
  const kept: number[] = [];
  for (const i of top_k >= 0 ? sorted.slice(0, top_k) : sorted) {
    if (area(nth(boxes, i)) < TINY) continue;
    if (kept.every(k => overlap(nth(boxes, k), nth(boxes, i)) <= nms_threshold)) kept.push(i);
  }
  return kept;
}

/** Which true box each prior answers for (SSD's MatchBBox and FindMatches, bbox_util.cpp). */

import { nth } from '../../diagnostics/index.js';
import { MultiBoxLossParameter } from '../../schema/index.js';
import { type Box, crossesBorder, overlap } from './boxes.js';

/** A labelled box of the ground truth. */
export interface Truth {
  readonly label: number;
  readonly box: Box;
}

/** Label of a match that is for boxes of all classes. */
export const ANY = -1;
/** In place of a truth's index: matched to none, and left out of everything. */
export const NONE = -1;
export const IGNORED = -2;

/** Of each box: the index of its truth (or NONE, IGNORED), and its greatest overlap with any. */
export interface Match {
  /** The class whose location predictions it is for, or ANY. */
  readonly label: number;
  readonly truth: Int32Array;
  readonly overlap: Float32Array;
}

/** Overlaps from here on count as touching at all. */
const TOUCHING = Math.fround(1e-6);

/**
 * First each truth, the greatest overlap before all others, takes the box that it overlaps most and that is free; then,
 * with PER_PREDICTION, each box left takes the truth it overlaps most, from overlap_threshold on. Of equals the first wins.
 */
export function matchBoxes(
  truths: readonly Truth[],
  boxes: readonly Box[],
  label: number,
  param: MultiBoxLossParameter,
): Match {
  const match = { label, truth: new Int32Array(boxes.length).fill(NONE), overlap: new Float32Array(boxes.length) };
  const own = truths.map((_, t) => t).filter(t => label === ANY || nth(truths, t).label === label);
  if (own.length === 0) return match;
  const shared = boxes.map((box, i) => {
    if (param.ignore_cross_boundary_bbox && crossesBorder(box)) match.truth[i] = IGNORED;
    if (match.truth[i] === IGNORED) return [];
    const row = own.map(t => overlap(box, nth(truths, t).box));
    for (const o of row) if (o > TOUCHING && o > match.overlap[i]!) match.overlap[i] = o;
    return row;
  });
  bipartite(match, shared, own);
  if (param.match_type === MultiBoxLossParameter.MatchType.PER_PREDICTION)
    perPrediction(match, shared, own, param.overlap_threshold);
  return match;
}

function bipartite({ truth, overlap }: Match, shared: readonly (readonly number[])[], own: readonly number[]): void {
  const free = new Set(own.keys());
  while (free.size > 0) {
    let [box, at, greatest] = [-1, -1, TOUCHING];
    for (const [i, row] of shared.entries()) {
      if (truth[i] !== NONE) continue;
      for (const t of free) if (row[t]! > greatest) [box, at, greatest] = [i, t, row[t]!];
    }
    if (box < 0) return;
    truth[box] = own[at]!;
    overlap[box] = greatest;
    free.delete(at);
  }
}

function perPrediction(
  { truth, overlap }: Match,
  shared: readonly (readonly number[])[],
  own: readonly number[],
  least: number,
): void {
  for (const [i, row] of shared.entries()) {
    if (truth[i] !== NONE) continue;
    let [at, greatest] = [-1, TOUCHING];
    for (const [t, o] of row.entries()) if (o >= least && o > greatest) [at, greatest] = [t, o];
    if (at < 0) continue;
    truth[i] = nth(own, at);
    overlap[i] = greatest;
  }
}

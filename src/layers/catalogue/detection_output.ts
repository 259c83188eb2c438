/**
 * DetectionOutput (SSD, detection_output_layer.cpp and ApplyNMSFast): decodes the boxes predicted from priors and keeps the
 * best of each class.
 */

import type { HostArray } from '../../ir/index.js';
import { type DetectionOutputParameter, isSet, sub } from '../../schema/index.js';
import { checkPredictions } from '../detection/box_predictions.js';
import { type Box, boxAt, decode, overlap, type Prior, priorsOf, UNIT } from '../detection/boxes.js';
import { detections, rowsShape } from '../detection/rows.js';
import { foundShapes } from '../rules/found.js';
import type { LayerContext, LayerType } from '../types.js';

interface Candidate {
  readonly label: number;
  readonly score: number;
  readonly prior: number;
}

/** A candidate with its box. */
interface Detection extends Candidate {
  readonly box: Box;
}

/** How many boxes of a class are looked at: all without top_k, or where it is negative. */
function topK(param: DetectionOutputParameter): number {
  const nms = sub(param, 'nms_param');
  return isSet(nms, 'top_k') && nms.top_k >= 0 ? nms.top_k : Infinity;
}

/** Greedy suppression: the best first, then each that overlaps none of the kept by more than the threshold. */
function suppress(
  found: readonly Candidate[],
  boxOf: (candidate: Candidate) => Box,
  param: DetectionOutputParameter,
): Detection[] {
  const { nms_threshold, eta } = sub(param, 'nms_param');
  const kept: Detection[] = [];
  let threshold = nms_threshold;
  for (const next of [...found].sort((a, b) => b.score - a.score).slice(0, topK(param))) {
    const box = boxOf(next);
    if (kept.some(other => overlap(box, other.box) > threshold)) continue;
    kept.push({ ...next, box });
    if (eta < 1 && threshold > 0.5) threshold = Math.fround(threshold * eta);
  }
  return kept;
}

interface Predictions {
  readonly loc: Float32Array;
  readonly conf: Float32Array;
  readonly priors: readonly Prior[];
}

/** Decodes the box of a candidate; each location prediction once. */
function decoder({ loc, priors }: Predictions, param: DetectionOutputParameter): (candidate: Candidate) => Box {
  const { num_classes, share_location, code_type, variance_encoded_in_target } = param;
  const known = new Map<number, Box>();
  return ({ prior: p, label }) => {
    const at = 4 * (share_location ? p : p * num_classes + label);
    let found = known.get(at);
    if (!found) {
      const { box, variance } = priors[p]!;
      found = decode(box, variance_encoded_in_target ? UNIT : variance, boxAt(loc, at), code_type);
      known.set(at, found);
    }
    return found;
  };
}

/** All that one sample's predictions leave, by class, within a class the best first. */
function detect(predictions: Predictions, param: DetectionOutputParameter): Detection[] {
  const { num_classes, background_label_id, keep_top_k } = param;
  const least = isSet(param, 'confidence_threshold') ? param.confidence_threshold : -Infinity;
  const boxOf = decoder(predictions, param);
  const kept: Detection[] = [];
  for (let label = 0; label < num_classes; label++) {
    if (label === background_label_id) continue;
    const found: Candidate[] = [];
    for (let prior = 0; prior < predictions.priors.length; prior++) {
      const score = predictions.conf[prior * num_classes + label]!;
      if (score > least) found.push({ label, score, prior });
    }
    kept.push(...suppress(found, boxOf, param));
  }
  if (keep_top_k < 0 || kept.length <= keep_top_k) return kept;
  const best = [...kept].sort((a, b) => b.score - a.score).slice(0, keep_top_k);
  return best.sort((a, b) => a.label - b.label);
}

/** Rows [sample, label, score, xmin, ymin, xmax, ymax]. */
function find(ctx: LayerContext, inputs: readonly HostArray[]): readonly (readonly number[])[] {
  const param = sub(ctx.param, 'detection_output_param');
  const [loc, conf, { data }] = inputs as readonly [HostArray, HostArray, HostArray];
  const priors = priorsOf(data);
  const samples = loc.shape[0]!;
  const part = ({ data }: HostArray, n: number) =>
    data.subarray((n * data.length) / samples, ((n + 1) * data.length) / samples);
  return Array.from({ length: samples }, (_, n) =>
    detect({ loc: part(loc, n), conf: part(conf, n), priors }, param).map(({ label, score, box }) => [
      n,
      label,
      score,
      ...box,
    ]),
  ).flat();
}

/** How many rows there can be at most. */
function capacity(ctx: LayerContext): number {
  const param = sub(ctx.param, 'detection_output_param');
  const priors = ctx.bottomShapes[2]![2]! / 4;
  const all = param.num_classes * Math.min(topK(param), priors);
  return ctx.bottomShapes[0]![0]! * Math.max(1, param.keep_top_k < 0 ? all : Math.min(all, param.keep_top_k));
}

export const detectionOutput: LayerType = {
  type: 'DetectionOutput',
  doc: 'Boxes decoded from offsets, scores and priors, overlapping ones of a class suppressed: rows [sample, label, score, xmin, ymin, xmax, ymax].',
  formula:
    'box = decode(prior, location) with CENTER_SIZE: centre + v · code · size, size · exp(v · code); then greedy suppression by overlap > nms_threshold in each class',
  shapeRule:
    '[1, 1, rows, 7] with as many rows as detections, which is known when it runs (before that: as many as there can be); without any a row for each sample, [sample, −1, …].',
  unheeded: {
    save_output_param: 'no files are written: `mokapot infer` saves the rows',
    visualize: 'nothing is shown',
    visualize_threshold: 'nothing is shown',
    save_file: 'nothing is shown',
  },
  bottoms: { min: 3, max: 3 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const param = sub(ctx.param, 'detection_output_param');
    const { num_classes } = param;
    const { eta, nms_threshold } = sub(param, 'nms_param');
    if (!(num_classes > 0)) {
      throw ctx.fail('detection-classes', 'num_classes is missing or 0.', {
        field: 'detection_output_param.num_classes',
      });
    }
    if (!(eta > 0 && eta <= 1))
      throw ctx.fail('detection-eta', `eta is ${eta}.`, {
        field: 'detection_output_param.nms_param.eta',
        hint: 'The threshold is multiplied by it after each box that is kept: above 0, at most 1 (which leaves it as it is).',
      });
    if (!(nms_threshold >= 0))
      throw ctx.fail('detection-nms', `nms_threshold is ${nms_threshold}: it must not be negative.`, {
        field: 'detection_output_param.nms_param.nms_threshold',
      });
    checkPredictions(ctx, param);
    return { tops: foundShapes(ctx, () => [rowsShape(capacity(ctx))]), params: [] };
  },
  ...detections(capacity, find),
};

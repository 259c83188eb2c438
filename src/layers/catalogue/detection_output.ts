/**
 * DetectionOutput (SSD, detection_output_layer.cpp and ApplyNMSFast): decodes the boxes predicted from priors and keeps the
 * best of each class.
 */

import { nth } from '../../diagnostics/index.js';
import { type Builder, dim, type ExportTarget, type HostArray, sizeOf, type Value } from '../../ir/index.js';
import { type DetectionOutputParameter, isSet, sub } from '../../schema/index.js';
import { checkPredictions } from '../detection/box_predictions.js';
import { type Box, boxAt, decode, overlap, type Prior, priorsOf, UNIT } from '../detection/boxes.js';
import { type Detections, decodedBoxes, onnxDetections } from '../detection/export_detections.js';
import { detections, filledRows, rowsShape } from '../detection/rows.js';
import { readsElsewhere } from '../rules/families.js';
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

/** How many boxes of a class are considered: all without top_k, or where it is negative. */
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

/** One sample's predictions. */
interface Predictions {
  readonly priors: number;
  score(label: number, prior: number): number;
  box(candidate: Candidate): Box;
}

/** Decodes the box of a candidate; each location prediction once. */
function decoder(loc: Float32Array, priors: readonly Prior[], param: DetectionOutputParameter): Predictions['box'] {
  const { num_classes, share_location, code_type, variance_encoded_in_target } = param;
  const known = new Map<number, Box>();
  return ({ prior: p, label }) => {
    const at = 4 * (share_location ? p : p * num_classes + label);
    let found = known.get(at);
    if (!found) {
      const { box, variance } = nth(priors, p);
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
  const kept: Detection[] = [];
  for (let label = 0; label < num_classes; label++) {
    if (label === background_label_id) continue;
    const found: Candidate[] = [];
    for (let prior = 0; prior < predictions.priors; prior++) {
      const score = predictions.score(label, prior);
      if (score > least) found.push({ label, score, prior });
    }
    kept.push(...suppress(found, predictions.box, param));
  }
  if (keep_top_k < 0 || kept.length <= keep_top_k) return kept;
  const best = [...kept].sort((a, b) => b.score - a.score).slice(0, keep_top_k);
  return best.sort((a, b) => a.label - b.label);
}

/** Rows [sample, label, score, xmin, ymin, xmax, ymax]. */
function rowsOf(samples: readonly Predictions[], param: DetectionOutputParameter): readonly (readonly number[])[] {
  return samples.flatMap((predictions, n) =>
    detect(predictions, param).map(({ label, score, box }) => [n, label, score, ...box]),
  );
}

/** The n-th of `count` parts. */
function partOf({ data }: HostArray, n: number, count: number): Float32Array {
  return data.subarray((n * data.length) / count, ((n + 1) * data.length) / count);
}

/** From the layer's bottoms: locations, scores and priors. */
function predicted([loc, conf, boxes]: readonly HostArray[], param: DetectionOutputParameter): Predictions[] {
  const priors = priorsOf(boxes!.data);
  const samples = dim(loc!.shape, 0);
  return Array.from({ length: samples }, (_, n) => {
    const scores = partOf(conf!, n, samples);
    return {
      priors: priors.length,
      score: (label, prior) => scores[prior * param.num_classes + label]!,
      box: decoder(partOf(loc!, n, samples), priors, param),
    };
  });
}

/** From decoded boxes and scores, in the form of `onnxDetections`. */
function decoded(
  [boxes, scores]: readonly HostArray[],
  { samples, priors, labels, sharesLocation }: Detections,
): Predictions[] {
  return Array.from({ length: samples }, (_, n) => {
    const [own, of] = [partOf(boxes!, n, samples), partOf(scores!, n, samples)];
    return {
      priors,
      score: (label, prior) => of[labels.indexOf(label) * priors + prior]!,
      box: ({ label, prior }) => boxAt(own, 4 * (sharesLocation ? prior : labels.indexOf(label) * priors + prior)),
    };
  });
}

/**
 * In a model for ONNX the same rows; for TensorFlow.js, whose suppression is no part of a graph, [samples, priors, locations
 * · 4 + classes]: the decoded boxes, then the scores. `eta` has no equal.
 */
function exported(
  b: Builder,
  [loc, conf, priors]: readonly Value[],
  target: ExportTarget,
  { param, rows, name }: { readonly param: DetectionOutputParameter; readonly rows: number; readonly name: string },
): readonly Value[] | undefined {
  const { num_classes, background_label_id, share_location: sharesLocation } = param;
  const boxes = decodedBoxes(b, loc!, priors!, param);
  const [samples, count, locations] = boxes.shape as readonly [number, number, number];
  const scores = b.reshape(conf!, [samples, count, num_classes]);
  if (target === 'tfjs') return [b.concat([b.reshape(boxes, [samples, count, 4 * locations]), scores], 2)];
  if (sub(param, 'nms_param').eta < 1) return undefined;
  if (topK(param) === 0 || param.keep_top_k === 0) return [b.constant(filledRows([], samples, rows), rowsShape(rows))];
  const labels = Array.from({ length: num_classes }, (_, i) => i).filter(i => i !== background_label_id);
  const ofLabels = (x: Value, axis: number) =>
    b.concat(
      labels.map(label =>
        b.slice(
          x,
          x.shape.map((_, i) => (i === axis ? label : 0)),
          x.shape.map((d, i) => (i === axis ? 1 : d)),
        ),
      ),
      axis,
    );
  const byClass = b.transpose(ofLabels(scores, 2), [0, 2, 1]);
  const groups = sharesLocation ? boxes : b.transpose(ofLabels(boxes, 2), [0, 2, 1, 3]);
  const flat = b.reshape(groups, [sizeOf(groups.shape) / (count * 4), count, 4]);
  const given = { samples, priors: count, labels, sharesLocation, rows, param };
  return b.hostCall([flat, byClass], {
    name,
    outputs: [rowsShape(rows)],
    run: arrays => [filledRows(rowsOf(decoded(arrays, given), param), samples, rows)],
    onnx: (w, inputs) => [onnxDetections(w, inputs, given)],
  });
}

/** How many rows there can be at most. */
function capacity(ctx: LayerContext<3>): number {
  const param = sub(ctx.param, 'detection_output_param');
  const priors = dim(ctx.bottomShapes[2], 2) / 4;
  const all = param.num_classes * Math.min(topK(param), priors);
  return dim(ctx.bottomShapes[0], 0) * Math.max(1, param.keep_top_k < 0 ? all : Math.min(all, param.keep_top_k));
}

export const detectionOutput: LayerType<3> = {
  type: 'DetectionOutput',
  doc: 'Boxes decoded from offsets, scores and priors, overlapping ones of a class suppressed: rows [sample, label, score, xmin, ymin, xmax, ymax].',
  formula:
    'box = decode(prior, location) with CENTER_SIZE: centre + v · code · size, size · exp(v · code); then greedy suppression by overlap > nms_threshold in each class',
  shapeRule:
    '[1, 1, rows, 7] with as many rows as detections, which is known when it runs (before that: as many as there can be); without any a row for each sample, [sample, −1, …].',
  unusedFields: {
    save_output_param: 'no files are written: `mokapot infer` saves the rows',
    visualize: 'nothing is shown',
    visualize_threshold: 'nothing is shown',
    save_file: 'nothing is shown',
  },
  category: 'measure',
  ...readsElsewhere,
  endsNet: true,
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
  ...detections(
    capacity,
    (ctx, inputs) => {
      const param = sub(ctx.param, 'detection_output_param');
      return rowsOf(predicted(inputs, param), param);
    },
    ctx => {
      const { name } = ctx;
      const param = sub(ctx.param, 'detection_output_param');
      return (b, inputs, target) => exported(b, inputs, target, { param, rows: capacity(ctx), name });
    },
  ),
};

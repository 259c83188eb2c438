/** DetectionOutput (SSD): decodes the boxes predicted from priors and keeps the best of each class. */

import type { HostArray } from '../ir/index.js';
import { type DetectionOutputParameter, isSet, PriorBoxParameter, sub } from '../schema/index.js';
import { countOf, showBottom } from './axis.js';
import type { LayerContext, LayerType } from './types.js';

const { CORNER, CENTER_SIZE } = PriorBoxParameter.CodeType;

/** xmin, ymin, xmax, ymax */
type Box = readonly [number, number, number, number];

interface Detection {
  readonly label: number;
  readonly score: number;
  readonly box: Box;
}

/** A prior moved by what the network says of it (bbox_util.cpp, DecodeBBox). */
function decode(prior: Box, variance: Box, code: Box, type: number): Box {
  const [x1, y1, x2, y2] = prior;
  const [a, b, c, d] = code.map((v, i) => v * variance[i]!) as unknown as Box;
  const [width, height] = [x2 - x1, y2 - y1];
  if (type === CORNER) return [x1 + a, y1 + b, x2 + c, y2 + d];
  if (type !== CENTER_SIZE) return [x1 + a * width, y1 + b * height, x2 + c * width, y2 + d * height];
  const [cx, cy] = [a * width + (x1 + x2) / 2, b * height + (y1 + y2) / 2];
  const [w, h] = [Math.exp(c) * width, Math.exp(d) * height];
  return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
}

function area([x1, y1, x2, y2]: Box): number {
  return x2 < x1 || y2 < y1 ? 0 : (x2 - x1) * (y2 - y1);
}

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? (width * height) / (area(a) + area(b) - width * height) : 0;
}

/** Greedy suppression: the best first, then each that overlaps none of the kept by more than the threshold. */
function suppress(found: readonly Detection[], param: DetectionOutputParameter): Detection[] {
  const { nms_threshold, eta, top_k } = sub(param, 'nms_param');
  const sorted = [...found].sort((a, b) => b.score - a.score);
  const kept: Detection[] = [];
  let threshold = nms_threshold;
  for (const next of top_k > 0 ? sorted.slice(0, top_k) : sorted) {
    if (kept.some(other => overlap(next.box, other.box) > threshold)) continue;
    kept.push(next);
    if (eta < 1 && threshold > 0.5) threshold *= eta;
  }
  return kept;
}

interface Predictions {
  readonly loc: Float32Array;
  readonly conf: Float32Array;
  readonly priors: Float32Array;
}

/** All that one sample's predictions leave, by class, within a class the best first. */
function detect({ loc, conf, priors }: Predictions, param: DetectionOutputParameter): Detection[] {
  const { num_classes, share_location, background_label_id, keep_top_k, code_type } = param;
  const least = isSet(param, 'confidence_threshold') ? param.confidence_threshold : -Infinity;
  const four = (from: Float32Array, at: number) => [...from.subarray(at, at + 4)] as unknown as Box;
  const count = priors.length / 8;
  const variance = (p: number): Box =>
    param.variance_encoded_in_target ? [1, 1, 1, 1] : four(priors, 4 * (count + p));
  const kept: Detection[] = [];
  for (let label = 0; label < num_classes; label++) {
    if (label === background_label_id) continue;
    const found: Detection[] = [];
    for (let p = 0; p < count; p++) {
      const score = conf[p * num_classes + label]!;
      if (!(score > least)) continue;
      const code = four(loc, 4 * (share_location ? p : p * num_classes + label));
      found.push({ label, score, box: decode(four(priors, 4 * p), variance(p), code, code_type) });
    }
    kept.push(...suppress(found, param));
  }
  if (keep_top_k < 0 || kept.length <= keep_top_k) return kept;
  const best = [...kept].sort((a, b) => b.score - a.score).slice(0, keep_top_k);
  return best.sort((a, b) => a.label - b.label);
}

/** Rows [sample, label, score, xmin, ymin, xmax, ymax]; those left over are −1. */
function rows(inputs: readonly HostArray[], param: DetectionOutputParameter, most: number): Float32Array {
  const [loc, conf, priors] = inputs as readonly [HostArray, HostArray, HostArray];
  const out = new Float32Array(most * 7).fill(-1);
  const samples = loc.shape[0]!;
  const part = ({ data }: HostArray, n: number) =>
    data.subarray((n * data.length) / samples, ((n + 1) * data.length) / samples);
  let at = 0;
  for (let n = 0; n < samples; n++)
    for (const { label, score, box } of detect({ loc: part(loc, n), conf: part(conf, n), priors: priors.data }, param))
      out.set([n, label, score, ...box], 7 * at++);
  return out;
}

/** How many rows there can be at most. */
function capacity(ctx: LayerContext): number {
  const param = sub(ctx.param, 'detection_output_param');
  const { top_k } = sub(param, 'nms_param');
  const priors = ctx.bottomShapes[2]![2]! / 4;
  const all = param.num_classes * (top_k > 0 ? Math.min(top_k, priors) : priors);
  return Math.max(1, ctx.bottomShapes[0]![0]! * (param.keep_top_k < 0 ? all : Math.min(all, param.keep_top_k)));
}

export const detectionOutput: LayerType = {
  type: 'DetectionOutput',
  doc: 'Boxes decoded from offsets, scores and priors, overlapping ones of a class suppressed: rows [sample, label, score, xmin, ymin, xmax, ymax].',
  shapeRule: '[1, 1, rows, 7].',
  differences:
    'The number of rows is fixed, the most there can be (samples · keep_top_k); rows without a detection are −1. SSD has as many rows as detections. save_output_param and visualize are not heeded.',
  bottoms: { min: 3, max: 3 },
  tops: { min: 1, max: 1 },
  canBackward: () => false,
  reshape(ctx) {
    const { num_classes, share_location } = sub(ctx.param, 'detection_output_param');
    const [loc, conf, priors] = ctx.bottomShapes as readonly (readonly number[])[];
    if (!(num_classes > 0)) {
      throw ctx.fail('detection-classes', 'num_classes is missing or 0.', {
        field: 'detection_output_param.num_classes',
      });
    }
    if (priors!.length !== 3 || priors![1] !== 2 || priors![2]! % 4 !== 0)
      throw ctx.fail('detection-priors', `${showBottom(ctx, 2)} must be priors, [1, 2, boxes · 4].`);
    const boxes = priors![2]! / 4;
    [boxes * 4 * (share_location ? 1 : num_classes), boxes * num_classes].forEach((needed, i) => {
      const shape = [loc!, conf!][i]!;
      if (shape.length > 0 && shape[0] === loc![0] && countOf(shape, 1) === needed) return;
      throw ctx.fail('detection-shapes', `${showBottom(ctx, i)} must hold ${needed} numbers for each sample.`, {
        hint: `There are ${boxes} priors in ${showBottom(ctx, 2)} and ${num_classes} classes.`,
      });
    });
    return { tops: [[1, 1, capacity(ctx), 7]], params: [] };
  },
  lower(ctx, b, bottoms) {
    const most = capacity(ctx);
    const param = sub(ctx.param, 'detection_output_param');
    const run = (inputs: readonly HostArray[]) => [rows(inputs, param, most)];
    return b.hostCall(bottoms, { name: ctx.name, outputs: [[1, 1, most, 7]], run });
  },
};

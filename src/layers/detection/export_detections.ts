/**
 * DetectionOutput in a model: boxes decoded in the graph and, in ONNX, suppressed by NonMaxSuppression, which takes the
 * best first, prefers the first of equals and drops what overlaps a kept box by more than the threshold, as SSD does.
 */

import { type Builder, dim, OnnxType, type OnnxWriter, type Value } from '../../ir/index.js';
import { type DetectionOutputParameter, isSet, PriorBoxParameter, sub } from '../../schema/index.js';
import { filledRows } from './rows.js';

const { CORNER, CENTER_SIZE } = PriorBoxParameter.CodeType;

/** The decoded boxes [samples, priors, locations, 4], one location for all classes or one for each (`decode` in boxes.ts). */
export function decodedBoxes(b: Builder, loc: Value, priors: Value, param: DetectionOutputParameter): Value {
  const locations = param.share_location ? 1 : param.num_classes;
  const [samples, count] = [dim(loc.shape, 0), dim(priors.shape, 2) / 4];
  const parts = (x: Value, from: number, length: number) =>
    b.slice(x, [...x.shape.slice(0, -1).map(() => 0), from], [...x.shape.slice(0, -1), length]);
  const both = b.reshape(priors, [2, 1, count, 1, 4]);
  const [corners, variances] = [0, 1].map(i =>
    b.reshape(b.slice(both, [i, 0, 0, 0, 0], [1, 1, count, 1, 4]), [1, count, 1, 4]),
  ) as [Value, Value];
  const given = b.reshape(loc, [samples, count, locations, 4]);
  const code = param.variance_encoded_in_target ? given : b.mul(given, variances);
  if (param.code_type === CORNER) return b.add(corners, code);
  const [from, to] = [parts(corners, 0, 2), parts(corners, 2, 2)];
  const size = b.sub(to, from);
  if (param.code_type !== CENTER_SIZE) return b.add(corners, b.mul(code, b.concat([size, size], 3)));
  const centre = b.add(b.mul(parts(code, 0, 2), size), b.div(b.add(from, to), 2));
  const half = b.div(b.mul(b.exp(parts(code, 2, 2)), size), 2);
  return b.concat([b.sub(centre, half), b.add(centre, half)], 3);
}

/** What the ONNX form works with, besides the numbers. */
export interface Detections {
  readonly samples: number;
  readonly priors: number;
  /** Labels of the classes that are considered. */
  readonly labels: readonly number[];
  readonly sharesLocation: boolean;
  /** Rows of the top. */
  readonly rows: number;
  readonly param: DetectionOutputParameter;
}

const INT = { type: OnnxType.INT64 };
const BOOL = { type: OnnxType.BOOL };

/** Scores that take no part. */
const NONE = Number.NEGATIVE_INFINITY;

/**
 * boxes [samples, priors, 4], or [samples · classes, priors, 4] where each class has its own, and scores
 * [samples, classes, priors] → rows [1, 1, rows, 7] as DetectionOutput's, those left over −1.
 */
export function onnxDetections(w: OnnxWriter, [boxes, scores]: readonly string[], d: Detections): string {
  const { samples, priors, labels, rows } = d;
  const kept = keptScores(w, boxes!, scores!, d);
  const most = rowsOfSample(d);
  const found = samples * most;
  const [best, at] = w.node('TopK', [kept, w.ints([most])], { outputs: 2, attrs: { axis: 1 } }) as [string, string];
  const isFound = w.op('Greater', [best, w.scalar(NONE)], BOOL);
  const class_ = w.op('Div', [at, w.ints([priors])], INT);
  // By class, those without a detection behind all; of equals TopK takes the first one first.
  const late = w.op('Where', [
    isFound,
    w.op('Cast', [class_], { attrs: { to: OnnxType.FLOAT } }),
    w.scalar(labels.length),
  ]);
  const [, order] = w.node('TopK', [w.op('Neg', [late]), w.ints([most])], { outputs: 2, attrs: { axis: 1 } });
  const sorted = (x: string, options = {}) =>
    w.op(
      'Reshape',
      [w.op('GatherElements', [x, order!], { attrs: { axis: 1 }, ...options }), w.ints([found])],
      options,
    );
  const [score, place, classOf] = [sorted(best), sorted(at, INT), sorted(class_, INT)];
  const sample = Float32Array.from({ length: found }, (_, i) => Math.floor(i / most));
  const label = w.op('Gather', [w.floats(Float32Array.from(labels), [labels.length]), classOf]);
  const column = (x: string) => w.op('Reshape', [x, w.ints([found, 1])]);
  const parts = [column(w.floats(sample, [found])), column(label), column(score), boxesAt(w, boxes!, place, d)];
  const all = w.op('Concat', parts, { attrs: { axis: 1 } });
  const isRow = w.op('Greater', [column(score), w.scalar(NONE)], BOOL);
  const table = w.op('Where', [isRow, all, w.scalar(-1)]);
  // The samples' rows one after the other, what is left over behind all.
  const first = w.op('Cast', [w.op('Reshape', [isRow, w.ints([found])], BOOL)], { attrs: { to: OnnxType.FLOAT } });
  const [, together] = w.node('TopK', [first, w.ints([found])], { outputs: 2, attrs: { axis: 0 } });
  const packed = w.op('Gather', [table, together!], { attrs: { axis: 0 } });
  const whole = w.op('Pad', [packed, w.ints([0, 0, rows - found, 0]), w.scalar(-1)]);
  // Where nothing is found at all, a row [sample, −1, …] for each sample.
  const none = w.floats(filledRows([], samples, rows), [rows, 7]);
  const isAny = w.op('Greater', [w.op('ReduceMax', [best], { attrs: { keepdims: 0 } }), w.scalar(NONE)], BOOL);
  return w.op('Reshape', [w.op('Where', [isAny, whole, none]), w.ints([1, 1, rows, 7])]);
}

/** How many rows a sample can have: there may be fewer boxes than the top has room for. */
function rowsOfSample({ samples, rows, labels, priors }: Detections): number {
  return Math.min(Math.floor(rows / samples), labels.length * priors);
}

/** The scores [samples, classes · priors] of boxes that are kept; NONE of all others. */
function keptScores(w: OnnxWriter, boxes: string, scores: string, d: Detections): string {
  const { samples, priors, labels, sharesLocation, param } = d;
  const { nms_threshold } = sub(param, 'nms_param');
  const candidates = bestOfEachClass(w, scores, d);
  const groups = sharesLocation
    ? candidates
    : w.op('Reshape', [candidates, w.ints([samples * labels.length, 1, priors])]);
  const least = isSet(param, 'confidence_threshold') ? param.confidence_threshold : -3.4028234663852886e38;
  const chosen = w.op(
    'NonMaxSuppression',
    [collapsed(w, boxes), groups, w.ints([priors], []), w.scalar(nms_threshold), w.scalar(least)],
    INT,
  );
  // [batch, class, box] → its place among all.
  const steps = sharesLocation ? [labels.length * priors, priors, 1] : [priors, 0, 1];
  const places = w.op('ReduceSum', [w.op('Mul', [chosen, w.ints(steps)], INT), w.ints([1])], {
    attrs: { keepdims: 1 },
    ...INT,
  });
  const total = samples * labels.length * priors;
  const flat = w.op('Reshape', [candidates, w.ints([total])]);
  const empty = w.op('Expand', [w.scalar(NONE), w.ints([total])]);
  const kept = w.op('ScatterND', [empty, places, w.op('GatherND', [flat, places])]);
  return w.op('Reshape', [kept, w.ints([samples, labels.length * priors])]);
}

/** Boxes whose corners have changed places as points: they overlap nothing, and ONNX would put their corners in order. */
function collapsed(w: OnnxWriter, boxes: string): string {
  const corner = (from: number) => w.op('Slice', [boxes, w.ints([from]), w.ints([from + 2]), w.ints([2])]);
  const [first, second] = [corner(0), corner(2)];
  const least = w.op('ReduceMin', [w.op('Sub', [second, first]), w.ints([2])], { attrs: { keepdims: 1 } });
  const isBox = w.op('GreaterOrEqual', [least, w.scalar(0)], BOOL);
  return w.op('Where', [isBox, boxes, w.op('Concat', [first, first], { attrs: { axis: 2 } })]);
}

/** The scores with NONE in place of those behind the best `top_k` of their class. */
function bestOfEachClass(w: OnnxWriter, scores: string, { samples, priors, labels, param }: Detections): string {
  const nms = sub(param, 'nms_param');
  if (!isSet(nms, 'top_k') || nms.top_k < 0 || nms.top_k >= priors) return scores;
  const empty = w.op('Expand', [w.scalar(NONE), w.ints([samples, labels.length, priors])]);
  const [best, at] = w.node('TopK', [scores, w.ints([nms.top_k])], { outputs: 2, attrs: { axis: 2 } }) as [
    string,
    string,
  ];
  return w.op('ScatterElements', [empty, at, best], { attrs: { axis: 2 } });
}

/** The boxes [rows, 4] of places among a sample's classes and priors. */
function boxesAt(w: OnnxWriter, boxes: string, place: string, d: Detections): string {
  const { samples, priors, labels, sharesLocation } = d;
  const own = sharesLocation ? priors : labels.length * priors;
  const most = rowsOfSample(d);
  const starts = Array.from({ length: samples * most }, (_, i) => Math.floor(i / most) * own);
  const inSample = sharesLocation ? w.op('Mod', [place, w.ints([priors])], INT) : place;
  const at = w.op('Add', [inSample, w.ints(starts)], INT);
  return w.op('Gather', [w.op('Reshape', [boxes, w.ints([samples * own, 4])]), at], { attrs: { axis: 0 } });
}

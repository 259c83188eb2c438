/** Yolov3DetectionOutput (MobileNet-YOLO): boxes of YOLOv3's grids, overlapping ones suppressed. */

import { nth } from '../../diagnostics/index.js';
import type { HostArray } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { detections, rowsShape } from '../detection/rows.js';
import { type Found, predictions, suppressAll } from '../detection/yolo.js';
import { showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { foundShapes } from '../rules/found.js';
import type { LayerContext, LayerType } from '../types.js';

/** Which anchors grid `i` uses: width and height of each. */
function anchorsOf(ctx: LayerContext<1>, i: number): readonly (readonly [number, number])[] {
  const { biases, mask, num_box, mask_group_num } = sub(ctx.param, 'yolov3_detection_output_param');
  const first = i * Math.floor(mask.length / mask_group_num);
  return mask.slice(first, first + num_box).map(m => [nth(biases, 2 * m), nth(biases, 2 * m + 1)]);
}

function check(ctx: LayerContext<1>): void {
  const { num_classes, num_box, biases, mask, mask_group_num, anchors_scale } = sub(
    ctx.param,
    'yolov3_detection_output_param',
  );
  const wrong = (field: string, message: string, hint?: string) =>
    ctx.fail('yolo-anchors', message, { field: `yolov3_detection_output_param.${field}`, hint });
  const grids = ctx.bottomShapes.length;
  if (grids !== mask_group_num)
    throw wrong('mask_group_num', `it has ${grids} bottoms, and mask_group_num is ${mask_group_num}.`);
  if (mask.length < grids * num_box)
    throw wrong('mask', `${mask.length} masks are given for ${grids} grids of ${num_box} boxes.`, 'Give one for each.');
  const none = mask.find(m => 2 * m + 1 >= biases.length);
  if (none !== undefined)
    throw wrong(
      'mask',
      `mask ${none} names none of ${biases.length / 2} anchors.`,
      'biases are width and height of each.',
    );
  if (anchors_scale.length < grids)
    throw wrong('anchors_scale', `${anchors_scale.length} are given for ${grids} bottoms.`, 'Give one for each.');
  const needed = num_box * (5 + num_classes);
  const bottom = ctx.bottomShapes.findIndex(shape => shape.length !== 4 || shape[1] !== needed);
  if (bottom >= 0)
    throw ctx.misfit('yolo-channels', `${showBottom(ctx, bottom)} must be [N, ${needed}, H, W].`, {
      hint: `Each of ${num_box} boxes has 4 numbers, the object's score and ${num_classes} classes.`,
    });
}

/** All classes of all boxes of all cells. */
function capacity(ctx: LayerContext<1>): number {
  const { num_classes, num_box } = sub(ctx.param, 'yolov3_detection_output_param');
  return ctx.bottomShapes.reduce((sum, [n, , h, w]) => sum + n! * num_box * num_classes * h! * w!, 0);
}

function find(ctx: LayerContext<1>, inputs: readonly HostArray[]): readonly (readonly number[])[] {
  const param = sub(ctx.param, 'yolov3_detection_output_param');
  const found = inputs.flatMap((grid, i) =>
    predictions(grid, {
      classes: param.num_classes,
      anchors: anchorsOf(ctx, i),
      cell: nth(param.anchors_scale, i),
      least: param.confidence_threshold,
    }),
  );
  return suppressAll(found, param.nms_threshold).map(rowOf);
}

function rowOf({ label, score, box: { x, y, w, h } }: Found): readonly number[] {
  return [0, label + 1, score, x - w / 2, y - h / 2, x + w / 2, y + h / 2];
}

/** After yolov3_detection_output_layer.cpp of eric612/MobileNet-YOLO. */
export const yolov3DetectionOutput: LayerType<1> = {
  type: 'Yolov3DetectionOutput',
  doc: 'Boxes of the anchors of one grid for each bottom, a class being found where its score passes confidence_threshold; boxes that overlap a better one are left out. Rows are [sample, label, score, xmin, ymin, xmax, ymax], labels count from 1.',
  formula:
    'x = (column + σ(t_x)) / W, w = exp(t_w) · bias / (W · anchors_scale), y and h likewise, score = σ(t_object) · σ(t_class); then greedy suppression by overlap ≥ nms_threshold',
  shapeRule:
    '[1, 1, rows, 7] with as many rows as detections, which is known when it runs (before that: as many as there can be); without any a row for each sample, [sample, −1, …].',
  differences:
    'Grids need not be square. As in MobileNet-YOLO all classes and all samples of a batch suppress each other, and each row says sample 0. Of equal scores the first comes first.',
  category: 'measure',
  ...readsElsewhere,
  endsNet: true,
  bottoms: { min: 1, max: Infinity },
  tops: { min: 1, max: 1 },
  ...detections(capacity, find),
  reshape(ctx) {
    check(ctx);
    return { tops: foundShapes(ctx, () => [rowsShape(capacity(ctx))]), params: [] };
  },
};

/** PriorBox (SSD): the boxes that each place of a feature map predicts from, in shares of the image. */

import { nth } from '../../diagnostics/index.js';
import { dim, nchw } from '../../ir/index.js';
import { isSet, type PriorBoxParameter, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** Aspect ratios besides 1, each once, flipped ones behind theirs. */
function ratiosOf({ aspect_ratio, flip }: PriorBoxParameter): readonly number[] {
  const ratios = [1];
  for (const ratio of aspect_ratio) {
    if (ratios.some(r => Math.abs(r - ratio) < 1e-6)) continue;
    ratios.push(ratio, ...(flip ? [1 / ratio] : []));
  }
  return ratios.slice(1);
}

/** Width and height of each box of a place, in pixels: sizes count as whole numbers (prior_box_layer.cpp). */
function boxesOf(param: PriorBoxParameter): readonly (readonly [number, number])[] {
  return param.min_size.flatMap((size, i) => {
    const least = Math.trunc(size);
    const greatest = param.max_size[i];
    const between = greatest === undefined ? [] : [Math.sqrt(least * Math.trunc(greatest))];
    const squares = [least, ...between].map(s => [s, s] as const);
    return [...squares, ...ratiosOf(param).map(r => [least * Math.sqrt(r), least / Math.sqrt(r)] as const)];
  });
}

/** `once` for both sides or `pair`, one for each: not both, and what is given is positive. */
function checkSizes(
  ctx: LayerContext<2>,
  param: PriorBoxParameter,
  once: 'img_size' | 'step',
  pair: readonly ('img_h' | 'img_w' | 'step_h' | 'step_w')[],
): void {
  const either = pair.filter(field => isSet(param, field));
  const wrong = (field: string, message: string) =>
    ctx.fail('prior-box', message, {
      field: `prior_box_param.${field}`,
      hint: `Give ${once}, or both ${pair.join(' and ')}, or none of them.`,
    });
  if (either.length > 0 && isSet(param, once)) throw wrong(once, `both ${once} and ${either.join(', ')} are given.`);
  if (either.length === 1) throw wrong(nth(either, 0), `of ${pair.join(' and ')}, only ${either[0]} is given.`);
  const zero = [once, ...pair].find(
    field => isSet(param, field) && !((param[field as keyof PriorBoxParameter] as number) > 0),
  );
  if (zero) throw wrong(zero, `${zero} is not positive.`);
}

function check(ctx: LayerContext<2>, param: PriorBoxParameter): void {
  const wrong = (field: string, message: string, hint?: string) =>
    ctx.fail('prior-box', message, { field: `prior_box_param.${field}`, ...(hint && { hint }) });
  const { min_size, max_size, aspect_ratio, variance } = param;
  if (min_size.length === 0) throw wrong('min_size', 'it has no min_size.');
  if (min_size.some(s => !(s > 0))) throw wrong('min_size', 'a min_size is not positive.');
  if (max_size.length > 0 && (max_size.length !== min_size.length || max_size.some((s, i) => s <= nth(min_size, i))))
    throw wrong('max_size', 'max_size and min_size do not pair.', 'Give one max_size, the greater, for each min_size.');
  if (aspect_ratio.some(r => !(r > 0))) throw wrong('aspect_ratio', 'an aspect_ratio is not positive.');
  for (const [once, pair] of [
    ['img_size', ['img_h', 'img_w']],
    ['step', ['step_h', 'step_w']],
  ] as const)
    checkSizes(ctx, param, once, pair);
  if (![0, 1, 4].includes(variance.length) || variance.some(v => !(v > 0)))
    throw wrong('variance', `variance is given ${variance.length} times.`, 'Give one positive number, or four.');
  ctx.bottomShapes.forEach((shape, i) => {
    if (shape.length !== 4) throw ctx.fail('prior-box', `${showBottom(ctx, i)} must have 4 axes, N×C×H×W.`);
  });
}

/** Sizes along the vertical (`h`) or the horizontal (`w`): of the map, of the image, from place to place. */
function along(ctx: LayerContext<2>, param: PriorBoxParameter, side: 'h' | 'w') {
  const axis = side === 'h' ? 2 : 3;
  const places = dim(ctx.bottomShapes[0], axis);
  const given = param[`img_${side}`] || param.img_size;
  const image = given || dim(ctx.bottomShapes[1], axis);
  const step = (isSet(param, `step_${side}`) ? param[`step_${side}`] : param.step) || image / places;
  return { places, image, step };
}

/** Corners xmin, ymin, xmax, ymax of all boxes, then the variances of each. */
function compute(ctx: LayerContext<2>): Float32Array {
  const param = sub(ctx.param, 'prior_box_param');
  const [y, x, boxes] = [along(ctx, param, 'h'), along(ctx, param, 'w'), boxesOf(param)];
  const corners: number[] = [];
  for (let row = 0; row < y.places; row++)
    for (let column = 0; column < x.places; column++)
      for (const [width, height] of boxes) {
        const [cx, cy] = [(column + param.offset) * x.step, (row + param.offset) * y.step];
        corners.push((cx - width / 2) / x.image, (cy - height / 2) / y.image);
        corners.push((cx + width / 2) / x.image, (cy + height / 2) / y.image);
      }
  const kept = param.clip ? corners.map(v => Math.min(Math.max(v, 0), 1)) : corners;
  const variance = param.variance.length > 0 ? param.variance : [0.1];
  return Float32Array.from([...kept, ...corners.map((_, i) => nth(variance, i % variance.length))]);
}

/** The top is [1, 2, boxes · 4]: the corners, then their variances. */
export const priorBox: LayerType<2> = {
  type: 'PriorBox',
  doc: 'For each place of the first bottom a set of boxes, as corners in shares of the image (the second bottom), and their variances.',
  formula:
    '((column + offset) · step ∓ w / 2) / image, w × h being min² , √(min · max)², and min · √ratio × min / √ratio for each ratio',
  shapeRule: '[1, 2, H·W·boxes·4]: corners, then variances.',
  ...readsElsewhere,
  bottoms: { min: 2, max: 2 },
  tops: { min: 1, max: 1 },
  canBackward: () => false,
  reshape(ctx) {
    const param = sub(ctx.param, 'prior_box_param');
    check(ctx, param);
    const [, , height, width] = nchw(ctx.bottomShapes[0]);
    return { tops: [[1, 2, height * width * boxesOf(param).length * 4]], params: [] };
  },
  lower: (ctx, b) => [b.constant(compute(ctx), nth(priorBox.reshape(ctx).tops, 0))],
};

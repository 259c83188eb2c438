/** Region proposals as Faster R-CNN has them: anchors in each cell of a grid, moved and sized by predictions. */

import type { Box } from './boxes.js';

const f = Math.fround;
const round = (x: number) => Math.trunc(f(x) + 0.5);

/** Boxes around the first cell, for each ratio all scales (generate_anchors of the C++ layer). */
export function anchorsOf(base: number, ratios: readonly number[], scales: readonly number[]): readonly Box[] {
  const centre = 0.5 * (base - 1);
  return ratios.flatMap(ratio => {
    const width = round(Math.sqrt(f((base * base) / ratio)));
    const height = round(width * ratio);
    return scales.map((scale): Box => {
      const [w, h] = [0.5 * f(f(width * scale) - 1), 0.5 * f(f(height * scale) - 1)];
      return [f(centre - w), f(centre - h), f(centre + w), f(centre + h)];
    });
  });
}

/** Height and width of the picture as it was fed, and how much it was scaled by. */
export interface PictureInfo {
  readonly height: number;
  readonly width: number;
  readonly scaleHeight: number;
  readonly scaleWidth: number;
}

/** An anchor moved by the share (dx, dy) of its size and sized by exp(dw), exp(dh), cut at the picture's border. */
export function moved([x1, y1, x2, y2]: Box, [dx, dy, dw, dh]: Box, { height, width }: PictureInfo): Box {
  const [w, h] = [f(f(x2 - x1) + 1), f(f(y2 - y1) + 1)];
  const [cx, cy] = [f(f(dx * w) + f(x1 + f(0.5 * w))), f(f(dy * h) + f(y1 + f(0.5 * h)))];
  const [halfW, halfH] = [f(0.5 * f(f(Math.exp(dw)) * w)), f(0.5 * f(f(Math.exp(dh)) * h))];
  const inside = (v: number, size: number) => Math.max(0, Math.min(f(v), size - 1));
  return [inside(cx - halfW, width), inside(cy - halfH, height), inside(cx + halfW, width), inside(cy + halfH, height)];
}

/** Intersection over union of boxes whose last pixel belongs to them. */
function overlap(a: Box, b: Box): number {
  if (a[0] > b[2] || a[1] > b[3] || a[2] < b[0] || a[3] < b[1]) return 0;
  const area = ([x1, y1, x2, y2]: Box) => f(f(f(x2 - x1) + 1) * f(f(y2 - y1) + 1));
  const shared = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return f(shared / f(f(area(a) + area(b)) - shared));
}

/** Of boxes in their order the first `most` that overlap none before them by more than `threshold`. */
export function suppressInOrder<T extends { readonly box: Box }>(
  boxes: readonly T[],
  threshold: number,
  most: number,
): readonly T[] {
  const kept: T[] = [];
  for (const next of boxes) {
    if (kept.length === most) break;
    if (kept.every(other => !(overlap(other.box, next.box) > threshold))) kept.push(next);
  }
  return kept;
}

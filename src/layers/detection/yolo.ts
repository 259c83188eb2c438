/** YOLOv3's predictions: scores and boxes of each anchor in each cell of a grid, and greedy suppression among them. */

import { type HostArray, nchw } from '../../ir/index.js';

const f = Math.fround;

/** A box by its centre and size, in shares of the picture. */
export interface CentredBox {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Found {
  /** From 0. */
  readonly label: number;
  readonly score: number;
  readonly box: CentredBox;
}

const sigmoid = (x: number) => f(1 / (1 + Math.exp(-x)));

interface Grid {
  readonly classes: number;
  /** Width and height of each anchor of this grid, in pixels of the picture. */
  readonly anchors: readonly (readonly [number, number])[];
  /** Pixels of the picture a cell stands for. */
  readonly cell: number;
  readonly least: number;
}

/** Each class of each anchor whose score passes `least`, as yolov3_detection_output_layer.cpp goes through them. */
export function predictions({ shape, data }: HostArray, { classes, anchors, cell, least }: Grid): Found[] {
  const [batch, , height, width] = nchw(shape);
  const plane = height * width;
  const found: Found[] = [];
  for (let n = 0; n < batch; n++)
    for (let place = 0; place < plane; place++)
      for (const [a, [w, h]] of anchors.entries()) {
        const at = (k: number) => data[((n * anchors.length + a) * (5 + classes) + k) * plane + place]!;
        const object = sigmoid(at(4));
        const box = {
          x: f(f((place % width) + sigmoid(at(0))) / width),
          y: f(f(Math.floor(place / width) + sigmoid(at(1))) / height),
          w: f(f(f(Math.exp(at(2))) * w) / (width * cell)),
          h: f(f(f(Math.exp(at(3))) * h) / (height * cell)),
        };
        for (let label = 0; label < classes; label++) {
          const score = f(sigmoid(at(5 + label)) * object);
          if (score > least) found.push({ label, score, box });
        }
      }
  return found;
}

function along(a: number, sizeA: number, b: number, sizeB: number): number {
  return f(Math.min(f(a + sizeA / 2), f(b + sizeB / 2)) - Math.max(f(a - sizeA / 2), f(b - sizeB / 2)));
}

/** Intersection over union. */
function overlap(a: CentredBox, b: CentredBox): number {
  const [w, h] = [along(a.x, a.w, b.x, b.w), along(a.y, a.h, b.y, b.h)];
  const shared = w < 0 || h < 0 ? 0 : f(w * h);
  return f(shared / f(f(f(a.w * a.h) + f(b.w * b.h)) - shared));
}

/** The best first, then each that overlaps none of the kept by `threshold` or more, whatever their classes. */
export function suppressAll(found: readonly Found[], threshold: number): readonly Found[] {
  const kept: Found[] = [];
  for (const next of [...found].sort((a, b) => b.score - a.score))
    if (kept.every(other => !(overlap(other.box, next.box) >= threshold))) kept.push(next);
  return kept;
}

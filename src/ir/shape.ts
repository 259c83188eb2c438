/** Arithmetic on shapes. */

import type { Shape } from './types.js';

/** How many places a shape has: the product of its axes, 1 for []. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** `[1, 3, 224, 224]`, for messages. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** The common shape of operands by NumPy's rule: aligned at the last axis, ones stretch. Throws where they do not fit. */
export function broadcastShapes(...shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map(s => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    shape.forEach((d, i) => {
      const j = i + rank - shape.length;
      if (d === 1 || d === out[j]) return;
      if (out[j] !== 1) throw new Error(`IR: shapes ${shapes.map(showShape).join(' and ')} do not broadcast`);
      out[j] = d;
    });
  }
  return out;
}

/** The length of an axis that the shape has; a negative axis counts from the end. */
export function dim(shape: Shape, axis: number): number {
  const d = shape.at(axis);
  if (d === undefined) throw new Error(`IR: shape ${showShape(shape)} has no axis ${axis}`);
  return d;
}

/** The four axes of a batch of images, or of a filter [O, C, kh, kw]. */
export function nchw(shape: Shape): readonly [n: number, c: number, h: number, w: number] {
  const [n, c, h, w] = shape;
  if (shape.length !== 4 || n === undefined || c === undefined || h === undefined || w === undefined)
    throw new Error(`IR: shape ${showShape(shape)} has not four axes`);
  return [n, c, h, w];
}

/** Of a gather's or scatter's index: whether one counts for all places beside it. */
export function isSharedIndex(index: Shape, axis: number): boolean {
  return index.every((d, i) => i === axis || d === 1);
}

/** Row-major strides. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= dim(shape, i);
  }
  return strides;
}

/** Output size of a convolution along one axis (Caffe rounds down). */
export function convOutput(input: number, kernel: number, stride: number, pad: number, dilation: number): number {
  return Math.floor((input + 2 * pad - (dilation * (kernel - 1) + 1)) / stride) + 1;
}

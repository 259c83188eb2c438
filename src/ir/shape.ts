/** Arithmetic on shapes. */

import type { PoolAttrs, Shape } from './types.js';

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

/** One place in a pooling's window, for all windows at once. */
export interface WindowPlace {
  /** Its row and column in the window. */
  readonly at: readonly [number, number];
  /** For each window the flat index of this place in its plane, −1 beyond the plane. */
  readonly indices: Float32Array;
}

/** The places of a window, row by row. */
export function windowPlaces(
  { kernel, stride, pad, outSize }: PoolAttrs,
  height: number,
  width: number,
): readonly WindowPlace[] {
  return Array.from({ length: kernel[0] * kernel[1] }, (_, k) => {
    const at = [Math.floor(k / kernel[1]), k % kernel[1]] as const;
    const indices = Float32Array.from({ length: outSize[0] * outSize[1] }, (_, o) => {
      const h = Math.floor(o / outSize[1]) * stride[0] - pad[0] + at[0];
      const w = (o % outSize[1]) * stride[1] - pad[1] + at[1];
      return h >= 0 && h < height && w >= 0 && w < width ? h * width + w : -1;
    });
    return { at, indices };
  });
}

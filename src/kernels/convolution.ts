/**
 * Convolution as matrix product: the unfolding of images to matrices and its adjoint, shared by every target whose fast
 * primitive is a matrix product. `columns` are [C·kh·kw, P], `rows` [P, C·kh·kw], with P = H'·W' output positions.
 */

import { convOutput } from '../ir/shape.js';
import type { ConvAttrs, Shape } from '../ir/types.js';

/** One convolution in numbers; C and O are those of one group. */
export interface ConvGeometry {
  readonly batch: number;
  readonly groups: number;
  readonly channels: number;
  readonly outputs: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** Geometry from the image's shape [N, C, H, W] and the filter's [O, C/groups, kh, kw]. */
export function geometryOf(image: Shape, filter: Shape, { stride, pad, dilation, groups }: ConvAttrs): ConvGeometry {
  const kernel = [filter[2]!, filter[3]!] as const;
  return {
    batch: image[0]!,
    groups,
    channels: image[1]! / groups,
    outputs: filter[0]! / groups,
    height: image[2]!,
    width: image[3]!,
    outHeight: convOutput(image[2]!, kernel[0], stride[0], pad[0], dilation[0]),
    outWidth: convOutput(image[3]!, kernel[1], stride[1], pad[1], dilation[1]),
    kernel,
    stride,
    pad,
    dilation,
  };
}

/** Whether unfolding is the identity: a 1×1 convolution with nothing skipped. */
export function isPointwise({ kernel, stride, pad }: ConvGeometry): boolean {
  return [...kernel, ...stride].every(k => k === 1) && pad.every(p => p === 0);
}

/** A band of output rows: [first, last). */
export interface Band {
  readonly first: number;
  readonly last: number;
}

/** Output positions along one axis, out of [from, to), whose tap at `offset` falls inside the image. */
function validRange(offset: number, stride: number, size: number, from: number, to: number): readonly [number, number] {
  const first = Math.min(to, Math.max(from, Math.ceil(-offset / stride)));
  const last = Math.max(first, Math.min(to, Math.ceil((size - offset) / stride)));
  return [first, last];
}

/**
 * Image planes [C, H, W] at `from` → columns [C·kh·kw, positions of the band]. Where several images share one matrix, its
 * rows are `rowLength` long and this image's part of them begins at `at`.
 */
export function unfoldColumns(
  g: ConvGeometry,
  x: Float32Array,
  from: number,
  columns: Float32Array,
  band: Band = { first: 0, last: g.outHeight },
  rowLength: number = (band.last - band.first) * g.outWidth,
  at = 0,
): void {
  const [sh, sw] = g.stride;
  const width = g.outWidth;
  let to = at;
  for (let c = 0; c < g.channels; c++) {
    const plane = from + c * g.height * g.width;
    for (let kh = 0; kh < g.kernel[0]; kh++) {
      const dh = kh * g.dilation[0] - g.pad[0];
      const [i0, i1] = validRange(dh, sh, g.height, band.first, band.last);
      for (let kw = 0; kw < g.kernel[1]; kw++, to += rowLength) {
        const dw = kw * g.dilation[1] - g.pad[1];
        const [j0, j1] = validRange(dw, sw, g.width, 0, width);
        columns.fill(0, to, to + (i0 - band.first) * width);
        columns.fill(0, to + (i1 - band.first) * width, to + (band.last - band.first) * width);
        for (let i = i0; i < i1; i++) {
          const row = to + (i - band.first) * width;
          const source = plane + (i * sh + dh) * g.width + dw;
          for (let j = 0; j < j0; j++) columns[row + j] = 0;
          for (let j = j1; j < width; j++) columns[row + j] = 0;
          if (sw === 1) for (let j = j0; j < j1; j++) columns[row + j] = x[source + j]!;
          else for (let j = j0, p = source + j0 * sw; j < j1; j++, p += sw) columns[row + j] = x[p]!;
        }
      }
    }
  }
}

/** The adjoint of `unfoldColumns`: columns added into image planes [C, H, W] at `to`. */
export function foldColumns(
  g: ConvGeometry,
  columns: Float32Array,
  x: Float32Array,
  to: number,
  band: Band = { first: 0, last: g.outHeight },
  rowLength: number = (band.last - band.first) * g.outWidth,
  at = 0,
): void {
  const [sh, sw] = g.stride;
  let from = at;
  for (let c = 0; c < g.channels; c++) {
    const plane = to + c * g.height * g.width;
    for (let kh = 0; kh < g.kernel[0]; kh++) {
      const dh = kh * g.dilation[0] - g.pad[0];
      const [i0, i1] = validRange(dh, sh, g.height, band.first, band.last);
      for (let kw = 0; kw < g.kernel[1]; kw++, from += rowLength) {
        const dw = kw * g.dilation[1] - g.pad[1];
        const [j0, j1] = validRange(dw, sw, g.width, 0, g.outWidth);
        for (let i = i0; i < i1; i++) {
          const row = from + (i - band.first) * g.outWidth;
          let p = plane + (i * sh + dh) * g.width + dw + j0 * sw;
          for (let j = j0; j < j1; j++, p += sw) x[p]! += columns[row + j]!;
        }
      }
    }
  }
}

/** Image planes [C, H, W] at `from` → rows [positions of the band, C·kh·kw], from `at` on. */
export function unfoldRows(
  g: ConvGeometry,
  x: Float32Array,
  from: number,
  rows: Float32Array,
  band: Band = { first: 0, last: g.outHeight },
  at = 0,
): void {
  const [KH, KW] = g.kernel;
  const length = g.channels * KH * KW;
  const area = g.height * g.width;
  for (let i = band.first; i < band.last; i++)
    for (let kh = 0; kh < KH; kh++) {
      const h = i * g.stride[0] + kh * g.dilation[0] - g.pad[0];
      const inside = h >= 0 && h < g.height;
      for (let j = 0; j < g.outWidth; j++) {
        let to = at + ((i - band.first) * g.outWidth + j) * length + kh * KW;
        const left = j * g.stride[1] - g.pad[1];
        for (let c = 0; c < g.channels; c++, to += KH * KW) {
          const row = from + c * area + h * g.width;
          for (let kw = 0; kw < KW; kw++) {
            const w = left + kw * g.dilation[1];
            rows[to + kw] = inside && w >= 0 && w < g.width ? x[row + w]! : 0;
          }
        }
      }
    }
}

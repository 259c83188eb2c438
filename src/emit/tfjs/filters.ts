/** Filters, from Caffe's order of axes to TensorFlow's. All are [outputs, inputs of a group, height, width] at first. */

import { nchw, sizeOf } from '../../ir/shape.js';
import type { KnownArray } from '../constants.js';

export type Filter = KnownArray;

/** Floats in a cache line. */
const LINE = 16;

/** [O, C, h, w] → [h, w, C, O], one cache line of each row at a time. */
export function toHWIO({ shape, data }: Filter): Float32Array {
  const [outputs, depth, height, width] = nchw(shape);
  const places = height * width;
  const columns = depth * places;
  const turned = new Float32Array(data.length);
  const row = (column: number) => (column % places) * depth + Math.floor(column / places);
  for (let from = 0; from < columns; from += LINE) {
    const rows = Array.from({ length: Math.min(LINE, columns - from) }, (_, j) => row(from + j) * outputs);
    for (let o = 0; o < outputs; o++) {
      const at = o * columns + from;
      for (let j = 0; j < rows.length; j++) turned[rows[j]! + o] = data[at + j]!;
    }
  }
  return turned;
}

/** The same filter with zeros between its elements, for where a library has no dilation (beside a stride). */
export function dilate({ shape, data, isParameter }: Filter, [dh, dw]: readonly [number, number]): Filter {
  const [outputs, depth, height, width] = nchw(shape);
  if (dh === 1 && dw === 1) return { shape, data, isParameter };
  const [tall, wide] = [(height - 1) * dh + 1, (width - 1) * dw + 1];
  const spread = new Float32Array(outputs * depth * tall * wide);
  for (let plane = 0; plane < outputs * depth; plane++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        spread[(plane * tall + y * dh) * wide + x * dw] = data[(plane * height + y) * width + x]!;
  return { shape: [outputs, depth, tall, wide], data: spread, isParameter };
}

/** The outputs from `from` on, `count` of them. */
export function outputsOf({ shape, data, isParameter }: Filter, from: number, count: number): Filter {
  const each = sizeOf(shape.slice(1));
  return { shape: [count, ...shape.slice(1)], data: data.subarray(from * each, (from + count) * each), isParameter };
}

/**
 * A transposed convolution of stride s as a convolution whose outputs are the s×s places that each input covers, to be
 * laid out by DepthToSpace. [O, C/groups, k, l] → [K, L, O, s·s·C], K and L being how many inputs meet at one place; 0
 * where an input and an output are of different groups.
 */
export function phases({ shape, data }: Filter, stride: number, groups: number): Float32Array {
  const [inputs, depth, height, width] = nchw(shape);
  const [tall, wide] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const channels = depth * groups;
  const outputs = stride * stride * channels;
  const made = new Float32Array(tall * wide * inputs * outputs);
  for (let o = 0; o < inputs; o++) {
    const group = Math.floor(o / (inputs / groups));
    for (let c = 0; c < depth; c++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const tap = (tall - 1 - Math.floor(y / stride)) * wide + (wide - 1 - Math.floor(x / stride));
          const phase = (y % stride) * stride + (x % stride);
          made[(tap * inputs + o) * outputs + phase * channels + group * depth + c] =
            data[((o * depth + c) * height + y) * width + x]!;
        }
  }
  return made;
}

/** The same where every channel has a filter of its own, for a depthwise convolution: [K, L, C, s·s]. */
export function depthwisePhases({ shape, data }: Filter, stride: number): Float32Array {
  const [channels, , height, width] = nchw(shape);
  const [tall, wide] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const per = stride * stride;
  const made = new Float32Array(tall * wide * channels * per);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const tap = (tall - 1 - Math.floor(y / stride)) * wide + (wide - 1 - Math.floor(x / stride));
        const phase = (y % stride) * stride + (x % stride);
        made[(tap * channels + c) * per + phase] = data[(c * height + y) * width + x]!;
      }
  return made;
}

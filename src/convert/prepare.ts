/** Preprocessing built into an exported model, so that it takes pixels as they come: 0 to 255, red before blue. */

import { fail, nth } from '../diagnostics/index.js';
import { type Builder, dim, type Shape, showShape, sizeOf, type Value } from '../ir/index.js';
import type { WeightBlob } from '../weights/index.js';

/** As Caffe's transform_param has it: (x − mean) · scale, channels in the network's own order. */
export interface Preprocessing {
  /** One number for each channel, or one for all; or a mean image, [C, H, W]. In the network's order: blue first, if it is so trained. */
  readonly mean?: readonly number[] | WeightBlob;
  /** Factor of the pixels, after the mean was subtracted. Default 1. */
  readonly scale?: number;
  /** The model takes red, green, blue; the network was trained with blue, green, red. */
  readonly swapChannels?: boolean;
  /** The input it is for. Default: the only one with four axes. */
  readonly input?: string;
}

export interface PreparedInput {
  readonly blob: string;
  /** In the graph. */
  readonly lower: (b: Builder, blob: string, value: Value) => Value;
  /** The same on numbers. */
  readonly apply: (data: Float32Array, shape: Shape) => Float32Array;
  /** Whether it is for one height and width alone. */
  readonly fixesPlane: boolean;
}

/** @throws MokapotError `convert-preprocessing` where it does not fit the network's input */
export function prepareInput(how: Preprocessing, inputs: readonly (readonly [string, Shape])[]): PreparedInput {
  const [blob, shape] = inputFor(how, inputs);
  const channels = dim(shape, 1);
  if (how.swapChannels && channels !== 3)
    throw refuse(`--bgr is for three channels, and "${blob}" ${showShape(shape)} has ${channels}.`);
  if (how.scale !== undefined && !(Number.isFinite(how.scale) && how.scale !== 0))
    throw refuse(`A scale of ${how.scale} makes no sense.`, 'Pixels of 0 to 255 become 0 to 1 by 0.00390625 (1/256).');
  const mean = how.mean && meanFor(how.mean, blob, shape);
  const { scale = 1, swapChannels = false } = how;
  return {
    blob,
    fixesPlane: mean !== undefined && sizeOf(mean.shape) > channels,
    lower(b, name, value) {
      if (name !== blob) return value;
      const [n, , h, w] = value.shape as readonly [number, number, number, number];
      const channel = (c: number) => b.slice(value, [0, c, 0, 0], [n, 1, h, w]);
      const swapped = swapChannels ? b.concat([2, 1, 0].map(channel), 1) : value;
      const centred = mean ? b.sub(swapped, b.constant(mean.data, mean.shape)) : swapped;
      return b.mul(centred, scale);
    },
    apply(data, [n, c, h, w]) {
      const plane = h! * w!;
      const single = mean !== undefined && mean.data.length === channels;
      return data.map((_, i) => {
        const at = Math.floor(i / plane) % c!;
        const from = swapChannels ? i + (c! - 1 - 2 * at) * plane : i;
        const less = mean ? mean.data[single ? at : i % (data.length / n!)]! : 0;
        return Math.fround(Math.fround(data[from]! - less) * scale);
      });
    },
  };
}

function refuse(message: string, hint?: string) {
  return fail('convert-preprocessing', message, hint === undefined ? {} : { hint });
}

function inputFor({ input }: Preprocessing, inputs: readonly (readonly [string, Shape])[]): readonly [string, Shape] {
  const images = inputs.filter(([, shape]) => shape.length === 4);
  const names = inputs.map(([name, shape]) => `"${name}" ${showShape(shape)}`).join(', ') || 'none';
  const found = input === undefined ? (images.length === 1 ? images[0] : undefined) : images.find(([n]) => n === input);
  if (found) return found;
  throw refuse(
    input === undefined
      ? `Preprocessing is for one input of four axes, and the network has ${images.length}.`
      : `The network has no input "${input}" of four axes.`,
    `Its inputs: ${names}.`,
  );
}

/** [1, C, 1, 1], or [1, C, H, W] of an image, its middle where it is larger than the input, as Caffe crops while testing. */
function meanFor(mean: NonNullable<Preprocessing['mean']>, blob: string, shape: Shape): WeightBlob {
  const [, channels, height, width] = shape as readonly [number, number, number, number];
  if (!('shape' in mean)) {
    if (mean.length !== 1 && mean.length !== channels) {
      const given = `The mean has ${mean.length} numbers, and "${blob}" ${showShape(shape)} has ${channels} channels.`;
      throw refuse(given, 'Give one number, or one for each channel in the order of the network.');
    }
    const data = Float32Array.from({ length: channels }, (_, c) => nth(mean, mean.length === 1 ? 0 : c));
    return { shape: [1, channels, 1, 1], data };
  }
  const [h = 1, w = 1] = mean.shape.slice(-2);
  const c = sizeOf(mean.shape) / (h * w);
  if (c !== channels || h < height || w < width) {
    const averages = Array.from({ length: c }, (_, k) => average(mean.data.subarray(k * h * w, (k + 1) * h * w)));
    throw refuse(
      `The mean image is ${c}x${h}x${w}, and "${blob}" takes ${channels}x${height}x${width}.`,
      `A mean for each channel goes with any size; of this image it is --mean ${averages.map(a => a.toFixed(3)).join(',')}.`,
    );
  }
  const [top, left] = [Math.floor((h - height) / 2), Math.floor((w - width) / 2)];
  const data = new Float32Array(channels * height * width);
  for (let k = 0; k < channels; k++)
    for (let y = 0; y < height; y++) {
      const from = (k * h + top + y) * w + left;
      data.set(mean.data.subarray(from, from + width), (k * height + y) * width);
    }
  return { shape: [1, channels, height, width], data };
}

function average(numbers: Float32Array): number {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

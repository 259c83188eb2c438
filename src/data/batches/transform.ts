/**
 * Caffe's `transform_param`: subtract a mean, crop, mirror, scale (data_transformer.cpp's order and rounding). Where the
 * label is a picture it is cropped and mirrored alike, its values untouched.
 */

import { fail } from '../../diagnostics/index.js';
import { anyFile, type FileAccess, readFileAs } from '../../files/index.js';
import type { TransformationParameter } from '../../schema/index.js';
import { readBinaryproto } from '../../weights/formats/binaryproto.js';
import { findFile } from '../files.js';
import { convertChannels } from '../formats/image.js';
import type { Entry } from '../sets/dataset.js';

export interface Transform {
  /** Factor after the mean is subtracted; 1. */
  readonly scale?: number;
  /** Flip left and right by chance, in either phase. */
  readonly mirror?: boolean;
  /** Side of a square: by chance where in TRAIN, the middle in TEST; 0 or absent: the whole picture. */
  readonly cropSize?: number;
  /** One number for all channels, or one a channel. */
  readonly meanValue?: readonly number[];
  /** A mean picture of the entries' full size. */
  readonly mean?: { readonly data: Float32Array; readonly shape: readonly number[] };
  readonly channels?: 1 | 3;
  readonly phase?: 'TRAIN' | 'TEST';
}

/** Chance for one entry, drawn before it is read so that decoding ahead does not change the order of draws. */
export interface Draw {
  readonly mirror: boolean;
  /** In [0, 1): where the crop lies. */
  readonly top: number;
  readonly left: number;
}

/**
 * A layer's `transform_param` with its mean file read.
 * @param folder where a relative `mean_file` is looked for first.
 * @throws MokapotError `transform-mean` (both kinds of mean, or a file that cannot be read), `transform-color`,
 *   `file-outside`.
 */
export async function readTransform(
  param: TransformationParameter,
  phase: 'TRAIN' | 'TEST',
  folder = '.',
  access: FileAccess = anyFile,
): Promise<Transform> {
  if (param.mean_file && param.mean_value.length > 0) {
    throw fail('transform-mean', 'transform_param has both mean_file and mean_value.', {
      hint: 'Caffe takes one of them: remove the other.',
    });
  }
  if (param.force_color && param.force_gray) {
    throw fail('transform-color', 'transform_param has both force_color and force_gray.', { hint: 'Remove one.' });
  }
  return {
    scale: param.scale,
    mirror: param.mirror,
    cropSize: param.crop_size,
    meanValue: param.mean_value.length > 0 ? [...param.mean_value] : undefined,
    mean: param.mean_file
      ? await readMean(findFile(param.mean_file, folder, 'transform-mean', 'mean file', access))
      : undefined,
    channels: param.force_color ? 3 : param.force_gray ? 1 : undefined,
    phase,
  };
}

async function readMean(path: string): Promise<Transform['mean']> {
  const bytes = await readFileAs('transform-mean', path);
  const { data, shape } = readBinaryproto(bytes, path);
  return { data: Float32Array.from(data), shape };
}

/** @throws MokapotError `transform-crop`, `transform-mean` where sizes do not fit. */
export function applyTransform(entry: Entry, transform: Transform, draw: Draw): Entry {
  const source = transform.channels ? recolor(entry, transform.channels) : entry;
  const { scale = 1, cropSize = 0, phase = 'TRAIN' } = transform;
  const [channels, height, width] = source.shape;
  const mirror = draw.mirror;
  const subtract = meanLookup(transform, source);
  if (cropSize === 0 && !mirror && scale === 1 && !subtract) return source;
  if (cropSize > height || cropSize > width) {
    throw fail('transform-crop', `${entry.name} is ${height} × ${width}; crop_size ${cropSize} is larger.`, {
      hint: 'Lower crop_size, or leave it out.',
    });
  }
  const [h, w] = cropSize > 0 ? [cropSize, cropSize] : [height, width];
  const offset = (room: number, chance: number) => Math.floor(phase === 'TRAIN' ? chance * (room + 1) : room / 2);
  const window = { top: offset(height - h, draw.top), left: offset(width - w, draw.left), h, w, mirror };
  const data = cut(source.data, channels, height, width, window, (value, index, channel) =>
    Math.fround(Math.fround(value - (subtract?.(index, channel) ?? 0)) * scale),
  );
  const isPicture = source.labelShape.length === 3;
  const label = isPicture ? cut(source.label, source.labelShape[0]!, height, width, window, v => v) : source.label;
  const labelShape = isPicture ? [source.labelShape[0]!, h, w] : source.labelShape;
  return { name: entry.name, data, shape: [channels, h, w], label, labelShape };
}

function recolor(entry: Entry, channels: 1 | 3): Entry {
  const [has, height, width] = entry.shape;
  const planes = convertChannels({ channels: has, height, width, data: entry.data }, channels);
  return { ...entry, data: planes.data as Float32Array, shape: [channels, height, width] };
}

function meanLookup(transform: Transform, entry: Entry): ((index: number, channel: number) => number) | undefined {
  const { mean, meanValue } = transform;
  const [channels] = entry.shape;
  if (mean) {
    if (mean.data.length !== entry.data.length || mean.shape.at(-1) !== entry.shape[2]) {
      throw fail(
        'transform-mean',
        `The mean is ${mean.shape.join(' × ')}, ${entry.name} is ${entry.shape.join(' × ')}.`,
        {
          hint: 'Give the mean of this data set (train_db/mean.binaryproto), or mean_value.',
        },
      );
    }
    return index => mean.data[index]!;
  }
  if (!meanValue) return undefined;
  checkMeanCount(meanValue, channels, entry.name);
  return (_, channel) => meanValue[meanValue.length === 1 ? 0 : channel]!;
}

/**
 * What is subtracted at a pixel of a square that was not cut out of the mean's own size: a mean picture counts from its
 * middle, as WindowData has it (window_data_layer.cpp).
 * @throws MokapotError `transform-mean` where it does not fit
 */
export function meanOf(
  { mean, meanValue }: Transform,
  [channels, height, width]: readonly [channels: number, height: number, width: number],
  name: string,
): (channel: number, y: number, x: number) => number {
  if (mean) {
    const [has = 0, rows = 0, columns = 0] = mean.shape.slice(-3);
    if (has !== channels || rows < height || columns < width) {
      const message = `The mean is ${mean.shape.join(' × ')}, and ${name} becomes ${channels} × ${height} × ${width}.`;
      throw fail('transform-mean', message, { hint: 'Give a mean that is no smaller, or mean_value.' });
    }
    const off = Math.trunc((columns - width) / 2);
    return (c, y, x) => mean.data[(c * rows + y + off) * columns + x + off]!;
  }
  if (!meanValue) return () => 0;
  checkMeanCount(meanValue, channels, name);
  return c => meanValue[meanValue.length === 1 ? 0 : c]!;
}

function checkMeanCount(meanValue: readonly number[], channels: number, name: string): void {
  if (meanValue.length === 1 || meanValue.length === channels) return;
  throw fail(
    'transform-mean',
    `There are ${meanValue.length} values of mean_value, ${name} has ${channels} channels.`,
    { hint: 'Give one mean_value for all channels or one for each.' },
  );
}

interface Window {
  readonly top: number;
  readonly left: number;
  readonly h: number;
  readonly w: number;
  readonly mirror: boolean;
}

function cut(
  data: Float32Array,
  channels: number,
  height: number,
  width: number,
  { top, left, h, w, mirror }: Window,
  change: (value: number, index: number, channel: number) => number,
): Float32Array {
  const out = new Float32Array(channels * h * w);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      const from = (c * height + top + y) * width + left;
      const to = (c * h + y) * w;
      for (let x = 0; x < w; x++) out[to + (mirror ? w - 1 - x : x)] = change(data[from + x]!, from + x, c);
    }
  }
  return out;
}

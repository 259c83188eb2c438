/** What layers that read entries one by one share: batch_size, the entries' shapes, the crop of transform_param. */

import { type Shape, showShape } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import type { LayerContext } from '../types.js';

type Reader = 'data_param' | 'image_data_param' | 'hdf5_data_param' | 'window_data_param';

/** Why fields that transform_param has taken over change nothing; texts from before are upgraded. */
export const OLDER = 'since 2014 Caffe reads it in transform_param only';
/** A field of NVIDIA's that every data layer may have. */
export const NVIDIAS = {
  'transform_param.use_gpu_transform': 'it changes no result',
};

/** @throws MokapotError `batch-size` */
export function batchSize(ctx: LayerContext, field: Reader): number {
  const { batch_size: batch } = sub(ctx.param, field);
  if (batch > 0) return batch;
  throw ctx.fail('batch-size', 'batch_size is missing or 0.', {
    field: `${field}.batch_size`,
    hint: `Say how many entries make a batch: ${field} { batch_size: 1 }.`,
  });
}

/** Shapes of one entry, one for each top. @throws MokapotError `no-data-set` */
export function entryShapes(ctx: LayerContext): readonly Shape[] {
  const entries = ctx.dataShapes;
  if (!entries || entries.length < ctx.topCount) {
    throw ctx.fail('no-data-set', `the shapes of its ${ctx.topCount} tops come from data, and none is in use.`, {
      hint: `Name a data set (--dataset DIR), or give the shapes of ${ctx.param.top.map(t => `"${t}"`).join(' and ')} by inputShapes.`,
    });
  }
  for (const [i, entry] of entries.entries()) {
    if (entry.some(d => !(d > 0)))
      throw ctx.fail('no-data-set', `the data's entry for top ${i} has the shape ${showShape(entry)}.`);
  }
  return entries.slice(0, ctx.topCount);
}

/** Shape of one picture after the crop. @throws MokapotError `crop-too-big` */
export function cropped(ctx: LayerContext, entry: Shape, crop: number): Shape {
  if (!crop || entry.length !== 3) return entry;
  const [channels, height, width] = entry as readonly [number, number, number];
  if (crop <= height && crop <= width) return [channels, crop, crop];
  throw ctx.fail('crop-too-big', `crop_size ${crop} is greater than the data set's images, ${height}×${width}.`, {
    field: 'transform_param.crop_size',
    hint: 'Make the data set larger or crop_size smaller.',
  });
}

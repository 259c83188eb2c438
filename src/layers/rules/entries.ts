/** What layers that read entries one by one share: batch_size, the entries' shapes, crops. */

import { MokapotError } from '../../diagnostics/index.js';
import { type Shape, showShape } from '../../ir/index.js';
import { augmentFaults, sub } from '../../schema/index.js';
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

type CropsOf = 'transform_param' | 'augment_param';

/** Shape of one picture after `transform_param`'s crop. @throws MokapotError `crop-too-big` */
export function cropped(ctx: LayerContext, entry: Shape, crop: number): Shape {
  return crop ? cutOut(ctx, entry, [crop, crop], 'transform_param') : entry;
}

/**
 * Shape of one picture or label picture after `augment_param`'s crop.
 * @throws MokapotError `augment-range`, `crop-too-big`; `two-crops` where transform_param cuts too
 */
export function augmented(ctx: LayerContext, entry: Shape): Shape {
  const param = ctx.param.augment_param;
  if (!param) return entry;
  const faults = augmentFaults(param, `Layer "${ctx.name}" (${ctx.param.type})`, ctx.name);
  if (faults.length > 0) throw new MokapotError(faults);
  const [height, width = height] = param.crop_size;
  if (height === undefined) return entry;
  if (sub(ctx.param, 'transform_param').crop_size > 0) {
    throw ctx.fail('two-crops', 'transform_param and augment_param both have crop_size.', {
      field: 'augment_param.crop_size',
      hint: 'Keep that of augment_param, which cuts labels alike, or that of transform_param.',
    });
  }
  return cutOut(ctx, entry, [height, width!], 'augment_param');
}

function cutOut(ctx: LayerContext, entry: Shape, crop: readonly [number, number], field: CropsOf): Shape {
  if (entry.length !== 3) return entry;
  const [channels, height, width] = entry as readonly [number, number, number];
  if (crop[0] <= height && crop[1] <= width) return [channels, ...crop];
  const side = crop[0] === crop[1] ? crop[0] : crop.join('×');
  throw ctx.fail('crop-too-big', `crop_size ${side} is greater than the data set's images, ${height}×${width}.`, {
    field: `${field}.crop_size`,
    hint: 'Make the data set larger or crop_size smaller.',
  });
}

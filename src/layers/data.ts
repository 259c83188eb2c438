/** Data: batches of a data set. Without a source (DIGITS' all-in-one networks) it is the data set in use. */

import { type Shape, showShape } from '../ir/index.js';
import { sub } from '../schema/index.js';
import type { LayerContext, LayerType } from './types.js';

/** Shape of one entry after the crop that transform_param (or the older data_param) asks for. */
function cropped(ctx: LayerContext, entry: Shape): Shape {
  const crop = sub(ctx.param, 'transform_param').crop_size || sub(ctx.param, 'data_param').crop_size;
  if (!crop || entry.length !== 3) return entry;
  const [channels, height, width] = entry as readonly [number, number, number];
  if (crop > height || crop > width) {
    throw ctx.fail('crop-too-big', `crop_size ${crop} is greater than the data set's images, ${height}×${width}.`, {
      field: 'transform_param.crop_size',
      hint: 'Make the data set larger or crop_size smaller.',
    });
  }
  return [channels, crop, crop];
}

export const data: LayerType = {
  type: 'Data',
  doc: 'Batches of a data set: images and, as a second top, labels.',
  shapeRule: '[batch_size, …] of the entries of the data set; a second top is the labels.',
  differences: 'Reads the data set in use (LMDB, Mokapot’s own), not LevelDB.',
  bottoms: { min: 0, max: 0 },
  tops: { min: 1, max: 2 },
  isSource: true,
  reshape(ctx) {
    const { batch_size: batch } = sub(ctx.param, 'data_param');
    if (!(batch > 0)) {
      throw ctx.fail('batch-size', 'batch_size is missing or 0.', {
        field: 'data_param.batch_size',
        hint: 'Say how many entries make a batch: data_param { batch_size: 1 }.',
      });
    }
    const entries = ctx.dataShapes;
    if (!entries || entries.length < ctx.topCount) {
      throw ctx.fail(
        'no-data-set',
        `the shapes of its ${ctx.topCount} tops come from a data set, and none is in use.`,
        {
          hint: `Name a data set (--dataset DIR), or give the shapes of ${ctx.param.top.map(t => `"${t}"`).join(' and ')} by inputShapes.`,
        },
      );
    }
    const tops = entries.slice(0, ctx.topCount).map((entry, i): Shape => {
      if (entry.some(d => !(d > 0)))
        throw ctx.fail('no-data-set', `the data set's entry for top ${i} has the shape ${showShape(entry)}.`);
      return [batch, ...(i === 0 ? cropped(ctx, entry) : entry)];
    });
    return { tops, params: [] };
  },
  lower: () => [],
};

/** Data: batches of a data set. Without a source (DIGITS' all-in-one networks) it is the data set in use. */

import { sub } from '../../schema/index.js';
import { augmented, batchSize, cropped, entryShapes, NVIDIAS, OLDER } from '../rules/entries.js';
import type { LayerType } from '../types.js';

export const data: LayerType = {
  type: 'Data',
  doc: 'Batches of a data set: images and, as a second top, labels.',
  shapeRule: '[batch_size, …] of the entries of the data set; a second top is the labels.',
  paramFields: ['data_param', 'transform_param', 'augment_param'],
  unusedFields: { prefetch: 'it changes no result', threads: 'it changes no result' },
  unheededFields: {
    ...NVIDIAS,
    'data_param.scale': OLDER,
    'data_param.mean_file': OLDER,
    'data_param.crop_size': OLDER,
    'data_param.mirror': OLDER,
    'data_param.rand_skip': 'Caffe 1.0 does not read it either',
    'data_param.force_encoded_color': 'write force_color: true in transform_param',
  },
  differences: 'Reads the data set in use (LMDB, Mokapot’s own), not LevelDB.',
  fedBy: 'data',
  reads: { format: 'lmdb', field: 'data_param', readsDataset: true },
  explainShape: ctx => `batch_size ${sub(ctx.param, 'data_param').batch_size}, then the data set's entry`,
  bottoms: { min: 0, max: 0 },
  tops: { min: 1, max: 2 },
  isSource: true,
  reshape(ctx) {
    const batch = batchSize(ctx, 'data_param');
    const crop = sub(ctx.param, 'transform_param').crop_size;
    const entries = entryShapes(ctx);
    const shapes = entries.map((entry, i) => augmented(ctx, i === 0 ? cropped(ctx, entry, crop) : entry));
    return { tops: shapes.map(shape => [batch, ...shape]), params: [] };
  },
  lower: () => [],
};

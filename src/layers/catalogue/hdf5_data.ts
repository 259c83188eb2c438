/** HDF5Data: rows of datasets in HDF5 files that a text lists. */

import { batchSize, entryShapes } from '../rules/entries.js';
import type { LayerType } from '../types.js';

export const hdf5Data: LayerType = {
  type: 'HDF5Data',
  doc: 'Rows of the datasets that have the tops’ names, of the HDF5 files that a text lists, file after file.',
  shapeRule: '[batch_size, …] of the dataset’s other axes.',
  paramFields: ['hdf5_data_param'],
  differences:
    'Files that do not fit the first one are refused; Caffe reads past their end. Files are also looked for beside the prototxt.',
  fedBy: 'data',
  reads: { format: 'hdf5', field: 'hdf5_data_param' },
  bottoms: { min: 0, max: 0 },
  tops: { min: 1, max: Infinity },
  isSource: true,
  reshape(ctx) {
    const batch = batchSize(ctx, 'hdf5_data_param');
    if (ctx.param.transform_param) {
      throw ctx.fail('hdf5-transform', 'HDF5Data does not transform its numbers.', {
        field: 'transform_param',
        hint: 'Remove transform_param: scale with a Power layer, or write the files as they are to be.',
      });
    }
    return { tops: entryShapes(ctx).map(entry => [batch, ...entry]), params: [] };
  },
  lower: () => [],
};

/** HDF5Output: writes what it is given to an HDF5 file. */

import { showShape } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { readsElsewhere } from '../rules/families.js';
import { checkFirstAxis } from '../rules/labels.js';
import type { LayerType } from '../types.js';

export const hdf5Output: LayerType<2> = {
  type: 'HDF5Output',
  doc: 'Writes its bottoms to an HDF5 file, as the datasets `data` and `label`, at every forward.',
  shapeRule: 'No tops.',
  differences:
    'Batches follow one another in the datasets; Caffe ends with an error at the second. A relative file_name starts beside the prototxt if its folder is there, else at the working directory.',
  ...readsElsewhere,
  bottoms: { min: 2, max: 2 },
  tops: { min: 0, max: 0 },
  canBackward: () => false,
  writes: ctx => ({ file: sub(ctx.param, 'hdf5_output_param').file_name, datasets: ['data', 'label'] }),
  reshape(ctx) {
    checkFirstAxis(ctx);
    const large = ctx.bottomShapes.find(shape => shape.length > 4);
    if (large) {
      throw ctx.fail('hdf5-output-axes', `a bottom has the shape ${showShape(large)}; it writes up to four axes.`, {
        hint: 'Reshape it first.',
      });
    }
    if (sub(ctx.param, 'hdf5_output_param').file_name) return { tops: [], params: [] };
    throw ctx.fail('hdf5-output-file', 'file_name is missing.', {
      field: 'hdf5_output_param',
      hint: 'Name the file that is written: hdf5_output_param { file_name: "features.h5" }.',
    });
  },
  lower: () => [],
};

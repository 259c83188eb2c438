/** WindowData: windows of pictures for R-CNN, foreground and background in a fixed share. */

import { sub } from '../../schema/index.js';
import { batchSize, entryShapes, NVIDIAS, OLDER } from '../rules/entries.js';
import type { LayerType } from '../types.js';

export const windowData: LayerType = {
  type: 'WindowData',
  doc: 'Windows of pictures, warped to one size, drawn anew for each batch: background, then foreground; and their classes.',
  shapeRule: '[batch_size, 3, crop_size, crop_size] with transform_param’s crop_size; [batch_size].',
  paramFields: ['window_data_param', 'transform_param'],
  unusedFields: { force_color: 'every picture is read in colour' },
  unheededFields: {
    ...NVIDIAS,
    'window_data_param.mean_file': OLDER,
    'window_data_param.crop_size': OLDER,
    'window_data_param.mirror': OLDER,
    'transform_param.scale': 'the scale that counts is window_data_param’s',
    'transform_param.force_gray': 'every picture is read in colour',
  },
  differences: 'Reads PNG and JPEG. Pictures with a number out of turn, or of other than 3 channels, are refused.',
  fedBy: 'data',
  reads: { format: 'windows', field: 'window_data_param' },
  bottoms: { min: 0, max: 0 },
  tops: { min: 2, max: 2 },
  isSource: true,
  entries({ transform_param: transform }) {
    const crop = transform?.crop_size ?? 0;
    return crop > 0 ? [[3, crop, crop], []] : undefined;
  },
  reshape(ctx) {
    const batch = batchSize(ctx, 'window_data_param');
    if (!(sub(ctx.param, 'transform_param').crop_size > 0)) {
      throw ctx.fail('window-crop', 'transform_param has no crop_size.', {
        field: 'transform_param',
        hint: 'Say how large windows become: transform_param { crop_size: 227 }.',
      });
    }
    return { tops: entryShapes(ctx).map(entry => [batch, ...entry]), params: [] };
  },
  lower: () => [],
};

/** ImageData: pictures that a text lists, with their labels. */

import { sub } from '../../schema/index.js';
import { augmented, batchSize, cropped, entryShapes, NVIDIAS, OLDER } from '../rules/entries.js';
import type { LayerType } from '../types.js';

export const imageData: LayerType = {
  type: 'ImageData',
  doc: 'Pictures that a text lists, a file and its label (a whole number) on each line, and those labels.',
  shapeRule:
    '[batch_size, 3 (1 without is_color), height, width] of a batch’s first picture, new_height and new_width, or crop_size (transform_param’s or augment_param’s); [batch_size].',
  paramFields: ['image_data_param', 'transform_param', 'augment_param'],
  unheededFields: {
    ...NVIDIAS,
    'image_data_param.scale': OLDER,
    'image_data_param.mean_file': OLDER,
    'image_data_param.crop_size': OLDER,
    'image_data_param.mirror': OLDER,
    'transform_param.force_color': 'Caffe minds it for Data only: is_color says it here',
    'transform_param.force_gray': 'Caffe minds it for Data only: is_color says it here',
  },
  differences:
    'Reads PNG and JPEG. EXIF’s orientation is left alone. Files are also looked for beside the prototxt. A crop of pictures of several sizes makes no batch with uncropped ones.',
  fedBy: 'data',
  reads: { format: 'images', field: 'image_data_param' },
  bottoms: { min: 0, max: 0 },
  tops: { min: 2, max: 2 },
  isSource: true,
  entries({ image_data_param: param, transform_param: transform, augment_param: augment }) {
    const { new_height: height = 0, new_width: width = 0, is_color: isColor = true } = param ?? {};
    const crop = transform?.crop_size ?? 0;
    const [rows = crop, columns = rows] = augment?.crop_size ?? [];
    const size = height > 0 && width > 0 ? [height, width] : rows > 0 ? [rows, columns] : undefined;
    return size && [[isColor ? 3 : 1, ...size], []];
  },
  reshape(ctx) {
    const batch = batchSize(ctx, 'image_data_param');
    const { new_height: height, new_width: width } = sub(ctx.param, 'image_data_param');
    if (height > 0 !== width > 0) {
      throw ctx.fail('image-size', `new_height is ${height} and new_width ${width}.`, {
        field: `image_data_param.${height > 0 ? 'new_height' : 'new_width'}`,
        hint: 'Give both, or neither.',
      });
    }
    const [picture, label] = entryShapes(ctx);
    const crop = sub(ctx.param, 'transform_param').crop_size;
    return {
      tops: [
        [batch, ...augmented(ctx, cropped(ctx, picture!, crop))],
        [batch, ...label!],
      ],
      params: [],
    };
  },
  lower: () => [],
};

/** V0 layers, Caffe's first format, as V1 layers: types were strings, all parameters stood in one message. */

import { type Diagnostic, error, own } from '../diagnostics/index.js';
import {
  type NetParameter,
  type V0LayerParameter,
  V1LayerParameter as V1,
  type V1LayerParameter,
} from './generated/caffe.js';
import { createBeside, isSet, mutable } from './message.js';
import { inheritLocation, locate } from './parse.js';

const TYPES: Record<string, keyof typeof V1.LayerType> = {
  accuracy: 'ACCURACY',
  bnll: 'BNLL',
  concat: 'CONCAT',
  conv: 'CONVOLUTION',
  data: 'DATA',
  dropout: 'DROPOUT',
  euclidean_loss: 'EUCLIDEAN_LOSS',
  flatten: 'FLATTEN',
  hdf5_data: 'HDF5_DATA',
  hdf5_output: 'HDF5_OUTPUT',
  im2col: 'IM2COL',
  images: 'IMAGE_DATA',
  infogain_loss: 'INFOGAIN_LOSS',
  innerproduct: 'INNER_PRODUCT',
  lrn: 'LRN',
  multinomial_logistic_loss: 'MULTINOMIAL_LOGISTIC_LOSS',
  pool: 'POOLING',
  relu: 'RELU',
  sigmoid: 'SIGMOID',
  softmax: 'SOFTMAX',
  softmax_loss: 'SOFTMAX_LOSS',
  split: 'SPLIT',
  tanh: 'TANH',
  window_data: 'WINDOW_DATA',
};

/** Where a V0 field goes, by layer type: `message.field`. */
const convolution = (field: string) => `convolution_param.${field}`;
const pooling = (field: string) => `pooling_param.${field}`;
const product = (field: string) => `inner_product_param.${field}`;
const windowData = (field: string) => ({ window_data: `window_data_param.${field}` });
const everywhere = (path: string) => ({ '*': path });
const data = (field: string) => ({
  data: `data_param.${field}`,
  images: `image_data_param.${field}`,
});
const sources = (field: string) => ({
  ...data(field),
  hdf5_data: `hdf5_data_param.${field}`,
  ...windowData(field),
});
const weighted = (field: string) => ({ conv: convolution(field), innerproduct: product(field) });

const FIELDS: Record<string, Record<string, string>> = {
  num_output: weighted('num_output'),
  biasterm: weighted('bias_term'),
  weight_filler: weighted('weight_filler'),
  bias_filler: weighted('bias_filler'),
  pad: { conv: convolution('pad'), pool: pooling('pad') },
  kernelsize: { conv: convolution('kernel_size'), pool: pooling('kernel_size') },
  group: { conv: convolution('group') },
  stride: { conv: convolution('stride'), pool: pooling('stride') },
  pool: { pool: pooling('pool') },
  dropout_ratio: { dropout: 'dropout_param.dropout_ratio' },
  local_size: { lrn: 'lrn_param.local_size' },
  alpha: { lrn: 'lrn_param.alpha' },
  beta: { lrn: 'lrn_param.beta' },
  k: { lrn: 'lrn_param.k' },
  source: { ...sources('source'), infogain_loss: 'infogain_loss_param.source' },
  scale: everywhere('transform_param.scale'),
  meanfile: everywhere('transform_param.mean_file'),
  cropsize: everywhere('transform_param.crop_size'),
  mirror: everywhere('transform_param.mirror'),
  batchsize: sources('batch_size'),
  rand_skip: data('rand_skip'),
  shuffle_images: { images: 'image_data_param.shuffle' },
  new_height: { images: 'image_data_param.new_height' },
  new_width: { images: 'image_data_param.new_width' },
  concat_dim: { concat: 'concat_param.concat_dim' },
  det_fg_threshold: windowData('fg_threshold'),
  det_bg_threshold: windowData('bg_threshold'),
  det_fg_fraction: windowData('fg_fraction'),
  det_context_pad: windowData('context_pad'),
  det_crop_mode: windowData('crop_mode'),
};

const COPIED = ['name', 'blobs', 'blobs_lr', 'weight_decay'] as const;

/** The V1 layers of a V0 net. Padding layers vanish into the convolution or pooling after them. */
export function upgradeV0Layers(net: NetParameter, diagnostics: Diagnostic[]): V1LayerParameter[] {
  const result: V1LayerParameter[] = [];
  const maker = new Map<string, V1LayerParameter>();
  for (const connection of net.layers) {
    const v0 = connection.layer;
    if (v0?.type !== 'padding') {
      const v1 = upgradeConnection(connection, diagnostics);
      takePadding(v1, connection, maker, diagnostics);
      result.push(v1);
    }
    for (const top of connection.top) maker.set(top, connection);
  }
  return result;
}

/** Where a bottom comes from a padding layer: its `pad`, and the padding layer's own bottom. */
function takePadding(
  v1: V1LayerParameter,
  connection: V1LayerParameter,
  maker: ReadonlyMap<string, V1LayerParameter>,
  diagnostics: Diagnostic[],
): void {
  connection.bottom.forEach((bottom, i) => {
    const source = maker.get(bottom);
    if (source?.layer?.type !== 'padding') return;
    const { pad } = source.layer;
    const type = connection.layer?.type;
    const [input] = source.bottom;
    if ((type !== 'conv' && type !== 'pool') || source.bottom.length !== 1 || input === undefined) {
      const name = connection.layer?.name ?? '';
      diagnostics.push(
        error('padding-layer', `The padding layer before "${name}" cannot become part of it.`, {
          layer: name,
          location: locate(source),
          hint: 'Only a conv or pool layer can take the `pad` of a padding layer with one bottom.',
        }),
      );
      return;
    }
    if (type === 'conv') mutable(v1, 'convolution_param').pad = [pad];
    else mutable(v1, 'pooling_param').pad = pad;
    v1.bottom[i] = input;
  });
}

function upgradeConnection(connection: V1LayerParameter, diagnostics: Diagnostic[]): V1LayerParameter {
  const v0 = connection.layer;
  if (!v0) return connection;
  const v1 = createBeside(v0, 'caffe.V1LayerParameter', { bottom: [...connection.bottom], top: [...connection.top] });
  inheritLocation(v1, v0);
  const target = v1 as unknown as Record<string, unknown>;
  for (const field of COPIED) if (isSet(v0, field)) target[field] = v0[field];
  const type = own(TYPES, v0.type);
  if (type) v1.type = V1.LayerType[type];
  else if (isSet(v0, 'type')) {
    diagnostics.push(
      error('unknown-v0-type', `Caffe's first format has no layer type "${v0.type}".`, {
        layer: v0.name,
        location: locate(v0, 'type'),
        hint: `It has ${Object.keys(TYPES).join(', ')} and padding.`,
      }),
    );
  }
  for (const field of Object.keys(FIELDS)) moveField(v0, v1, field, diagnostics);
  if (isSet(v0, 'hdf5_output_param')) v1.hdf5_output_param = v0.hdf5_output_param;
  return v1;
}

function moveField(v0: V0LayerParameter, v1: V1LayerParameter, field: string, diagnostics: Diagnostic[]): void {
  if (!Object.hasOwn(v0, field)) return;
  const path = own(FIELDS[field], v0.type) ?? FIELDS[field]!['*'];
  if (!path) {
    diagnostics.push({
      code: 'v0-field-ignored',
      severity: 'warning',
      message: `A ${v0.type} layer has no use for \`${field}\`: it is left out.`,
      layer: v0.name,
      location: locate(v0, field),
    });
    return;
  }
  const [block, name] = path.split('.') as [keyof V1LayerParameter & string, string];
  const target = mutable(v1, block) as unknown as Record<string, unknown>;
  const value = (v0 as unknown as Record<string, unknown>)[field];
  target[name] = Array.isArray(target[name]) ? [value] : value;
}

/** A network as boxes and lines: layers that work in place stand in the box of what they change, splits are not shown. */

import type { DescribedLayer, Description } from '../net/index.js';
import { enumName, isSet, type LayerParameter, type PoolingParameter, sub } from '../schema/index.js';

/** A colour of the picture, and its word in the legend. */
export type Kind =
  | 'data'
  | 'convolution'
  | 'deconvolution'
  | 'product'
  | 'pooling'
  | 'activation'
  | 'normalisation'
  | 'arrangement'
  | 'loss'
  | 'measure'
  | 'other';

export interface BoxRow {
  readonly name: string;
  readonly type: string;
  readonly kind: Kind;
  /** `3×3, 64, stride 2`; or empty. */
  readonly detail: string;
  readonly paramCount: number;
}

export interface Box {
  readonly id: string;
  /** The layer, then those that work in place on its top. */
  readonly rows: readonly BoxRow[];
  readonly tops: readonly { readonly blob: string; readonly shape: readonly number[] }[];
}

export interface Line {
  readonly from: string;
  /** Which top of the box it leaves. */
  readonly top: number;
  readonly to: string;
}

export interface NetPicture {
  readonly title: string;
  readonly subtitle: string;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

const KINDS: Readonly<Record<Exclude<Kind, 'other' | 'loss' | 'data'>, readonly string[]>> = {
  convolution: ['Convolution', 'DepthwiseConvolution', 'ConvolutionDepthwise', 'Im2col'],
  deconvolution: ['Deconvolution', 'Interp', 'Upsample'],
  product: ['InnerProduct', 'Embed', 'LSTM', 'RNN', 'Recurrent', 'LSTMUnit'],
  pooling: ['Pooling', 'SPP', 'ROIPooling', 'StochasticPool'],
  activation: [
    ...[
      'ReLU',
      'PReLU',
      'ELU',
      'Sigmoid',
      'TanH',
      'Power',
      'Exp',
      'Log',
      'AbsVal',
      'BNLL',
      'Softmax',
      'Dropout',
      'Swish',
    ],
    ...['Clip', 'ReLU6', 'Threshold', 'Softplus'],
  ],
  normalisation: ['BatchNorm', 'BN', 'LRN', 'MVN', 'Scale', 'Bias', 'Normalize'],
  arrangement: [
    ...['Concat', 'Slice', 'Crop', 'Reshape', 'Flatten', 'Permute', 'Eltwise', 'Split', 'Tile', 'Reduction', 'ArgMax'],
    ...['BatchReindex', 'Filter', 'ShuffleChannel', 'Axpy'],
  ],
  measure: ['Accuracy', 'Silence', 'DetectionOutput', 'DetectionEvaluate'],
};

function kindOf(layer: DescribedLayer): Kind {
  if (layer.bottoms.length === 0) return 'data';
  if (layer.lossWeights.some(w => w !== 0) || layer.type.endsWith('Loss')) return 'loss';
  const found = Object.entries(KINDS).find(([, types]) => types.includes(layer.type));
  return (found?.[0] as Kind | undefined) ?? 'other';
}

/**
 * The picture of a described net.
 *
 * @param params the layers' messages, for what their boxes say of them
 */
export function netPicture(net: Description, params: readonly LayerParameter[]): NetPicture {
  const boxes: { id: string; rows: BoxRow[]; tops: { blob: string; shape: readonly number[] }[] }[] = [];
  const lines: Line[] = [];
  /** Which box and top a blob's newest version comes from. */
  const source = new Map<string, { readonly box: (typeof boxes)[number]; readonly top: number }>();
  const paramOf = (layer: DescribedLayer) => params.find(p => p.name === layer.name && p.type === layer.type);
  for (const layer of net.layers) {
    const from = layer.bottoms.map(b => source.get(b));
    if (layer.inserted && layer.type === 'Split') {
      for (const top of layer.tops) if (from[0]) source.set(top, from[0]);
      continue;
    }
    const row = rowOf(layer, paramOf(layer));
    const inPlace = layer.bottoms.length === 1 && layer.tops.length === 1 && layer.tops[0] === layer.bottoms[0];
    const host = from[0];
    const size = (shape: readonly number[]) => shape.join();
    if (inPlace && host && size(host.box.tops[host.top]!.shape) === size(layer.topShapes[0]!)) {
      host.box.rows.push(row);
      continue;
    }
    const tops = layer.tops.map((blob, i) => ({ blob, shape: layer.topShapes[i]! }));
    const box = { id: `box${boxes.length}`, rows: [row], tops };
    boxes.push(box);
    for (const place of from) if (place) lines.push({ from: place.box.id, top: place.top, to: box.id });
    layer.tops.forEach((top, i) => {
      source.set(top, { box, top: i });
    });
  }
  const count = net.layers.filter(l => !l.inserted).length;
  const numbers = [`${count} layers`, `${grouped(net.paramCount)} parameters`, `${short(net.macs)} multiply-adds`];
  return { title: net.name || 'Network', subtitle: `${net.phase} · ${numbers.join(' · ')}`, boxes, lines };
}

function rowOf(layer: DescribedLayer, param: LayerParameter | undefined): BoxRow {
  const { name, type, paramCount } = layer;
  return { name, type, kind: kindOf(layer), detail: param ? detailOf(param) : '', paramCount };
}

/** What tells a layer from others of its type. */
function detailOf(param: LayerParameter): string {
  if (param.convolution_param && param.type !== 'Im2col') {
    const c = param.convolution_param;
    const kernel = side(c.kernel_size, isSet(c, 'kernel_h') ? [c.kernel_h, c.kernel_w] : []);
    const stride = side(c.stride, isSet(c, 'stride_h') ? [c.stride_h, c.stride_w] : []);
    const dilation = side(c.dilation, []);
    return joined([
      kernel,
      c.num_output ? String(c.num_output) : '',
      stride === '' || stride === '1×1' ? '' : `stride ${unsquare(stride)}`,
      dilation === '' || dilation === '1×1' ? '' : `dilation ${unsquare(dilation)}`,
      c.group > 1 ? `group ${c.group}` : '',
    ]);
  }
  if (param.pooling_param) return poolingDetail(param.pooling_param);
  if (param.inner_product_param) return String(param.inner_product_param.num_output);
  if (param.type === 'Eltwise') return enumName(sub(param, 'eltwise_param'), 'operation').toLowerCase();
  if (param.type === 'Dropout') return String(Number(sub(param, 'dropout_param').dropout_ratio.toPrecision(4)));
  if (param.type === 'LRN') return `size ${sub(param, 'lrn_param').local_size}`;
  if (param.type === 'Crop') {
    const { offset } = sub(param, 'crop_param');
    return offset.length > 0 ? `offset ${offset.join(', ')}` : '';
  }
  if (param.type === 'Python') return sub(param, 'python_param').layer;
  return '';
}

function poolingDetail(p: PoolingParameter): string {
  const method = enumName(p, 'pool').toLowerCase();
  if (p.global_pooling) return `${method}, global`;
  const kernel = isSet(p, 'kernel_h') ? side([], [p.kernel_h, p.kernel_w]) : side([p.kernel_size], []);
  const stride = isSet(p, 'stride_h') ? `${p.stride_h}×${p.stride_w}` : String(p.stride);
  return joined([method, kernel, stride === '1' ? '' : `stride ${stride}`]);
}

function side(numbers: readonly number[], both: readonly number[]): string {
  if (both.length > 0) return both.join('×');
  return numbers.length === 1 ? `${numbers[0]}×${numbers[0]}` : numbers.join('×');
}

/** `2×2` as `2`. */
const unsquare = (text: string): string => (/^(\d+)×\1$/.test(text) ? text.split('×')[0]! : text);

const joined = (parts: readonly string[]): string => parts.filter(p => p !== '').join(', ');

/** `61,100,840` */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1.58 G` */
export function short(n: number): string {
  const step = (
    [
      [1e12, ' T'],
      [1e9, ' G'],
      [1e6, ' M'],
      [1e3, ' k'],
    ] as const
  ).find(([size]) => n >= size);
  return step ? `${(n / step[0]).toPrecision(3)}${step[1]}` : String(n);
}

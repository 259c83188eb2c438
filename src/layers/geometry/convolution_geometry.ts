/** The parameters that Convolution and Deconvolution share (base_conv_layer.cpp), for any number of spatial axes. */

import { nth } from '../../diagnostics/index.js';
import { dim, type Shape, sameShape, sizeOf } from '../../ir/index.js';
import { type ConvolutionParameter, isSet, type LayerParameter, sub } from '../../schema/index.js';
import type { WeightsTrait } from '../traits.js';
import type { AtLeast, LayerContext, OneOrMore, ParamDeclaration } from '../types.js';
import { canonicalAxis, countOf, showBottom } from './axis.js';
import { type CoordMap, windowMap } from './coord_map.js';
import { joinWords, once, plusPads, sides, squareOnce } from './words.js';

/** Lists have one entry per spatial axis. */
export interface Geometry {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly pad: readonly number[];
  readonly dilation: readonly number[];
  readonly group: number;
  readonly numOutput: number;
  readonly channelAxis: number;
  /** Axes before the channels, folded into one. */
  readonly batch: number;
  readonly channels: number;
  readonly spatial: Shape;
}

type Field = 'kernel_size' | 'stride' | 'pad' | 'dilation';

/** One number per spatial axis from `field` (once or once per axis) or from its _h and _w forms. */
function perAxis(ctx: LayerContext, param: ConvolutionParameter, field: Field, count: number, fallback?: number) {
  const values = param[field];
  const stem = field === 'kernel_size' ? 'kernel' : field;
  const pair = stem === 'dilation' ? undefined : ([`${stem}_h`, `${stem}_w`] as const);
  const path = `convolution_param.${field}`;
  if (pair && (isSet(param, pair[0]) || isSet(param, pair[1]))) {
    if (values.length > 0) {
      throw ctx.fail('conv-twice', `both ${field} and ${pair.join('/')} are given.`, {
        field: path,
        hint: 'Keep one.',
      });
    }
    if (count !== 2) {
      throw ctx.fail('conv-axes', `${pair.join(' and ')} are for 2 spatial axes, and there are ${count}.`, {
        field: `convolution_param.${pair[0]}`,
        hint: `Give ${field} once per axis.`,
      });
    }
    return [param[pair[0]], param[pair[1]]];
  }
  if (values.length === 0 && fallback !== undefined) return new Array<number>(count).fill(fallback);
  if (values.length !== 1 && values.length !== count) {
    const given = values.length === 0 ? 'missing' : `given ${values.length} times for ${count} spatial axes`;
    throw ctx.fail('conv-axes', `${field} is ${given}.`, {
      field: path,
      hint: 'Give it once for all axes, or once per axis.',
    });
  }
  return Array.from({ length: count }, (_, i) => nth(values, values.length === 1 ? 0 : i));
}

function checkPositive(ctx: LayerContext, field: string, values: readonly number[]): readonly number[] {
  if (values.every(v => v > 0)) return values;
  throw ctx.fail('conv-zero', `${field} is ${values.join('×')}.`, {
    field: `convolution_param.${field}`,
    hint: 'It must be at least 1 along every axis.',
  });
}

function checkGroups(
  ctx: LayerContext,
  channels: number,
  { group, num_output: numOutput }: ConvolutionParameter,
): void {
  if (!(numOutput > 0)) {
    throw ctx.fail('num-output', 'num_output is missing or 0.', { field: 'convolution_param.num_output' });
  }
  if (group > 0 && channels % group === 0 && numOutput % group === 0) return;
  const what =
    group > 0 && channels % group === 0 ? `num_output ${numOutput}` : `the ${channels} channels of its bottom`;
  throw ctx.misfit('conv-group', `group ${group} does not divide ${what}.`, {
    field: 'convolution_param.group',
    hint: `Both the bottom's channels (${channels}) and num_output (${numOutput}) must be multiples of group.`,
  });
}

/** Reads and checks the parameters against the bottoms. */
export function geometry(ctx: LayerContext<OneOrMore>): Geometry {
  const param = sub(ctx.param, 'convolution_param');
  ctx.bottomShapes.forEach((other, i) => {
    if (sameShape(ctx.bottomShapes[0], other)) return;
    throw ctx.misfit('conv-shapes', `bottoms ${showBottom(ctx, 0)} and ${showBottom(ctx, i)} differ in shape.`, {
      hint: 'Bottoms that share one layer’s filters must have one shape.',
    });
  });
  const window = windows(ctx, param);
  checkGroups(ctx, window.channels, param);
  return { ...window, group: param.group, numOutput: param.num_output };
}

/** Of a layer with one filter and one output for each channel, whatever `group` and `num_output` say. */
export function depthwiseGeometry(ctx: LayerContext): Geometry {
  const window = windows(ctx, sub(ctx.param, 'convolution_param'));
  return { ...window, group: window.channels, numOutput: window.channels };
}

/** Im2col's: the same windows, each channel by itself, every place of the kernel an output. */
export function windowGeometry(ctx: LayerContext): Geometry {
  const window = windows(ctx, sub(ctx.param, 'convolution_param'));
  return { ...window, group: window.channels, numOutput: window.channels * sizeOf(window.kernel) };
}

function windows(ctx: LayerContext<OneOrMore>, param: ConvolutionParameter): Omit<Geometry, 'group' | 'numOutput'> {
  const shape = ctx.bottomShapes[0];
  const channelAxis = canonicalAxis(ctx, param.axis, shape, 'convolution_param.axis');
  const spatial = shape.slice(channelAxis + 1);
  const n = spatial.length;
  const kernel = checkPositive(ctx, 'kernel_size', perAxis(ctx, param, 'kernel_size', n));
  const stride = checkPositive(ctx, 'stride', perAxis(ctx, param, 'stride', n, 1));
  const dilation = checkPositive(ctx, 'dilation', perAxis(ctx, param, 'dilation', n, 1));
  return {
    kernel,
    stride,
    pad: perAxis(ctx, param, 'pad', n, 0),
    dilation,
    channelAxis,
    batch: countOf(shape, 0, channelAxis),
    channels: dim(shape, channelAxis),
    spatial,
  };
}

/** Of a convolution: (in + 2·pad − extent) / stride + 1, divided as C does, towards zero (conv_layer.cpp). */
export function outputSize({ kernel, stride, pad, dilation, spatial }: Geometry): readonly number[] {
  return spatial.map(
    (d, i) => Math.trunc((d + 2 * nth(pad, i) - (nth(dilation, i) * (nth(kernel, i) - 1) + 1)) / nth(stride, i)) + 1,
  );
}

/** The top's shape for these output sizes. Throws where there is nothing left to compute. */
export function topShape(ctx: LayerContext<OneOrMore>, g: Geometry, out: readonly number[]): Shape {
  if (out.some(d => d < 1)) {
    throw ctx.misfit(
      'conv-empty',
      `a kernel of ${g.kernel.join('×')} on ${showBottom(ctx, 0)} leaves ${out.join('×')}.`,
      {
        field: 'convolution_param.kernel_size',
        hint: 'The bottom with its padding must be at least as big as the (dilated) kernel: feed a larger input, raise pad or lower kernel_size.',
      },
    );
  }
  return [...ctx.bottomShapes[0].slice(0, g.channelAxis), g.numOutput, ...out];
}

/** The filter [out, in / group, …kernel] and, unless bias_term is false, the bias [num_output]. */
export function parameters(ctx: LayerContext, g: Geometry, out: number, into: number): AtLeast<ParamDeclaration, 1> {
  const param = sub(ctx.param, 'convolution_param');
  const weight = { shape: [out, into / g.group, ...g.kernel], filler: param.weight_filler };
  return param.bias_term ? [weight, { shape: [g.numOutput], filler: param.bias_filler }] : [weight];
}

/** Multiply-adds when the filter is laid on `positions` places of each of the bottoms' planes. */
export function multiplyAdds(ctx: LayerContext, g: Geometry, positions: Shape): number {
  return (
    ctx.bottomShapes.length * g.batch * sizeOf(positions) * ((g.channels * g.numOutput) / g.group) * sizeOf(g.kernel)
  );
}

/** What the filter and the bias are to other parts: convolution_param tells. */
export const filterWeights: WeightsTrait = {
  kind: 'filter',
  field: 'convolution_param',
  group: param => sub(param, 'convolution_param').group,
};

/** Where the middles of the windows lie. */
export function windowMaps(g: Geometry): CoordMap {
  return g.kernel.map((k, i) => windowMap(nth(g.dilation, i) * (k - 1) + 1, nth(g.stride, i), nth(g.pad, i)));
}

/** How far from their middles the windows reach. */
export function windowReach({ kernel, dilation }: Geometry): readonly number[] {
  return kernel.map((k, i) => (nth(dilation, i) * (k - 1)) / 2);
}

/** `num_output 64; (256 + 2·100 − 11) / 4 + 1 = 112` */
export function explainConvolution(g: Geometry, top: Shape): string {
  const axes = top.slice(g.channelAxis + 1).map((out, i) => {
    const extent = nth(g.dilation, i) * (nth(g.kernel, i) - 1) + 1;
    return `(${g.spatial[i]}${plusPads(nth(g.pad, i))} − ${extent}) / ${g.stride[i]} + 1 = ${out}`;
  });
  return `num_output ${g.numOutput}; ${once(axes)}`;
}

/** `num_output 2; 2·(32 − 1) + 4 − 2·1 = 64` */
export function explainDeconvolution(g: Geometry, top: Shape): string {
  const axes = top.slice(g.channelAxis + 1).map((out, i) => {
    const extent = nth(g.dilation, i) * (nth(g.kernel, i) - 1) + 1;
    const pad = g.pad[i] ? ` − 2·${g.pad[i]}` : '';
    return `${g.stride[i]}·(${g.spatial[i]} − 1) + ${extent}${pad} = ${out}`;
  });
  return `num_output ${g.numOutput}; ${once(axes)}`;
}

/** `3×3, 64, stride 2` */
export function convolutionDetail(layer: LayerParameter): string {
  const { num_output, group } = sub(layer, 'convolution_param');
  return windowDetail(layer, num_output ? String(num_output) : '', group > 1 ? `group ${group}` : '');
}

/** `3×3, depthwise, stride 2` */
export const depthwiseDetail = (layer: LayerParameter): string => windowDetail(layer, 'depthwise', '');

function windowDetail(layer: LayerParameter, outputs: string, groups: string): string {
  const c = sub(layer, 'convolution_param');
  const stride = isSet(c, 'stride_h') ? sides([c.stride_h, c.stride_w]) : sides(c.stride);
  const dilation = sides(c.dilation);
  return joinWords([
    isSet(c, 'kernel_h') ? sides([c.kernel_h, c.kernel_w]) : sides(c.kernel_size),
    outputs,
    stride === '' || stride === '1×1' ? '' : `stride ${squareOnce(stride)}`,
    dilation === '' || dilation === '1×1' ? '' : `dilation ${squareOnce(dilation)}`,
    groups,
  ]);
}

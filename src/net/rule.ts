/** Says where a layer's top shape comes from, with the layer's own numbers: for people who wonder about a shape. */

import { showShape } from '../ir/index.js';
import { type Geometry, geometry } from '../layers/geometry/convolution_geometry.js';
import type { LayerContext } from '../layers/types.js';
import { isSet, type PoolingParameter, sub } from '../schema/index.js';
import type { NetLayer } from './types.js';

type Shaped = Pick<NetLayer, 'type' | 'context' | 'tops'>;
type Rule = (context: LayerContext, layer: Shaped) => string;

const RULES: Readonly<Record<string, Rule>> = {
  Input: () => 'input_param',
  Data: context => `batch_size ${sub(context.param, 'data_param').batch_size}, then the data set's entry`,
  Convolution: (context, layer) => {
    const g = geometry(context);
    const axes = spatialOf(layer, g).map((out, i) => {
      const extent = g.dilation[i]! * (g.kernel[i]! - 1) + 1;
      return `(${g.spatial[i]}${plus(2, g.pad[i]!)} − ${extent}) / ${g.stride[i]} + 1 = ${out}`;
    });
    return `num_output ${g.numOutput}; ${once(axes)}`;
  },
  Deconvolution: (context, layer) => {
    const g = geometry(context);
    const axes = spatialOf(layer, g).map((out, i) => {
      const extent = g.dilation[i]! * (g.kernel[i]! - 1) + 1;
      const pad = g.pad[i] ? ` − 2·${g.pad[i]}` : '';
      return `${g.stride[i]}·(${g.spatial[i]} − 1) + ${extent}${pad} = ${out}`;
    });
    return `num_output ${g.numOutput}; ${once(axes)}`;
  },
  Pooling: (context, layer) => {
    const param = sub(context.param, 'pooling_param');
    if (param.global_pooling) return 'the whole plane';
    const [input, output] = [context.bottomShapes[0]!, layer.tops[0]!.shape];
    return `rounded up; ${once([2, 3].map(axis => pooled(param, axis, input[axis]!, output[axis]!)))}`;
  },
  InnerProduct: context => `num_output ${sub(context.param, 'inner_product_param').num_output}`,
  Crop: context => {
    const { axis, offset } = sub(context.param, 'crop_param');
    const at = offset.length > 0 ? ` at offset ${offset.join(', ')}` : '';
    return `the size of "${context.param.bottom[1]}" ${showShape(context.bottomShapes[1] ?? [])} from axis ${axis} on${at}`;
  },
  Concat: context => `joined along axis ${sub(context.param, 'concat_param').axis}`,
};

/** The rule in one line; empty where there is nothing to say (the top has the bottom's shape). */
export function shapeRule(layer: Shaped): string {
  return RULES[layer.type.type]?.(layer.context, layer) ?? '';
}

function spatialOf(layer: Shaped, g: Geometry): readonly number[] {
  return layer.tops[0]!.shape.slice(g.channelAxis + 1);
}

function pooled(param: PoolingParameter, axis: number, input: number, output: number): string {
  const h = axis === 2;
  const kernel = isSet(param, 'kernel_h') ? (h ? param.kernel_h : param.kernel_w) : param.kernel_size;
  const stride = isSet(param, 'stride_h') ? (h ? param.stride_h : param.stride_w) : param.stride;
  const pad = isSet(param, 'pad_h') ? (h ? param.pad_h : param.pad_w) : param.pad;
  return `(${input}${plus(2, pad)} − ${kernel}) / ${stride} + 1 = ${output}`;
}

function plus(times: number, pad: number): string {
  return pad ? ` + ${times}·${pad}` : '';
}

/** Both axes, or one where they are alike. */
function once(axes: readonly string[]): string {
  return [...new Set(axes)].join(', ');
}

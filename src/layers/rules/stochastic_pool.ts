/** STOCHASTIC pooling (Zeiler and Fergus 2013), the rule that Pooling and SPP share (pooling_layer.cu). */

import type { Builder, HostArray, PoolAttrs, Value } from '../../ir/index.js';
import type { LayerContext } from '../types.js';

/** The least normal float, which Caffe adds to a sum it divides by. */
const FLT_MIN = 2 ** -126;

/** Throws where padding would be needed: Caffe pads for MAX and AVE only. */
export function checkStochastic(ctx: LayerContext, { pad }: PoolAttrs, field: string): void {
  if (pad.every(p => p === 0)) return;
  throw ctx.fail('pool-stochastic', `STOCHASTIC pooling knows no padding, and here it is ${pad.join('×')}.`, {
    field,
    hint: 'Use MAX or AVE, or no padding.',
  });
}

/**
 * In TRAIN each window yields one of its elements, chosen with a probability proportional to its value (values are
 * meant not to be negative); in TEST the mean of the elements weighted by themselves.
 */
export function stochasticPool(ctx: LayerContext, b: Builder, x: Value, attrs: PoolAttrs): Value {
  if (ctx.phase === 'TEST')
    return b.div(
      b.avePool(b.mul(x, x), attrs),
      b.add(b.avePool(x, attrs), FLT_MIN / attrs.kernel[0] / attrs.kernel[1]),
    );
  const shape = [x.shape[0]!, x.shape[1]!, ...attrs.outSize];
  const name = `${ctx.name}/choice ${attrs.outSize.join('×')}`;
  const chance = b.random(name, shape, { kind: 'uniform' });
  const [top] = b.hostCall([x, chance], {
    name: ctx.name,
    outputs: [shape, shape],
    run: ([image, draws]) => choose(image!, draws!, attrs),
    backward: ([image, , , index, dy]) => [scatter(image!, index!, dy!)],
  });
  return top!;
}

/** The chosen elements, and where each lies in its plane. */
function choose({ shape, data }: HostArray, draws: HostArray, { kernel, stride, outSize }: PoolAttrs): Float32Array[] {
  const [height, width] = [shape[2]!, shape[3]!];
  const [values, index] = [new Float32Array(draws.data.length), new Float32Array(draws.data.length)];
  for (let i = 0; i < values.length; i++) {
    const column = i % outSize[1];
    const row = Math.floor(i / outSize[1]) % outSize[0];
    const plane = Math.floor(i / (outSize[0] * outSize[1])) * height * width;
    const places: number[] = [];
    for (let h = row * stride[0]; h < Math.min(row * stride[0] + kernel[0], height); h++)
      for (let w = column * stride[1]; w < Math.min(column * stride[1] + kernel[1], width); w++)
        places.push(h * width + w);
    const threshold = draws.data[i]! * places.reduce((sum, p) => sum + data[plane + p]!, 0);
    let sum = 0;
    const found = places.find(p => (sum += data[plane + p]!) >= threshold);
    index[i] = found ?? -1;
    values[i] = found === undefined ? 0 : data[plane + found]!;
  }
  return [values, index];
}

/** Gradients go where the elements came from; those that meet add up. */
function scatter({ shape, data }: HostArray, index: HostArray, dy: HostArray): Float32Array {
  const [size, places] = [shape[2]! * shape[3]!, index.shape[2]! * index.shape[3]!];
  const dx = new Float32Array(data.length);
  dy.data.forEach((d, i) => {
    const at = index.data[i]!;
    if (at >= 0) dx[Math.floor(i / places) * size + at]! += d;
  });
  return dx;
}

/** Pooling kernels with Caffe's windows: clipped at the plane, AVE's divisor clipped at the padded plane. */

import { nchw } from '../ir/shape.js';
import type { NodeOf, PoolAttrs } from '../ir/types.js';
import type { Inputs, Outputs } from './arrays.js';

interface Planes {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

function planesOf(shape: readonly number[], { outSize }: PoolAttrs): Planes {
  return {
    count: shape[0]! * shape[1]!,
    height: shape[2]!,
    width: shape[3]!,
    outHeight: outSize[0],
    outWidth: outSize[1],
  };
}

export function maxPool(node: NodeOf<'maxPool'>, [x]: Inputs<'maxPool'>, [y, indices]: Outputs<'maxPool'>): void {
  const { kernel, stride, pad } = node.attrs;
  const { count, height, width, outHeight, outWidth } = planesOf(node.inputs[0].shape, node.attrs);
  let o = 0;
  for (let p = 0; p < count; p++) {
    const base = p * height * width;
    for (let i = 0; i < outHeight; i++) {
      const top = i * stride[0] - pad[0];
      const h0 = Math.max(top, 0);
      const h1 = Math.min(top + kernel[0], height);
      for (let j = 0; j < outWidth; j++) {
        const left = j * stride[1] - pad[1];
        const w0 = Math.max(left, 0);
        const w1 = Math.min(left + kernel[1], width);
        let greatest = -3.4028234663852886e38;
        let at = -1;
        for (let h = h0; h < h1; h++) {
          const row = base + h * width;
          for (let w = w0; w < w1; w++) {
            const v = x[row + w]!;
            if (v > greatest) {
              greatest = v;
              at = h * width + w;
            }
          }
        }
        y[o] = greatest;
        indices[o++] = at;
      }
    }
  }
}

export function maxPoolGrad(
  node: NodeOf<'maxPoolGrad'>,
  [dy, indices]: Inputs<'maxPoolGrad'>,
  [dx]: Outputs<'maxPoolGrad'>,
): void {
  const [n, c, h, w] = nchw(node.inputs[0].shape);
  const plane = h * w;
  const inPlane = node.attrs.inputSize[0] * node.attrs.inputSize[1];
  dx.fill(0);
  for (let p = 0; p < n * c; p++) {
    const from = p * plane;
    const to = p * inPlane;
    for (let i = from; i < from + plane; i++) {
      const at = indices[i]!;
      if (at >= 0) dx[to + at]! += dy[i]!;
    }
  }
}

/** Visits every window of a plane: its clipped bounds and Caffe's divisor. */
function forEachWindow(
  { kernel, stride, pad }: PoolAttrs,
  { height, width, outHeight, outWidth }: Planes,
  visit: (o: number, h0: number, h1: number, w0: number, w1: number, divisor: number) => void,
): void {
  for (let i = 0; i < outHeight; i++) {
    const top = i * stride[0] - pad[0];
    const bottom = Math.min(top + kernel[0], height + pad[0]);
    for (let j = 0; j < outWidth; j++) {
      const left = j * stride[1] - pad[1];
      const right = Math.min(left + kernel[1], width + pad[1]);
      const divisor = (bottom - top) * (right - left);
      visit(
        i * outWidth + j,
        Math.max(top, 0),
        Math.min(bottom, height),
        Math.max(left, 0),
        Math.min(right, width),
        divisor,
      );
    }
  }
}

export function avePool(node: NodeOf<'avePool'>, [x]: Inputs<'avePool'>, [y]: Outputs<'avePool'>): void {
  const planes = planesOf(node.inputs[0].shape, node.attrs);
  const size = planes.height * planes.width;
  const outSize = planes.outHeight * planes.outWidth;
  forEachWindow(node.attrs, planes, (o, h0, h1, w0, w1, divisor) => {
    for (let p = 0; p < planes.count; p++) {
      let sum = 0;
      for (let h = h0; h < h1; h++) for (let w = w0; w < w1; w++) sum += x[p * size + h * planes.width + w]!;
      y[p * outSize + o] = sum / divisor;
    }
  });
}

export function avePoolGrad(
  node: NodeOf<'avePoolGrad'>,
  [dy]: Inputs<'avePoolGrad'>,
  [dx]: Outputs<'avePoolGrad'>,
): void {
  const { shape } = node.outputs[0];
  const planes = planesOf(shape, node.attrs);
  const size = planes.height * planes.width;
  const outSize = planes.outHeight * planes.outWidth;
  dx.fill(0);
  forEachWindow(node.attrs, planes, (o, h0, h1, w0, w1, divisor) => {
    for (let p = 0; p < planes.count; p++) {
      const g = dy[p * outSize + o]! / divisor;
      for (let h = h0; h < h1; h++) for (let w = w0; w < w1; w++) dx[p * size + h * planes.width + w]! += g;
    }
  });
}

/**
 * Pooling, its gradients and sums over windows in TensorFlow.js operations, for backends whose arrays should not travel to
 * the host and back. tfjs's own pooling knows neither Caffe's windows nor where a maximum came from.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { nth } from '../../diagnostics/index.js';
import { dim, nchw, sizeOf, type WindowPlace, windowPlaces } from '../../ir/shape.js';
import type { Node, NodeOf, PoolAttrs } from '../../ir/types.js';
import { type Kernel, type KernelOf, kernelOf } from './kernel.js';

type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;
type Pair = readonly [number, number];

const LOWEST = -3.4028234663852886e38;

/** The sum of equal shapes, two by two: WebGPU binds eight arrays at most, which tf.addN ignores. */
export function total(tf: Tf, parts: readonly Tensor[]): Tensor {
  return parts.reduce((sum, part) => tf.add(sum, part));
}

/** The node's kernel; undefined for one of another family. */
export function poolingKernel(tf: Tf, node: Node): Kernel | undefined {
  switch (node.op) {
    case 'maxPool':
      return kernelOf(node, maxPool(tf, node));
    case 'maxPoolGrad':
      return kernelOf(node, maxPoolGrad(tf, node));
    case 'avePool':
      return kernelOf(node, avePool(tf, node));
    case 'avePoolGrad':
      return kernelOf(node, avePoolGrad(tf, node));
    case 'windowSum':
      return kernelOf(node, windowSum(tf, node));
    default:
      return undefined;
  }
}

/** The padded plane that all windows together reach over: at least the plane with its padding in front. */
function reach({ kernel, stride, pad, outSize }: PoolAttrs, size: Pair): Pair {
  const along = (i: 0 | 1) => Math.max((outSize[i] - 1) * stride[i] + kernel[i], pad[i] + size[i]);
  return [along(0), along(1)];
}

/** For each place, what the windows have there: [N, C, H', W'] each. */
function windows(tf: Tf, x: Tensor, attrs: PoolAttrs, places: readonly WindowPlace[], fill: number): Tensor[] {
  const [n, c, height, width] = nchw(x.shape);
  const whole = reach(attrs, [height, width]);
  const { pad, stride, outSize } = attrs;
  const behind = [whole[0] - pad[0] - height, whole[1] - pad[1] - width] as const;
  const padded = tf.pad(
    x,
    [
      [0, 0],
      [0, 0],
      [pad[0], behind[0]],
      [pad[1], behind[1]],
    ],
    fill,
  );
  return places.map(({ at: [y, z] }) => {
    const end = [n, c, y + (outSize[0] - 1) * stride[0] + 1, z + (outSize[1] - 1) * stride[1] + 1];
    return tf.stridedSlice(padded, [0, 0, y, z], end, [1, 1, ...stride]);
  });
}

function maxPool(tf: Tf, { attrs, inputs }: NodeOf<'maxPool'>): KernelOf<'maxPool'> {
  const [, , height, width] = nchw(inputs[0].shape);
  const places = windowPlaces(attrs, height, width);
  return ([x]) => {
    const parts = windows(tf, x, attrs, places, LOWEST);
    const greatest = parts.reduce((a, b) => tf.maximum(a, b));
    // From the last place to the first, so that the first of equals stays.
    let index: Tensor = tf.fill(greatest.shape, -1);
    for (let k = parts.length - 1; k >= 0; k--) {
      const here = tf.tensor(nth(places, k).indices, [1, 1, ...attrs.outSize]);
      const found = tf.logicalAnd(tf.equal(nth(parts, k), greatest), tf.greaterEqual(here, 0));
      index = tf.where(found, tf.broadcastTo(here, greatest.shape), index);
    }
    return [greatest, index];
  };
}

function maxPoolGrad(tf: Tf, { attrs, inputs }: NodeOf<'maxPoolGrad'>): KernelOf<'maxPoolGrad'> {
  const [n, c, h, w] = nchw(inputs[0].shape);
  const plane = attrs.inputSize[0] * attrs.inputSize[1];
  const starts = Int32Array.from({ length: n * c }, (_, i) => i * plane);
  return ([dy, indices]) => {
    const some = tf.greaterEqual(indices, 0);
    const inPlane = tf.reshape(tf.cast(tf.maximum(indices, 0), 'int32'), [n * c, h * w]);
    const at = tf.reshape(tf.add(inPlane, tf.tensor2d(starts, [n * c, 1], 'int32')), [-1, 1]);
    const updates = tf.reshape(tf.where(some, dy, tf.zerosLike(dy)), [-1]);
    return [tf.reshape(tf.scatterND(at, updates, [n * c * plane]), [n, c, ...attrs.inputSize])];
  };
}

/** One by the number of elements that Caffe divides a window's sum by: those inside the plane with its padding. */
function shares({ kernel, stride, pad, outSize }: PoolAttrs, size: Pair): Float32Array {
  const along = (i: 0 | 1) =>
    Array.from({ length: outSize[i] }, (_, o) => {
      const start = o * stride[i] - pad[i];
      return Math.min(start + kernel[i], size[i] + pad[i]) - start;
    });
  const [rows, columns] = [along(0), along(1)];
  return Float32Array.from(rows.flatMap(r => columns.map(c => 1 / (r * c))));
}

function avePool(tf: Tf, { attrs, inputs }: NodeOf<'avePool'>): KernelOf<'avePool'> {
  const [, , height, width] = nchw(inputs[0].shape);
  const places = windowPlaces(attrs, height, width);
  const share = shares(attrs, [height, width]);
  return ([x]) => {
    const sum = total(tf, windows(tf, x, attrs, places, 0));
    return [tf.mul(sum, tf.tensor(share, [1, 1, ...attrs.outSize]))];
  };
}

function avePoolGrad(tf: Tf, { attrs, inputs }: NodeOf<'avePoolGrad'>): KernelOf<'avePoolGrad'> {
  const [n, c] = nchw(inputs[0].shape);
  const { inputSize, stride, pad, outSize } = attrs;
  const places = windowPlaces(attrs, ...inputSize);
  const share = shares(attrs, inputSize);
  const whole = reach(attrs, inputSize);
  const spread = [(outSize[0] - 1) * stride[0] + 1, (outSize[1] - 1) * stride[1] + 1] as const;
  return ([dy]) => {
    const scaled = tf.mul(dy, tf.tensor(share, [1, 1, ...outSize]));
    const sparse = tf.slice(upsampled(tf, scaled, stride), [0, 0, 0, 0], [n, c, ...spread]);
    const parts = places.map(({ at: [y, x] }) =>
      tf.pad(sparse, [
        [0, 0],
        [0, 0],
        [y, whole[0] - y - spread[0]],
        [x, whole[1] - x - spread[1]],
      ]),
    );
    return [tf.slice(total(tf, parts), [0, 0, ...pad], [n, c, ...inputSize])];
  };
}

/** [N, C, h, w] → [N, C, h·sy, w·sx] with zeros between the elements. */
function upsampled(tf: Tf, x: Tensor, [sy, sx]: Pair): Tensor {
  const [n, c, h, w] = nchw(x.shape);
  const columns = tf.pad(tf.reshape(x, [n * c * h * w, 1]), [
    [0, 0],
    [0, sx - 1],
  ]);
  const rows = tf.pad(tf.reshape(columns, [n * c * h, w * sx]), [
    [0, 0],
    [0, (sy - 1) * w * sx],
  ]);
  return tf.reshape(rows, [n, c, h * sy, w * sx]);
}

function windowSum(tf: Tf, { attrs, inputs }: NodeOf<'windowSum'>): KernelOf<'windowSum'> {
  const { shape } = inputs[0];
  const { axis, size } = attrs;
  const [outer, inner] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
  const half = (size - 1) / 2;
  return ([x]) => {
    const flat = tf.reshape(x, [outer, dim(shape, axis), inner]);
    const padded = tf.pad(flat, [
      [0, 0],
      [half, half],
      [0, 0],
    ]);
    const parts = Array.from({ length: size }, (_, i) => tf.slice(padded, [0, i, 0], [outer, dim(shape, axis), inner]));
    return [tf.reshape(total(tf, parts), [...shape])];
  };
}

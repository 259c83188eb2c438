/** The IR in TensorFlow.js operations, for backends whose own kernels are the fast ones (TensorFlow, cpu as reference). */

import type * as tfjs from '@tensorflow/tfjs-core';
import { nth } from '../../diagnostics/index.js';
import { parameterOf } from '../../ir/passes/fuse.js';
import { dim, nchw, sizeOf } from '../../ir/shape.js';
import type { ConvAttrs, ElementwiseOp, FusedAttrs, InputsOf, Node, NodeOf, Shape } from '../../ir/types.js';
import { gatherKernel } from './gather.js';
import { kernelOf } from './kernel.js';
import { poolingKernel, total } from './pooling.js';

type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;
type Elementwise = (tf: Tf, x: Tensor, y: Tensor, z: Tensor, parameter: number) => Tensor;

/** tfjs 4.22's cast leaves integers behind on webgpu, which the next kernel may take for floats. */
const asFloat = (tf: Tf, mask: Tensor) =>
  tf.getBackend() === 'webgpu' ? tf.where(mask, tf.scalar(1), tf.scalar(0)) : tf.cast(mask, 'float32');

const elementwise: Record<ElementwiseOp, Elementwise> = {
  neg: (tf, x) => tf.neg(x),
  abs: (tf, x) => tf.abs(x),
  sign: (tf, x) => tf.sign(x),
  exp: (tf, x) => tf.exp(x),
  log: (tf, x) => tf.log(x),
  sqrt: (tf, x) => tf.sqrt(x),
  tanh: (tf, x) => tf.tanh(x),
  sigmoid: (tf, x) => tf.sigmoid(x),
  floor: (tf, x) => tf.floor(x),
  relu: (tf, x, _y, _z, slope) => (slope === 0 ? tf.relu(x) : tf.where(tf.greater(x, 0), x, tf.mul(x, slope))),
  power: (tf, x, _y, _z, exponent) => tf.pow(x, tf.scalar(exponent)),
  add: (tf, x, y) => tf.add(x, y),
  sub: (tf, x, y) => tf.sub(x, y),
  mul: (tf, x, y) => tf.mul(x, y),
  div: (tf, x, y) => tf.div(x, y),
  max: (tf, x, y) => tf.maximum(x, y),
  min: (tf, x, y) => tf.minimum(x, y),
  greater: (tf, x, y) => asFloat(tf, tf.greater(x, y)),
  greaterEqual: (tf, x, y) => asFloat(tf, tf.greaterEqual(x, y)),
  equal: (tf, x, y) => asFloat(tf, tf.equal(x, y)),
  select: (tf, mask, x, y) => tf.where(tf.notEqual(mask, 0), x, y),
};

function fused(tf: Tf, { steps, results }: FusedAttrs, inputs: readonly Tensor[]): Tensor[] {
  const values = [...inputs];
  for (const { op, args, parameter } of steps) {
    const [x, y, z] = args.map(a => nth(values, a));
    values.push(op === 'constant' ? tf.scalar(parameter) : elementwise[op](tf, x!, y!, z!, parameter));
  }
  return results.map(r => nth(values, r));
}

type Shape4 = [number, number, number, number];
type Pair = readonly [number, number];

const toNHWC = (tf: Tf, x: Tensor) => tf.transpose(x, [0, 2, 3, 1]) as tfjs.Tensor4D;
const toNCHW = (tf: Tf, x: Tensor) => tf.transpose(x, [0, 3, 1, 2]);

const padded = (tf: Tf, x: Tensor, [y, z]: Pair) =>
  tf.pad(toNHWC(tf, x), [
    [0, 0],
    [y, y],
    [z, z],
    [0, 0],
  ]);

/** A convolution as tf.conv2d: padded by hand, group by group. */
function conv2d(tf: Tf, { attrs }: NodeOf<'conv2d'>, [x, w]: InputsOf<'conv2d', Tensor>): Tensor {
  const { stride, pad, dilation, groups } = attrs;
  const image = padded(tf, x, pad);
  const filter = tf.transpose(w, [2, 3, 1, 0]);
  const images = tf.split(image, groups, 3) as tfjs.Tensor4D[];
  const filters = tf.split(filter, groups, 3) as tfjs.Tensor4D[];
  const outputs = images.map((part, i) =>
    tf.conv2d(part, nth(filters, i), [...stride], 'valid', 'NHWC', [...dilation]),
  );
  return toNCHW(tf, tf.concat(outputs, 3));
}

/** The adjoint of a convolution, by tfjs's transposed one (which knows no dilation), cropped by the padding. */
function convInputGrad(tf: Tf, node: NodeOf<'convInputGrad'>, [dy, w]: InputsOf<'convInputGrad', Tensor>): Tensor {
  const { stride, pad, groups, inputSize } = node.attrs;
  const gradients = tf.split(toNHWC(tf, dy), groups, 3) as tfjs.Tensor4D[];
  const filters = tf.split(tf.transpose(w, [2, 3, 1, 0]), groups, 3) as tfjs.Tensor4D[];
  const channels = w.shape[1]!;
  const [height, width] = [0, 1].map(i => nth(inputSize, i) + 2 * nth(pad, i));
  const shape: Shape4 = [dy.shape[0], height!, width!, channels];
  const parts = gradients.map((g, i) => tf.conv2dTranspose(g, nth(filters, i), shape, [...stride], 'valid'));
  const whole = tf.concat(parts, 3);
  return toNCHW(tf, tf.slice(whole, [0, pad[0], pad[1], 0], [-1, inputSize[0], inputSize[1], -1]));
}

/** The gradient of a convolution's filter by TensorFlow's own kernel, which tfjs keeps for its tape. */
function convFilterGrad(
  tf: Tf,
  { attrs }: NodeOf<'convFilterGrad'>,
  [x, dy]: InputsOf<'convFilterGrad', Tensor>,
): Tensor {
  const { stride, pad, groups, kernel } = attrs;
  const images = tf.split(padded(tf, x, pad), groups, 3);
  const gradients = tf.split(toNHWC(tf, dy), groups, 3);
  const parts = images.map((image, i) => {
    const filterShape = [...kernel, image.shape[3]!, nth(gradients, i).shape[3]!];
    const settings = { strides: [...stride], pad: 'valid', dataFormat: 'NHWC', filterShape };
    const run = tf.engine().runKernel('Conv2DBackpropFilter', { x: image, dy: nth(gradients, i) }, settings);
    return tf.transpose(run as Tensor, [3, 2, 0, 1]);
  });
  return tf.concat(parts, 0);
}

/**
 * A convolution whose filter outweighs its unfolded image (fc6 of FCN-AlexNet: 151 MB against 2): turning the filter into
 * TensorFlow's layout would cost more than the product, so the image is unfolded by slices and multiplied as it lies.
 */
function isFilterHeavy(x: Shape, filter: Shape, out: Shape, { groups }: ConvAttrs): boolean {
  const unfolded = sizeOf(filter.slice(1)) * dim(out, 2) * dim(out, 3);
  return groups === 1 && x[0] === 1 && sizeOf(filter) > unfolded;
}

/** Image [1, C, H, W] → [C·kh·kw, H'·W']. */
function unfold(tf: Tf, x: Tensor, { stride, pad, dilation }: ConvAttrs, kernel: Pair, [, , h, w]: Shape): Tensor {
  const channels = x.shape[1]!;
  const image = tf.pad(x, [
    [0, 0],
    [0, 0],
    [pad[0], pad[0]],
    [pad[1], pad[1]],
  ]);
  const parts = offsets(kernel, dilation).map(([y, z]) => {
    const end = [1, channels, y + (h! - 1) * stride[0] + 1, z + (w! - 1) * stride[1] + 1];
    return tf.reshape(tf.stridedSlice(image, [0, 0, y, z], end, [1, 1, ...stride]), [channels, 1, h! * w!]);
  });
  return tf.reshape(tf.concat(parts, 1), [channels * parts.length, h! * w!]);
}

/** The adjoint of `unfold` at stride 1. */
function fold(
  tf: Tf,
  columns: Tensor,
  { pad, dilation }: ConvAttrs,
  kernel: Pair,
  image: Shape,
  [, , h, w]: Shape,
): Tensor {
  const [, channels, height, width] = image as Shape4;
  const places = offsets(kernel, dilation);
  const whole = [height + 2 * pad[0], width + 2 * pad[1]] as const;
  const parts = tf.split(tf.reshape(columns, [channels, places.length, h!, w!]), places.length, 1).map((part, i) => {
    const [y, z] = nth(places, i);
    const rest = [whole[0] - y - h!, whole[1] - z - w!] as const;
    return tf.pad(tf.reshape(part, [1, channels, h!, w!]), [
      [0, 0],
      [0, 0],
      [y, rest[0]],
      [z, rest[1]],
    ]);
  });
  return tf.slice(total(tf, parts), [0, 0, pad[0], pad[1]], [1, channels, height, width]);
}

function offsets([kh, kw]: Pair, dilation: Pair): (readonly [number, number])[] {
  return Array.from({ length: kh * kw }, (_, i) => [Math.floor(i / kw) * dilation[0], (i % kw) * dilation[1]] as const);
}

const flat = (tf: Tf, x: Tensor) => tf.reshape(x, [x.shape[0], -1]) as tfjs.Tensor2D;
const rows = (tf: Tf, y: Tensor) => tf.reshape(y, [y.shape[1]!, -1]) as tfjs.Tensor2D;

/** The three products of a filter-heavy convolution; undefined for another node. */
function filterHeavy(tf: Tf, node: Node): ((inputs: readonly Tensor[]) => Tensor[]) | undefined {
  const out = node.outputs[0].shape;
  if (node.op !== 'conv2d' && node.op !== 'convFilterGrad' && node.op !== 'convInputGrad') return undefined;
  const [first, second] = [node.inputs[0].shape, node.inputs[1].shape];
  if (node.op === 'conv2d' && isFilterHeavy(first, second, out, node.attrs)) {
    const [, , ...kernel] = nchw(second);
    return kernelOf(node, ([x, w]) => [
      tf.reshape(tf.matMul(flat(tf, w), unfold(tf, x, node.attrs, kernel, out)), [...out]),
    ]);
  }
  if (node.op === 'convFilterGrad' && isFilterHeavy(first, out, second, node.attrs)) {
    const columns = (x: Tensor) => unfold(tf, x, node.attrs, node.attrs.kernel, second);
    return kernelOf(node, ([x, dy]) => [tf.reshape(tf.matMul(rows(tf, dy), columns(x), false, true), [...out])]);
  }
  const strideless = node.op === 'convInputGrad' && node.attrs.stride.every(s => s === 1);
  if (strideless && isFilterHeavy(out, second, first, node.attrs)) {
    const [, , ...kernel] = nchw(second);
    return kernelOf(node, ([dy, w]) => [
      fold(tf, tf.matMul(flat(tf, w), rows(tf, dy), true), node.attrs, kernel, out, first),
    ]);
  }
  return undefined;
}

function oneHot(tf: Tf, { attrs: { axis, depth }, inputs }: NodeOf<'oneHot'>, x: Tensor): Tensor {
  const places = [depth, ...inputs[0].shape.slice(axis).map(() => 1)];
  return asFloat(tf, tf.equal(tf.expandDims(x, axis), tf.reshape(tf.range(0, depth), places)));
}

function matMul(tf: Tf, { attrs }: NodeOf<'matMul'>, [a, b]: InputsOf<'matMul', Tensor>): Tensor {
  return tf.matMul(a, b, attrs.transposeA, attrs.transposeB);
}

/**
 * The node in tfjs operations; undefined where tfjs has no (right) kernel for it and the host serves.
 *
 * @param native whether the kernels are TensorFlow's own, which has more of them
 */
export function tfjsKernel(tf: Tf, node: Node, native: boolean): ((inputs: readonly Tensor[]) => Tensor[]) | undefined {
  const own = native && (filterHeavy(tf, node) ?? poolingKernel(tf, node) ?? gatherKernel(tf, node));
  if (own) return own;
  if (node.op in elementwise) {
    const run = elementwise[node.op as ElementwiseOp];
    const parameter = parameterOf(node);
    return ([x, y, z]) => [run(tf, x!, y!, z!, parameter)];
  }
  switch (node.op) {
    case 'fused':
      return inputs => fused(tf, node.attrs, inputs);
    case 'reduceSum':
      return kernelOf(node, ([x]) => [tf.sum(x, [...node.attrs.axes], node.attrs.keepDims)]);
    case 'reduceMax':
      return kernelOf(node, ([x]) => [tf.max(x, [...node.attrs.axes], node.attrs.keepDims)]);
    case 'argMax':
      return kernelOf(node, ([x]) => [tf.cast(tf.argMax(x, node.attrs.axis), 'float32')]);
    case 'oneHot':
      return native ? kernelOf(node, ([x]) => [oneHot(tf, node, x)]) : undefined;
    case 'transpose':
      return kernelOf(node, ([x]) => [tf.transpose(x, [...node.attrs.perm])]);
    case 'broadcast':
      return kernelOf(node, ([x]) => [tf.broadcastTo(x, [...node.attrs.shape])]);
    case 'concat':
      return inputs => [tf.concat([...inputs], node.attrs.axis)];
    case 'slice':
      return kernelOf(node, ([x]) => [tf.slice(x, [...node.attrs.begin], [...node.attrs.size])]);
    case 'pad': {
      const { before, after, value } = node.attrs;
      return kernelOf(node, ([x]) => [
        tf.pad(
          x,
          before.map((n, i) => [n, nth(after, i)]),
          value,
        ),
      ]);
    }
    case 'matMul':
      return kernelOf(node, inputs => [matMul(tf, node, inputs)]);
    case 'conv2d':
      // TensorFlow's CPU kernel takes stride or dilation, not both.
      if (node.attrs.dilation.some(d => d > 1) && node.attrs.stride.some(s => s > 1)) return undefined;
      return kernelOf(node, inputs => [conv2d(tf, node, inputs)]);
    case 'convFilterGrad':
      return native && node.attrs.dilation.every(d => d === 1)
        ? kernelOf(node, inputs => [convFilterGrad(tf, node, inputs)])
        : undefined;
    case 'convInputGrad':
      return node.attrs.dilation.some(d => d > 1) || !(native || coversInput(node))
        ? undefined
        : kernelOf(node, inputs => [convInputGrad(tf, node, inputs)]);
    default:
      return undefined;
  }
}

/** Whether the strided windows end exactly at the padded input's end: what a transposed convolution can express. */
function coversInput({ attrs, inputs }: NodeOf<'convInputGrad'>): boolean {
  const [dy, w] = inputs;
  return [0, 1].every(
    i =>
      (dim(dy.shape, i + 2) - 1) * nth(attrs.stride, i) + dim(w.shape, i + 2) ===
      nth(attrs.inputSize, i) + 2 * nth(attrs.pad, i),
  );
}

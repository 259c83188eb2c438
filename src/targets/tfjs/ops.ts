/** The IR in TensorFlow.js operations, for backends whose own kernels are the fast ones (TensorFlow, cpu as reference). */

import type * as tfjs from '@tensorflow/tfjs-core';
import { parameterOf } from '../../ir/passes/fuse.js';
import type { ElementwiseOp, FusedAttrs, Node, NodeOf } from '../../ir/types.js';

type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;
type Elementwise = (tf: Tf, x: Tensor, y: Tensor, z: Tensor, parameter: number) => Tensor;

const asFloat = (tf: Tf, mask: Tensor) => tf.cast(mask, 'float32');

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
    const [x, y, z] = args.map(a => values[a]!);
    values.push(op === 'constant' ? tf.scalar(parameter) : elementwise[op](tf, x!, y!, z!, parameter));
  }
  return results.map(r => values[r]!);
}

type Shape4 = [number, number, number, number];

const toNHWC = (tf: Tf, x: Tensor) => tf.transpose(x, [0, 2, 3, 1]) as tfjs.Tensor4D;
const toNCHW = (tf: Tf, x: Tensor) => tf.transpose(x, [0, 3, 1, 2]);

/** A convolution as tf.conv2d: padded by hand, group by group. */
function conv2d(tf: Tf, { attrs }: NodeOf<'conv2d'>, [x, w]: readonly Tensor[]): Tensor {
  const { stride, pad, dilation, groups } = attrs;
  const image = tf.pad(toNHWC(tf, x!), [
    [0, 0],
    [pad[0], pad[0]],
    [pad[1], pad[1]],
    [0, 0],
  ]);
  const filter = tf.transpose(w!, [2, 3, 1, 0]);
  const images = tf.split(image, groups, 3) as tfjs.Tensor4D[];
  const filters = tf.split(filter, groups, 3) as tfjs.Tensor4D[];
  const outputs = images.map((part, i) => tf.conv2d(part, filters[i]!, [...stride], 'valid', 'NHWC', [...dilation]));
  return toNCHW(tf, tf.concat(outputs, 3));
}

/** The adjoint of a convolution, by tfjs's transposed one (which knows no dilation), cropped by the padding. */
function convInputGrad(tf: Tf, node: NodeOf<'convInputGrad'>, [dy, w]: readonly Tensor[]): Tensor {
  const { stride, pad, groups, inputSize } = node.attrs;
  const gradients = tf.split(toNHWC(tf, dy!), groups, 3) as tfjs.Tensor4D[];
  const filters = tf.split(tf.transpose(w!, [2, 3, 1, 0]), groups, 3) as tfjs.Tensor4D[];
  const channels = w!.shape[1]!;
  const padded = [0, 1].map(i => inputSize[i]! + 2 * pad[i]!);
  const shape: Shape4 = [dy!.shape[0]!, padded[0]!, padded[1]!, channels];
  const parts = gradients.map((g, i) => tf.conv2dTranspose(g, filters[i]!, shape, [...stride], 'valid'));
  const whole = tf.concat(parts, 3);
  return toNCHW(tf, tf.slice(whole, [0, pad[0], pad[1], 0], [-1, inputSize[0], inputSize[1], -1]));
}

function matMul(tf: Tf, { attrs }: NodeOf<'matMul'>, [a, b]: readonly Tensor[]): Tensor {
  return tf.matMul(a!, b!, attrs.transposeA, attrs.transposeB);
}

/** The node in tfjs operations; undefined where tfjs has no (right) kernel for it and the host serves. */
export function tfjsKernel(tf: Tf, node: Node): ((inputs: readonly Tensor[]) => Tensor[]) | undefined {
  if (node.op in elementwise) {
    const run = elementwise[node.op as ElementwiseOp];
    const parameter = parameterOf(node);
    return ([x, y, z]) => [run(tf, x!, y!, z!, parameter)];
  }
  switch (node.op) {
    case 'fused':
      return inputs => fused(tf, node.attrs, inputs);
    case 'reduceSum':
      return ([x]) => [tf.sum(x!, [...node.attrs.axes], node.attrs.keepDims)];
    case 'reduceMax':
      return ([x]) => [tf.max(x!, [...node.attrs.axes], node.attrs.keepDims)];
    case 'argMax':
      return ([x]) => [tf.cast(tf.argMax(x!, node.attrs.axis), 'float32')];
    case 'transpose':
      return ([x]) => [tf.transpose(x!, [...node.attrs.perm])];
    case 'broadcast':
      return ([x]) => [tf.broadcastTo(x!, [...node.attrs.shape])];
    case 'concat':
      return inputs => [tf.concat([...inputs], node.attrs.axis)];
    case 'slice':
      return ([x]) => [tf.slice(x!, [...node.attrs.begin], [...node.attrs.size])];
    case 'pad': {
      const { before, after, value } = node.attrs;
      return ([x]) => [
        tf.pad(
          x!,
          before.map((n, i) => [n, after[i]!]),
          value,
        ),
      ];
    }
    case 'matMul':
      return inputs => [matMul(tf, node, inputs)];
    case 'conv2d':
      // TensorFlow's CPU kernel takes stride or dilation, not both.
      if (node.attrs.dilation.some(d => d > 1) && node.attrs.stride.some(s => s > 1)) return undefined;
      return inputs => [conv2d(tf, node, inputs)];
    case 'convInputGrad':
      return node.attrs.dilation.some(d => d > 1) || !coversInput(node)
        ? undefined
        : inputs => [convInputGrad(tf, node, inputs)];
    default:
      return undefined;
  }
}

/** Whether the strided windows end exactly at the padded input's end: what a transposed convolution can express. */
function coversInput({ attrs, inputs }: NodeOf<'convInputGrad'>): boolean {
  const [dy, w] = inputs;
  return [0, 1].every(
    i => (dy!.shape[i + 2]! - 1) * attrs.stride[i]! + w!.shape[i + 2]! === attrs.inputSize[i]! + 2 * attrs.pad[i]!,
  );
}

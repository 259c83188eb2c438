/** Reading and adding up by index in TensorFlow.js operations, for backends whose arrays should stay where they are. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { dim, isSharedIndex, sizeOf } from '../../ir/shape.js';
import type { Node, NodeOf, Shape } from '../../ir/types.js';
import { type Kernel, type KernelOf, kernelOf } from './kernel.js';

type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;

/** The node's kernel; undefined for one of another family. */
export function gatherKernel(tf: Tf, node: Node): Kernel | undefined {
  switch (node.op) {
    case 'gather':
      return kernelOf(node, gather(tf, node));
    case 'scatterAdd':
      return kernelOf(node, scatterAdd(tf, node));
    default:
      return undefined;
  }
}

/** The indices as whole numbers of 0 … size − 1, and which of them were so. */
function inRange(tf: Tf, index: Tensor, size: number) {
  const clipped = tf.clipByValue(index, 0, size - 1);
  const isMeant = tf.logicalAnd(tf.equal(clipped, index), tf.equal(tf.floor(index), index));
  return { at: tf.cast(clipped, 'int32'), isMeant };
}

/** x where the mask, which may have axes of 1, holds; else 0. */
function where(tf: Tf, mask: Tensor, x: Tensor): Tensor {
  return tf.where(tf.broadcastTo(mask, x.shape), x, tf.zerosLike(x));
}

/** For each element of an array of `shape`, where in the whole of one with `size` along the axis its row begins. */
function rowStarts(shape: Shape, axis: number, size: number): Int32Array {
  const [count, run] = [dim(shape, axis), sizeOf(shape.slice(axis + 1))];
  return Int32Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(i / (count * run)) * size * run + (i % run));
}

/** Where in the whole of it each index of an element points. */
function flatPlaces(tf: Tf, at: Tensor, shape: Shape, axis: number, starts: Int32Array): Tensor {
  const run = tf.scalar(sizeOf(shape.slice(axis + 1)), 'int32');
  const along = tf.mul(tf.broadcastTo(at, [...shape]), run);
  return tf.reshape(tf.add(along, tf.tensor(starts, [...shape], 'int32')), [-1]);
}

function gather(tf: Tf, node: NodeOf<'gather'>): KernelOf<'gather'> {
  const { axis } = node.attrs;
  const size = dim(node.inputs[0].shape, axis);
  const out = node.outputs[0].shape;
  if (isSharedIndex(node.inputs[1].shape, axis))
    return ([x, index]) => {
      const { at, isMeant } = inRange(tf, index, size);
      return [where(tf, isMeant, tf.gather(x, tf.reshape(at, [-1]) as tfjs.Tensor1D, axis))];
    };
  const starts = rowStarts(out, axis, size);
  return ([x, index]) => {
    const { at, isMeant } = inRange(tf, index, size);
    const places = flatPlaces(tf, at, out, axis, starts) as tfjs.Tensor1D;
    return [where(tf, isMeant, tf.reshape(tf.gather(tf.reshape(x, [-1]), places), [...out]))];
  };
}

function scatterAdd(tf: Tf, node: NodeOf<'scatterAdd'>): KernelOf<'scatterAdd'> {
  const { axis, size } = node.attrs;
  const { shape } = node.inputs[0];
  const out = node.outputs[0].shape;
  if (axis === 0 && isSharedIndex(node.inputs[1].shape, axis))
    return ([x, index]) => {
      const { at, isMeant } = inRange(tf, index, size);
      const rows = tf.reshape(where(tf, isMeant, x), [dim(shape, 0), sizeOf(shape.slice(1))]);
      return [tf.reshape(tf.scatterND(tf.reshape(at, [-1, 1]), rows, [size, rows.shape[1]!]), [...out])];
    };
  const starts = rowStarts(shape, axis, size);
  return ([x, index]) => {
    const { at, isMeant } = inRange(tf, index, size);
    const places = tf.reshape(flatPlaces(tf, at, shape, axis, starts), [-1, 1]);
    const updates = tf.reshape(where(tf, isMeant, x), [-1]);
    return [tf.reshape(tf.scatterND(places, updates, [sizeOf(out)]), [...out])];
  };
}

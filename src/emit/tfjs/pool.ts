/** Poolings with Caffe's windows, made of TensorFlow's, which know only whole ones: the image is padded so that the last is whole. */

import type { Node, NodeOf, PoolAttrs, Value } from '../../ir/types.js';
import { padAfter, wholePlane } from '../windows.js';
import { cannotExport, type Emit, type Emitter, noFormula } from './emitter.js';
import { attr } from './graph_def.js';

/** What Caffe's MAX pooling starts from: −FLT_MAX. */
const LOWEST = -3.4028234663852886e38;

type PoolNode = NodeOf<'maxPool'> | NodeOf<'avePool'>;

interface Ends {
  readonly kernel: readonly [number, number];
  readonly before: readonly [number, number];
  readonly after: readonly [number, number];
}

function ends(e: Emitter, node: PoolNode): Ends {
  const kernels = e.general.at<Node, string>(node, n => (n.attrs as PoolAttrs).kernel.join());
  if (new Set(kernels).size > 1) throw noFormula(node);
  const { kernel, stride, pad } = node.attrs;
  const after = ([0, 1] as const).map(i => {
    const [inputs, outputs] = [e.general.axis(node.inputs[0]!, i + 2), e.general.axis(node.outputs[0]!, i + 2)];
    const found = padAfter(inputs, outputs, { kernel: kernel[i], stride: stride[i], pad: pad[i] });
    if (found === undefined) throw noFormula(node);
    return found;
  });
  return { kernel, before: pad, after: [after[0]!, after[1]!] };
}

function padded(e: Emitter, image: string, { before, after }: Omit<Ends, 'kernel'>, value: number): string {
  if ([...before, ...after].every(n => n === 0)) return image;
  const table = Int32Array.of(0, 0, before[0], after[0], before[1], after[1], 0, 0);
  return e.def.add('PadV2', [image, e.def.constant(table, [4, 2]), e.def.scalar(value)]);
}

function windowAttrs({ kernel, stride }: PoolAttrs) {
  return {
    ksize: attr.ints([1, ...kernel, 1]),
    strides: attr.ints([1, ...stride, 1]),
    padding: attr.text('VALID'),
    data_format: attr.text('NHWC'),
  };
}

function overPlane(e: Emitter, op: 'Max' | 'Mean', x: Value): string {
  return e.def.add(op, [e.operand(x, 'image'), e.def.ints([1, 2])], { keep_dims: attr.flag(true) });
}

export const maxPool: Emit<'maxPool'> = (e, node) => {
  const [x] = node.inputs as readonly [Value];
  if (e.isRead(node.outputs[1]!))
    throw cannotExport(node.label, 'the mask of a MAX pooling has no op in TensorFlow.js');
  const made = wholePlane(e.general, node)
    ? overPlane(e, 'Max', x)
    : e.def.add('MaxPool', [padded(e, e.operand(x, 'image'), ends(e, node), LOWEST)], windowAttrs(node.attrs));
  e.hold(node.outputs[0]!, made, 'image');
};

/**
 * Caffe divides by how much of the window lies in the padded image, TensorFlow by the whole window: where a window
 * stands out of the padded image, the mean is divided by the share that lies inside.
 */
export const avePool: Emit<'avePool'> = (e, node) => {
  const [x] = node.inputs as readonly [Value];
  if (wholePlane(e.general, node)) {
    e.hold(node.outputs[0]!, overPlane(e, 'Mean', x), 'image');
    return;
  }
  const { before, after } = ends(e, node);
  const mean = (image: string) => e.def.add('AvgPool', [image], windowAttrs(node.attrs));
  const y = mean(padded(e, e.operand(x, 'image'), { before, after }, 0));
  const beyond = after.map((n, i) => n - before[i]!) as [number, number];
  if (beyond.every(n => n === 0)) {
    e.hold(node.outputs[0]!, y, 'image');
    return;
  }
  const inside = [2, 3].map(axis => e.general.axis(x, axis).map(n => n + 2 * before[axis - 2]!));
  const ones = e.def.add('Fill', [e.sizes([[1], ...inside, [1]], node), e.def.scalar(1)]);
  const share = mean(padded(e, ones, { before: [0, 0], after: beyond }, 0));
  e.hold(node.outputs[0]!, e.def.add('RealDiv', [y, share]), 'image');
};

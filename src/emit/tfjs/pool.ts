/** Poolings with Caffe's windows, made of TensorFlow's, which know only whole ones: the image is padded so that the last is whole. */

import { nth } from '../../diagnostics/index.js';
import { nchw, windowPlaces } from '../../ir/shape.js';
import type { Node, NodeOf, PoolAttrs, Value } from '../../ir/types.js';
import { padAfter, wholePlane } from '../windows.js';
import { type Emit, type Emitter, noFormula } from './emitter.js';
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
    const [inputs, outputs] = [e.general.axis(node.inputs[0], i + 2), e.general.axis(node.outputs[0], i + 2)];
    const found = padAfter(inputs, outputs, { kernel: kernel[i], stride: stride[i], pad: pad[i] });
    if (found === undefined) throw noFormula(node);
    return found;
  });
  return { kernel, before: pad, after: [nth(after, 0), nth(after, 1)] };
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
  const [x] = node.inputs;
  if (e.isRead(node.outputs[1])) {
    maxPoolWithIndex(e, node);
    return;
  }
  const made = wholePlane(e.general, node)
    ? overPlane(e, 'Max', x)
    : e.def.add('MaxPool', [padded(e, e.operand(x, 'image'), ends(e, node), LOWEST)], windowAttrs(node.attrs));
  e.hold(node.outputs[0], made, 'image');
};

/**
 * With where in its plane each maximum lies, which TensorFlow.js has no op for: of each place in a window, from the last to
 * the first, whether it is as great as the maximum. For one size, as the places are constants.
 */
function maxPoolWithIndex(e: Emitter, node: NodeOf<'maxPool'>): void {
  const [x] = node.inputs;
  const [y, index] = node.outputs as readonly [Value, Value];
  if (!e.general.isFixed(x)) throw noFormula(node);
  const [n, c, height, width] = nchw(x.shape);
  const { kernel, stride, pad, outSize } = node.attrs;
  const after = ([0, 1] as const).map(i =>
    Math.max(0, (outSize[i] - 1) * stride[i] + kernel[i] - pad[i] - nth([height, width], i)),
  ) as [number, number];
  const image = padded(e, e.operand(x, 'image'), { before: pad, after }, LOWEST);
  const greatest = e.def.add('MaxPool', [cut(e, image, [0, 0], node)], windowAttrs(node.attrs));
  let places = e.def.add('Fill', [e.def.ints([n, ...outSize, c]), e.def.scalar(-1)]);
  for (const { at, indices } of [...windowPlaces(node.attrs, height, width)].reverse()) {
    const isGreatest = e.def.add('Equal', [cut(e, image, at, node, true), greatest]);
    places = e.def.add('SelectV2', [isGreatest, e.def.constant(indices, [1, ...outSize, 1]), places]);
  }
  e.hold(y, greatest, 'image');
  e.hold(index, places, 'image');
}

/** The image from `at` on, as far as the windows reach; with `sparse` what each window has at that place. */
function cut(
  e: Emitter,
  image: string,
  at: readonly [number, number],
  node: NodeOf<'maxPool'>,
  sparse = false,
): string {
  const [n, c] = node.inputs[0].shape as readonly [number, number];
  const { kernel, stride, outSize } = node.attrs;
  const end = ([0, 1] as const).map(i => at[i] + (outSize[i] - 1) * stride[i] + (sparse ? 1 : kernel[i]));
  const masks = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'];
  return e.def.add(
    'StridedSlice',
    [
      image,
      e.def.ints([0, ...at, 0]),
      e.def.ints([n, ...end, c] as number[]),
      e.def.ints([1, ...(sparse ? stride : [1, 1]), 1]),
    ],
    Object.fromEntries(masks.map(mask => [mask, attr.int(0)])),
  );
}

/**
 * Caffe divides by how much of the window lies in the padded image, TensorFlow by the whole window: where a window
 * stands out of the padded image, the mean is divided by the share that lies inside.
 */
export const avePool: Emit<'avePool'> = (e, node) => {
  const [x] = node.inputs;
  if (wholePlane(e.general, node)) {
    e.hold(node.outputs[0], overPlane(e, 'Mean', x), 'image');
    return;
  }
  const { before, after } = ends(e, node);
  const mean = (image: string) => e.def.add('AvgPool', [image], windowAttrs(node.attrs));
  const y = mean(padded(e, e.operand(x, 'image'), { before, after }, 0));
  const beyond = after.map((n, i) => n - nth(before, i)) as [number, number];
  if (beyond.every(n => n === 0)) {
    e.hold(node.outputs[0], y, 'image');
    return;
  }
  const inside = [2, 3].map(axis => e.general.axis(x, axis).map(n => n + 2 * nth(before, axis - 2)));
  const ones = e.def.add('Fill', [e.sizes([[1], ...inside, [1]], node), e.def.scalar(1)]);
  const share = mean(padded(e, ones, { before: [0, 0], after: beyond }, 0));
  e.hold(node.outputs[0], e.def.add('RealDiv', [y, share]), 'image');
};

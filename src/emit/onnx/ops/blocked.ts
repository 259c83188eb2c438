/**
 * Convolutions in the layout of onnxruntime's own kernels: channels in blocks as wide as the processor's registers
 * (N×C/b×H×W×b; b is 16 with AVX-512, 8 with AVX2). onnxruntime takes that layout by itself where the filter is a constant.
 * In training it is not, and the convolution unfolds the picture instead, which for few channels on large planes moves much
 * and computes little. Here the ops of its domain are written as such, and the filter is laid out at each run.
 */

import { dim, nchw } from '../../../ir/shape.js';
import type { ConvAttrs, Shape } from '../../../ir/types.js';
import type { GraphWriter } from '../writer.js';

/** Widths that a block may have, by processor. */
export const BLOCKS = [16, 8, 4] as const;

/** The domain of onnxruntime's ops in that layout. */
export const BLOCKED = 'com.microsoft.nchwc';

/**
 * Places of the result beyond which laying the filter out pays, and channels up to which the convolution is faster than a
 * product of matrices, on large planes and on small ones, where the products are thin. Measured on two cores with AVX-512, 3×3
 * (ms, product and blocked): 16 of 32 channels on 8×144² 7.1 and 5.2, 32 of 32 on 8×72² 2.6 and 1.7, 128 of 128 on 8×9² 0.80 and
 * 0.60, on 112² 8.7 and 7.8, 256 of 256 on 8×14² 5.2 and 4.4, on 64² 11.2 and 10.8, 512 of 512 on 8×7² 5.6 and 7.4. With one tap
 * the product is as fast: 256 of 1024 on 8×14² 1.9 and 2.1.
 */
const PLACES = 512;
const CHANNELS = 128;
const SMALL_PLANE = 28 ** 2;
const CHANNELS_ON_SMALL = 256;

/** The same where each channel has a filter of its own: 144 channels of 8×56² 3.1 ms and 1.9, 960 of 8×7² 0.86 and 0.14. */
const DEPTHWISE_PLACES = 256;

/** A convolution's filter, [O, C/groups, kh, kw] of O outputs. */
interface Filter {
  readonly name: string;
  readonly shape: Shape;
}

/** Whether a convolution of a picture with a filter of that shape is faster in blocks. @param out the result's shape */
export function paysInBlocks(block: number | undefined, x: Shape, w: Shape, out: Shape, groups: number): boolean {
  if (block === undefined || x.length !== 4) return false;
  const [outputs, channels] = [dim(w, 0), dim(w, 1)];
  const [n, , height, width] = nchw(out);
  const places = n * height * width;
  if (isDepthwise(w, groups)) return outputs % block === 0 && places >= DEPTHWISE_PLACES;
  const fits = outputs % (block * groups) === 0 && (channels % block === 0 || isFlat(block, channels, groups));
  const most = height * width <= SMALL_PLANE ? CHANNELS_ON_SMALL : CHANNELS;
  return fits && places >= PLACES && Math.min(outputs / groups, channels) <= most && dim(w, 2) * dim(w, 3) > 1;
}

/** Whether each channel has a filter of its own that makes one channel. */
export function isDepthwise(w: Shape, groups: number): boolean {
  return groups > 1 && dim(w, 0) === groups && dim(w, 1) === 1;
}

/** Whether the picture has so few channels that the kernel reads it as it is. */
function isFlat(block: number, channels: number, groups: number): boolean {
  return groups === 1 && channels < block;
}

/**
 * A filter [O, I, kh, kw] laid out as [O/b, I/b, kh, kw, b of I, b of O], or [O/b, I, kh, kw, b of O] where it reads a picture
 * as it is. In steps of which each moves long rows or is a plain transposition of matrices: one Transpose of all axes takes 1.4 ms
 * for 256 of 256 channels, 3×3, the three 0.4.
 */
export function blockedFilter(w: GraphWriter, block: number, { name, shape }: Filter): string {
  const [o, i, kh, kw] = nchw(shape);
  const [blocks, taps] = [o / block, kh * kw];
  const laid =
    i < block
      ? transposed(w, name, [blocks, block, i * taps], [0, 2, 1])
      : withBlocksFirst(w, transposed(w, name, [o * i, taps], [1, 0]), [taps, blocks, i / block], block);
  return w.op('Reshape', [laid, w.ints([o, i, kh, kw])]);
}

/** [taps, O, I], of so many blocks of O and I, to [O/b, I/b, taps, b of I, b of O]. */
function withBlocksFirst(w: GraphWriter, name: string, [taps, o, i]: readonly number[], block: number): string {
  const inner = transposed(w, name, [taps! * o!, block, i! * block], [0, 2, 1]);
  return transposed(w, inner, [taps!, o! * i!, block * block], [1, 0, 2]);
}

/** As `blockedFilter`, of the filter [O, I, kh, kw] rotated by 180° with inputs and outputs swapped: [I/b, O/b, kh, kw, b of O, b of I]. */
export function turnedBlockedFilter(w: GraphWriter, block: number, filter: Filter): string {
  const [o, i, kh, kw] = nchw(filter.shape);
  const taps = kh * kw;
  const rows = turnedRows(w, filter);
  const inner = transposed(w, rows, [i / block, block, taps * o], [0, 2, 1]);
  if (o < block)
    return w.op('Reshape', [transposed(w, inner, [i / block, taps, o, block], [0, 2, 1, 3]), w.ints([i, o, kh, kw])]);
  const laid = transposed(w, inner, [i / block, taps, o / block, block * block], [0, 2, 1, 3]);
  return w.op('Reshape', [laid, w.ints([i, o, kh, kw])]);
}

/** A filter [O, I, kh, kw] as [I, kh·kw, O], its taps in the opposite order. */
export function turnedRows(w: GraphWriter, { name, shape }: Filter): string {
  const [o, i, kh, kw] = nchw(shape);
  const taps = kh * kw;
  const rows = w.op('Reshape', [transposed(w, name, [o, i * taps], [1, 0]), w.ints([i, taps, o])]);
  const backwards = w.ints(Array.from({ length: taps }, (_, t) => taps - 1 - t));
  return taps === 1 ? rows : w.op('Gather', [rows, backwards], { attrs: { axis: 1 } });
}

function transposed(w: GraphWriter, name: string, shape: Shape, perm: readonly number[]): string {
  return w.op('Transpose', [w.op('Reshape', [name, w.ints(shape)])], { attrs: { perm } });
}

interface BlockedConv {
  readonly x: string;
  readonly channels: number;
  /** As `blockedFilter` lays it. */
  readonly filter: string;
  readonly kernel: readonly number[];
  readonly outputs: number;
  readonly bias?: string | undefined;
  readonly pads: readonly [number, number];
  readonly geometry: Pick<ConvAttrs, 'stride' | 'dilation' | 'groups'>;
}

export function blockedConv(w: GraphWriter, block: number, conv: BlockedConv): string {
  const { x, channels, filter, kernel, outputs, bias, pads, geometry } = conv;
  const { stride, dilation, groups } = geometry;
  const picture = isFlat(block, channels / groups, groups) ? x : w.op('ReorderInput', [x], { domain: BLOCKED });
  const y = w.op('Conv', [picture, filter, ...(bias === undefined ? [] : [bias])], {
    domain: BLOCKED,
    attrs: { kernel_shape: kernel, pads: [...pads, ...pads], strides: stride, dilations: dilation, group: groups },
  });
  return w.op('ReorderOutput', [y], { domain: BLOCKED, attrs: { channels: outputs } });
}

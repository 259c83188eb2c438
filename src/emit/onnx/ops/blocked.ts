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
 * product of matrices. Measured on two cores with AVX-512, 3×3 (ms, product and blocked): 16 of 32 channels on 8×144² 7.1 and
 * 5.2, 32 of 32 on 8×72² 2.6 and 1.7, 128 of 128 on 8×36² 7.1 and 6.5, on 112² 8.7 and 7.8, 256 of 256 on 56² 7.8 and 8.4.
 */
const PLACES = 4096;
const CHANNELS = 128;

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
  return fits && places >= PLACES && Math.min(outputs / groups, channels) <= CHANNELS;
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
 * as it is. `swapped`: the filter given has inputs and outputs the other way round.
 */
export function blockedFilter(w: GraphWriter, block: number, { name, shape }: Filter, swapped = false): string {
  const [first, second, kh, kw] = nchw(shape);
  const [o, i] = swapped ? [second, first] : [first, second];
  const isPlain = i < block;
  const outputs = [o / block, block];
  const inputs = isPlain ? [i] : [i / block, block];
  const parts = swapped ? [...inputs, ...outputs] : [...outputs, ...inputs];
  const [atO, atI] = swapped ? [inputs.length, 0] : [0, outputs.length];
  const kernel = [parts.length, parts.length + 1];
  const perm = [atO, atI, ...kernel, ...(isPlain ? [] : [atI + 1]), atO + 1];
  const split = w.op('Reshape', [name, w.ints([...parts, kh, kw])]);
  return w.op('Reshape', [w.op('Transpose', [split], { attrs: { perm } }), w.ints([o, i, kh, kw])]);
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

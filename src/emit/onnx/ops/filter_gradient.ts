/**
 * The gradient to a convolution's filter: one product, dw = dy · colsᵀ, where `cols` holds what each tap of the filter
 * meets at each place. (As a convolution with swapped axes onnxruntime runs it at 35 GFLOP/s, so at 170 and more.)
 *
 * `cols` is put together of slices of the padded picture. Where the filter moves in strides, slices with steps are slow
 * (121 of them for AlexNet's conv1: 10 ms): the picture is rearranged first (space to depth), each of the stride's phases a channel
 * of its own, and a few slices without steps do. Where `cols` is large, it is made band by band.
 */

import { nth } from '../../../diagnostics/index.js';
import { dim, nchw } from '../../../ir/shape.js';
import type { NodeOf, Shape, Value } from '../../../ir/types.js';
import type { GraphWriter } from '../writer.js';
import type { Scope } from './emitter.js';

/** Numbers that `cols` may have, 64 MB. With smaller bands FCN-8s has twice the nodes, and takes longer to be made ready. */
export const BAND = 2 ** 24;

type Pair = readonly [number, number];

/** A padded picture [C, N, H, W] and the filter that moves over it. */
interface Picture {
  readonly name: string;
  readonly channels: number;
  readonly size: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
}

export function filterGradient(s: Scope, node: NodeOf<'convFilterGrad'>): string {
  const { w } = s;
  const dy = node.inputs[1];
  const { groups } = node.attrs;
  const [n, outputs, height, width] = nchw(dy.shape);
  if (isPlain(node)) return plainProduct(s, node);
  if (s.onCpu && isPatchwise(node)) return patchProduct(s, node);
  const isDealt = moves(node);
  const byDepth = isDealt && s.onCpu && groups === 1 && node.attrs.stride[0] === node.attrs.stride[1];
  const whole = isDealt ? dealt(w, padded(s, node, true, byDepth), n, byDepth) : padded(s, node, false);
  const shape = [whole.channels, 1, n, ...whole.size];
  const picture = { ...whole, name: w.op('Reshape', [whole.name, w.ints(shape)]) };
  const taps = picture.channels * picture.kernel[0] * picture.kernel[1];
  const rows = Math.max(1, Math.min(height, Math.floor(BAND / (taps * n * width))));
  const gradient = n === 1 ? s.float(dy) : w.op('Transpose', [s.float(dy)], { attrs: { perm: [1, 0, 2, 3] } });
  let sum: string | undefined;
  for (let first = 0; first < height; first += rows) {
    const count = Math.min(rows, height - first);
    const places = n * count * width;
    const band =
      count === height ? gradient : w.op('Slice', [gradient, w.ints([first]), w.ints([first + count]), w.ints([2])]);
    const left = w.op('Reshape', [band, w.ints(split(groups, outputs, places))]);
    const right = w.op('Reshape', [unfold(w, picture, [first, count], width), w.ints(split(groups, taps, places))]);
    sum = product(w, left, right, groups, sum);
  }
  const from = split(groups, outputs, taps / groups);
  return isDealt ? collected(w, sum!, node, picture, byDepth) : w.reshape(sum!, from, node.outputs[0].shape);
}

/**
 * Whether each place of the gradient meets just one of the picture, in several pictures whose layout may stay: a product for
 * each picture and their sum. Where there are fewer places than channels, those products are more numbers than the pictures
 * themselves, which are better laid side by side: 2048 of 512 channels on 8×7² 7.1 and 4.0 ms.
 */
function isPlain({ inputs: [x, dy], attrs: { stride, pad, groups, kernel } }: NodeOf<'convFilterGrad'>): boolean {
  const isPointwise = [...kernel, ...stride, groups].every(v => v === 1) && pad.every(p => p === 0);
  return isPointwise && dim(dy.shape, 0) > 1 && hasPlaces(dy, dim(x.shape, 1));
}

/** Whether a picture's product of dy and so many channels is no larger than the two together. */
function hasPlaces(dy: Value, channels: number): boolean {
  const [, outputs, height, width] = nchw(dy.shape);
  return outputs * channels <= (outputs + channels) * height * width;
}

/** The sum over pictures of dy · xᵀ. */
function plainProduct(s: Scope, node: NodeOf<'convFilterGrad'>): string {
  const [x] = node.inputs;
  return s.w.op('Reshape', [placewise(s, node, s.float(x), dim(x.shape, 1)), s.w.ints(node.outputs[0].shape)]);
}

/** The sum over pictures of dy · xᵀ, [O, channels], with `x` of as many places as dy. */
function placewise(s: Scope, { inputs: [, dy] }: NodeOf<'convFilterGrad'>, x: string, channels: number): string {
  const { w } = s;
  const [n, outputs, height, width] = nchw(dy.shape);
  const matrix = (name: string, rows: number) => w.op('Reshape', [name, w.ints([n, rows, height * width])]);
  // onnxruntime makes one op of these two.
  const transposed = w.op('Transpose', [matrix(x, channels)], { attrs: { perm: [0, 2, 1] } });
  const products = w.op('MatMul', [matrix(s.float(dy), outputs), transposed]);
  return w.op('ReduceSum', [products, w.ints([0])], { attrs: { keepdims: 0 } });
}

/** Whether the windows lie side by side and cover the picture, as those of a Deconvolution whose kernel is its stride. */
function isPatchwise({ inputs: [x, dy], attrs }: NodeOf<'convFilterGrad'>): boolean {
  const { stride, pad, dilation, groups, kernel } = attrs;
  const [size] = kernel;
  const covers = [2, 3].every(axis => dim(x.shape, axis) === size * dim(dy.shape, axis));
  const isPlainGrid = [...dilation, groups].every(v => v === 1) && pad.every(p => p === 0);
  const isGrid = size > 1 && [kernel[1], ...stride].every(v => v === size) && isPlainGrid && covers;
  // Where places are few: 512 of 512 channels on 8×4², 2×2, 1.2 ms unfolded and 17 so.
  return isGrid && hasPlaces(dy, dim(x.shape, 1) * size * size);
}

/** Each window's places become channels, and one product does. (32 of 16 channels on 8×144²: 11 ms by slices, so 2.) */
function patchProduct(s: Scope, node: NodeOf<'convFilterGrad'>): string {
  const { w } = s;
  const [x] = node.inputs;
  const [o, c, size] = nchw(node.outputs[0].shape);
  const deep = w.op('SpaceToDepth', [s.float(x)], { attrs: { blocksize: size } });
  const product = w.op('Reshape', [placewise(s, node, deep, c * size * size), w.ints([o, size, size, c])]);
  return w.op('Transpose', [product], { attrs: { perm: [0, 3, 1, 2] } });
}

/** [groups, rows of each, columns], or just a matrix where there is one group. */
function split(groups: number, rows: number, columns: number): readonly number[] {
  return groups === 1 ? [rows, columns] : [groups, rows / groups, columns];
}

/** sum + left · rightᵀ. */
function product(w: GraphWriter, left: string, right: string, groups: number, sum: string | undefined): string {
  if (groups === 1) return w.op('Gemm', [left, right, ...(sum ? [sum] : [])], { attrs: { transB: 1 } });
  // onnxruntime makes one op of these two.
  const transposed = w.op('Transpose', [right], { attrs: { perm: [0, 2, 1] } });
  const part = w.op('MatMul', [left, transposed]);
  return sum ? w.op('Add', [sum, part]) : part;
}

/** Whether the picture is rearranged by the phases of the stride. */
function moves({ attrs: { stride, dilation, kernel } }: NodeOf<'convFilterGrad'>): boolean {
  return stride.some(v => v > 1) && dilation.every(d => d === 1) && kernel[0] * kernel[1] > 4;
}

/**
 * x with its padding, channels first; with `whole` its sizes are multiples of the stride that hold every window, and with
 * `byPicture` pictures come first.
 */
function padded(s: Scope, { inputs, attrs }: NodeOf<'convFilterGrad'>, whole: boolean, byPicture = false): Picture {
  const { w } = s;
  const [x, dy] = inputs;
  const { stride, pad, dilation, kernel } = attrs;
  const size = [0, 1].map(i => {
    if (!whole) return dim(x.shape, i + 2) + 2 * nth(pad, i);
    return (dim(dy.shape, i + 2) + Math.ceil(nth(kernel, i) / nth(stride, i)) - 1) * nth(stride, i);
  }) as unknown as Pair;
  const after = [0, 1].map(i => size[i]! - dim(x.shape, i + 2) - nth(pad, i));
  const ordered = byPicture ? s.float(x) : channelsFirst(w, s.float(x), x.shape);
  const name = [...pad, ...after].every(p => p === 0)
    ? ordered
    : w.op('Pad', [ordered, w.ints([0, 0, ...pad, 0, 0, ...after]), w.scalar(0)]);
  return { name, channels: dim(x.shape, 1), size, kernel, stride, dilation };
}

function channelsFirst(w: GraphWriter, name: string, shape: Shape): string {
  const [n, c, height, width] = nchw(shape);
  if (n === 1) return w.reshape(name, shape, [c, 1, height, width]);
  return w.op('Transpose', [name], { attrs: { perm: [1, 0, 2, 3] } });
}

/**
 * [C, N, H, W] → [C·sh·sw, N, H/sh, W/sw]: a filter of ⌈k/s⌉ taps without stride sees the same. With `byDepth` from
 * [N, C, H, W] to [sh·sw·C, N, …] by the op that is made for it: 8×64×112² with stride 2 takes 1.7 instead of 9 ms.
 */
function dealt(
  w: GraphWriter,
  { name, channels, size, kernel, stride }: Picture,
  n: number,
  byDepth: boolean,
): Picture {
  const small = [size[0] / stride[0], size[1] / stride[1]] as const;
  const phases = channels * stride[0] * stride[1];
  const byPhases = () => {
    const parts = w.op('Reshape', [name, w.ints([channels, n, small[0], stride[0], small[1], stride[1]])]);
    const transposed = w.op('Transpose', [parts], { attrs: { perm: [0, 3, 5, 1, 2, 4] } });
    return w.op('Reshape', [transposed, w.ints([phases, n, ...small])]);
  };
  const deep = () => w.op('SpaceToDepth', [name], { attrs: { blocksize: stride[0] } });
  return {
    name: byDepth ? channelsFirst(w, deep(), [n, phases, ...small]) : byPhases(),
    channels: phases,
    size: small,
    kernel: [Math.ceil(kernel[0] / stride[0]), Math.ceil(kernel[1] / stride[1])],
    stride: [1, 1],
    dilation: [1, 1],
  };
}

/** What `product` made of a dealt picture, [O, C·sh·sw·a·b] or [O, sh·sw·C·a·b], as the filter [O, C, kh, kw] with kh ≤ a·sh. */
function collected(
  w: GraphWriter,
  sum: string,
  node: NodeOf<'convFilterGrad'>,
  { kernel: [a, b] }: Picture,
  byDepth: boolean,
): string {
  const [o, c, kh, kw] = nchw(node.outputs[0].shape);
  const [sh, sw] = node.attrs.stride;
  const parts = w.op('Reshape', [sum, w.ints(byDepth ? [o, sh, sw, c, a, b] : [o, c, sh, sw, a, b])]);
  const perm = byDepth ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  const transposed = w.op('Transpose', [parts], { attrs: { perm } });
  const whole = w.op('Reshape', [transposed, w.ints([o, c, a * sh, b * sw])]);
  if (a * sh === kh && b * sw === kw) return whole;
  return w.op('Slice', [whole, w.ints([0, 0]), w.ints([kh, kw]), w.ints([2, 3])]);
}

/** A band of output rows, [first row, how many]: what each tap meets, [C, kh·kw, N, rows, W']. */
function unfold(w: GraphWriter, picture: Picture, [first, count]: Pair, width: number): string {
  const { name, kernel, stride, dilation } = picture;
  const taps: string[] = [];
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const begin = [first * stride[0] + i * dilation[0], j * dilation[1]];
      const end = [begin[0]! + (count - 1) * stride[0] + 1, begin[1]! + (width - 1) * stride[1] + 1];
      taps.push(w.op('Slice', [name, w.ints(begin), w.ints(end), w.ints([3, 4]), w.ints(stride)]));
    }
  return taps.length === 1 ? nth(taps, 0) : w.op('Concat', taps, { attrs: { axis: 1 } });
}

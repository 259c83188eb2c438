/**
 * Convolution and its gradient to the input, as onnxruntime computes them best. Its ConvTranspose keeps the whole product
 * before it folds it to the picture, 475 MB for VGG's conv1_2; a convolution with the rotated filter keeps nothing, and runs
 * at 200 instead of 150 GFLOP/s, but has to turn the filter first, which does not pay where the filter is the larger part.
 */

import { nth } from '../../../diagnostics/index.js';
import { dim, nchw } from '../../../ir/shape.js';
import type { ConvAttrs, Node, NodeOf, Value } from '../../../ir/types.js';
import {
  BLOCKS,
  blockedConv,
  blockedFilter,
  isDepthwise,
  paysInBlocks,
  turnedBlockedFilter,
  turnedRows,
} from './blocked.js';
import type { EmitterTable, Scope } from './emitter.js';
import { filterGradient } from './filter_gradient.js';

export const convolutions: EmitterTable<'conv2d' | 'convInputGrad' | 'convFilterGrad'> = {
  conv2d: (s, node) => [conv(s, node)],
  convInputGrad: (s, node) => [paysToTurn(node) ? turnedConv(s, node) : convTranspose(s, node)],
  convFilterGrad: (s, node) => [filterGradient(s, node)],
};

function attributes({ stride, pad, dilation, groups }: ConvAttrs, filter: Value) {
  return {
    kernel_shape: filter.shape.slice(2),
    strides: stride,
    pads: [...pad, ...pad],
    dilations: dilation,
    group: groups,
  };
}

/** `bias`, if given, is one number for each output channel. */
export function conv(s: Scope, { inputs: [x, w], outputs: [y], attrs }: NodeOf<'conv2d'>, bias?: string): string {
  const { block } = s;
  if (block !== undefined && paysInBlocks(block, x.shape, w.shape, y.shape, attrs.groups)) {
    const filter = blockedFilter(s.w, block, { name: s.float(w), shape: w.shape });
    const [channels, outputs, kernel] = [dim(x.shape, 1), dim(w.shape, 0), w.shape.slice(2)];
    const { pad: pads, ...geometry } = attrs;
    return blockedConv(s.w, block, { x: s.float(x), channels, filter, kernel, outputs, bias, pads, geometry });
  }
  return s.w.op('Conv', [s.float(x), s.float(w), ...(bias ? [bias] : [])], { attrs: attributes(attrs, w) });
}

export function convTranspose(s: Scope, node: NodeOf<'convInputGrad'>, bias?: string): string {
  const [dy, w] = node.inputs;
  const rest = leftovers(node);
  return s.w.op('ConvTranspose', [s.float(dy), s.float(w), ...(bias ? [bias] : [])], {
    attrs: { ...attributes(node.attrs, w), output_padding: rest.some(r => r > 0) ? rest : undefined },
  });
}

/** How much of the input the strides of the convolution left over at the far end, along each axis. */
export function leftovers({ inputs: [dy, w], attrs }: NodeOf<'convInputGrad'>): readonly number[] {
  const { stride, pad, dilation, inputSize } = attrs;
  return [0, 1].map(i => {
    const reached =
      (dim(dy.shape, i + 2) - 1) * nth(stride, i) + nth(dilation, i) * (dim(w.shape, i + 2) - 1) + 1 - 2 * nth(pad, i);
    return nth(inputSize, i) - reached;
  });
}

/** Numbers of the product that ConvTranspose keeps, beyond which the filter is rotated instead: 32 MB. */
const LARGE = 2 ** 23;

/**
 * Places for each of the filter's outputs, beyond which turning it pays. 256 of 256 channels on 8×14², 3×3: ConvTranspose
 * 6.1 ms, turned 4.4, of which 0.4 is the turning; on 8×7² of 512, 6.9 and 7.4. AlexNet's conv2: 23.6 and 9.6.
 */
const PLACES = 3;

/** Places beyond which a filter of one tap is turned, which is one transposition: 512 of 2048 channels on 8×7² 3.4 and 2.5 ms. */
const PLACES_OF_POINTS = 384;

/**
 * How many more places the input may have than the gradient: a rotated convolution is computed at each of the input's, padding and
 * all. LeNet's conv2, 12×12 from 8×8: 2.9 ms, as ConvTranspose 1.4.
 */
const WASTE = 1.5;

function paysToTurn({ inputs: [dy, w], attrs }: NodeOf<'convInputGrad'>): boolean {
  const [n, , h, v] = dy.shape;
  const taps = dim(w.shape, 1) * dim(w.shape, 2) * dim(w.shape, 3);
  const fits = [0, 1].every(
    i => attrs.stride[i] === 1 && nth(attrs.dilation, i) * (dim(w.shape, i + 2) - 1) >= nth(attrs.pad, i),
  );
  const places = h! * v!;
  if (!fits || taps * places > LARGE) return fits;
  const isTight = attrs.inputSize[0] * attrs.inputSize[1] < WASTE * places;
  if (attrs.groups === 1 && taps === dim(w.shape, 1)) return isTight && n! * places > PLACES_OF_POINTS;
  return isTight && n! * places > (PLACES * dim(w.shape, 0)) / attrs.groups;
}

/** Whether a node is a convolution that is faster in blocks of some width. */
export function mayPayInBlocks(node: Node): boolean {
  if (node.op === 'conv2d') {
    const { inputs, outputs, attrs } = node;
    return BLOCKS.some(b => paysInBlocks(b, inputs[0].shape, inputs[1].shape, outputs[0].shape, attrs.groups));
  }
  return node.op === 'convInputGrad' && paysToTurn(node) && BLOCKS.some(b => turnedPays(node, b));
}

function turnedPays({ inputs: [dy, w], outputs: [dx], attrs }: NodeOf<'convInputGrad'>, block: number): boolean {
  const [o, c, kh, kw] = nchw(w.shape);
  if (isDepthwise(w.shape, attrs.groups)) return paysInBlocks(block, dy.shape, w.shape, dx.shape, attrs.groups);
  return attrs.groups === 1 && paysInBlocks(block, dy.shape, [c, o, kh, kw], dx.shape, 1);
}

/** dx as the convolution of dy with the filter rotated by 180°, its inputs and outputs swapped. Stride 1 only. */
function turnedConv(s: Scope, node: NodeOf<'convInputGrad'>): string {
  const { w: g, block } = s;
  const [dy, w] = node.inputs;
  const { groups, pad, dilation } = node.attrs;
  const [o, c, kh, kw] = nchw(w.shape);
  const kernel = [kh, kw];
  const pads = [0, 1].map(i => nth(dilation, i) * (nth(kernel, i) - 1) - nth(pad, i)) as [number, number];
  if (block !== undefined && turnedPays(node, block)) {
    const filter =
      groups === 1
        ? turnedBlockedFilter(g, block, { name: s.float(w), shape: w.shape })
        : blockedFilter(g, block, { name: rotated(s, s.float(w)), shape: w.shape });
    const geometry = { stride: [1, 1], dilation, groups } as const;
    return blockedConv(g, block, {
      x: s.float(dy),
      channels: o,
      filter,
      kernel,
      outputs: c * groups,
      pads,
      geometry,
    });
  }
  const filters = groups === 1 ? turned(s, w) : turnedInGroups(s, w, groups);
  return g.op('Conv', [s.float(dy), filters], {
    attrs: { kernel_shape: kernel, pads: [...pads, ...pads], dilations: dilation, group: groups },
  });
}

/** A filter [O, C, kh, kw] as [C, O, kh, kw], rotated by 180°. */
function turned({ w, float }: Scope, filter: Value): string {
  const [o, c, kh, kw] = nchw(filter.shape);
  if (kh * kw === 1) return w.op('Transpose', [float(filter)], { attrs: { perm: [1, 0, 2, 3] } });
  const rows = turnedRows(w, { name: float(filter), shape: filter.shape });
  const filters = w.op('Transpose', [rows], { attrs: { perm: [0, 2, 1] } });
  return w.op('Reshape', [filters, w.ints([c, o, kh, kw])]);
}

function turnedInGroups(s: Scope, filter: Value, groups: number): string {
  const { w } = s;
  const [o, c, kh, kw] = nchw(filter.shape);
  const parts = w.reshape(s.float(filter), filter.shape, [groups, o / groups, c, kh, kw]);
  const swapped = w.op('Transpose', [parts], { attrs: { perm: [0, 2, 1, 3, 4] } });
  return rotated(s, w.op('Reshape', [swapped, w.ints([groups * c, o / groups, kh, kw])]));
}

/** Filters rotated by 180°. */
function rotated({ w }: Scope, filters: string): string {
  const [first, last] = [w.ints([-1, -1]), w.ints([-(2 ** 31), -(2 ** 31)])];
  return w.op('Slice', [filters, first, last, w.ints([2, 3]), w.ints([-1, -1])]);
}

/**
 * Groups of IR nodes that ONNX has one op for: a convolution or product with its bias, softmax, local response
 * normalisation. A group is taken where nothing outside reads what lies inside it. Others read better so, and run faster.
 */

import { nth } from '../../diagnostics/index.js';
import { dim, sameShape } from '../../ir/shape.js';
import type { Node, NodeOf, OpName, Shape, Value } from '../../ir/types.js';
import { conv, convTranspose } from './ops/conv.js';
import { masked, positive } from './ops/elementwise.js';
import type { Scope } from './ops/emitter.js';
import { isTiled, tileGradient } from './ops/pool.js';

/** How a node is emitted: what it needs, and how to add it once that is there. */
export interface Lowering {
  readonly needs: readonly Value[];
  readonly emit: (s: Scope) => readonly string[];
}

/** Whether a value has this one reader and is no output. */
export type IsPrivate = (v: Value) => boolean;

/** Whether a node is emitted in the same graph. */
export type IsInside = (node: Node) => boolean;

type Pattern = (node: Node, isPrivate: IsPrivate, isInside: IsInside, onCpu: boolean) => Lowering | undefined;

/** What a graph is for (GraphOptions). */
export interface Target {
  readonly onCpu: boolean;
  readonly isAffineOne: boolean;
}

/** The group that ends in `node`, if there is one. */
export function patternAt(
  node: Node,
  isPrivate: IsPrivate,
  isInside: IsInside,
  { onCpu, isAffineOne }: Target,
): Lowering | undefined {
  for (const pattern of isAffineOne ? [affine, ...patterns] : patterns) {
    const found = pattern(node, isPrivate, isInside, onCpu);
    if (found) return found;
  }
  return undefined;
}

/** The node of kind `op` that a value is the first result of, aliases aside. */
function made<K extends OpName>(v: Value | undefined, op: K): NodeOf<K> | undefined {
  let node = v?.node;
  while (node?.op === 'stopGradient') node = node.inputs[0].node;
  return node?.op === op && (v!.index === 0 || node !== v!.node) ? (node as unknown as NodeOf<K>) : undefined;
}

function number(v: Value | undefined): number | undefined {
  const constant = made(v, 'constant');
  return constant && constant.attrs.data.length === 1 && constant.attrs.shape.length === 0
    ? constant.attrs.data[0]
    : undefined;
}

/** The two operands either way round. */
function either(node: Node): readonly (readonly [Value, Value])[] {
  const [x, y] = node.inputs;
  if (!x || !y) return [];
  return [
    [x, y],
    [y, x],
  ];
}

/** How one number a channel is laid along a picture's channels. */
function perChannelShapes(channels: number): readonly Shape[] {
  return [
    [1, channels, 1, 1],
    [channels, 1, 1],
  ];
}

/** `v` as a list of one number a channel, where it is laid along the channels of a picture. */
function perChannel(v: Value, channels: number): Value | undefined {
  const source = made(v, 'reshape')?.inputs[0];
  const fits = perChannelShapes(channels).some(s => sameShape(s, v.shape));
  return fits && source && sameShape(source.shape, [channels]) ? source : undefined;
}

const convolutionWithBias: Pattern = (node, isPrivate) => {
  if (node.op !== 'add') return undefined;
  for (const [x, y] of either(node)) {
    const inner = made(x, 'conv2d') ?? made(x, 'convInputGrad');
    const bias = inner && sameShape(x.shape, node.outputs[0].shape) && perChannel(y, dim(x.shape, 1));
    if (!bias || !isPrivate(x)) continue;
    return {
      needs: [...inner.inputs, bias],
      emit: s => [inner.op === 'conv2d' ? conv(s, inner, s.float(bias)) : convTranspose(s, inner, s.float(bias))],
    };
  }
  return undefined;
};

const productWithBias: Pattern = (node, isPrivate) => {
  if (node.op !== 'add') return undefined;
  for (const [x, bias] of either(node)) {
    const inner = made(x, 'matMul');
    if (!inner || x.shape.length !== 2 || !sameShape(bias.shape, [dim(x.shape, 1)]) || !isPrivate(x)) continue;
    const { transposeA, transposeB } = inner.attrs;
    return {
      needs: [...inner.inputs, bias],
      emit: s => [
        s.w.op('Gemm', [...inner.inputs, bias].map(s.float), {
          attrs: { transA: Number(transposeA), transB: Number(transposeB) },
        }),
      ],
    };
  }
  return undefined;
};

/** e / Σ e with e = exp(x − max x). */
const softmax: Pattern = (node, isPrivate) => {
  if (node.op !== 'div') return undefined;
  const [top, bottom] = node.inputs;
  const [exp, sum] = [made(top, 'exp'), made(bottom, 'reduceSum')];
  const shifted = made(exp?.inputs[0], 'sub');
  const greatest = made(shifted?.inputs[1], 'reduceMax');
  const x = shifted?.inputs[0];
  if (!x || !sum || !greatest || sum.inputs[0] !== top || greatest.inputs[0] !== x) return undefined;
  const { axes } = sum.attrs;
  const sameAxes = axes.length === 1 && greatest.attrs.axes.length === 1 && axes[0] === greatest.attrs.axes[0];
  if (!sameAxes || !sum.attrs.keepDims || !greatest.attrs.keepDims || !isPrivate(bottom)) return undefined;
  return { needs: [x], emit: s => [s.w.op('Softmax', [s.float(x)], { attrs: { axis: nth(axes, 0) } })] };
};

/** x · (Σ x² over neighbouring channels · α/n + k)^−β. */
const responseNormalisation: Pattern = (node, isPrivate) => {
  if (node.op !== 'mul') return undefined;
  for (const [x, scale] of either(node)) {
    const power = made(scale, 'power');
    const shifted = made(power?.inputs[0], 'add');
    const [weighted, bias] = shifted?.inputs ?? [];
    const product = made(weighted, 'mul');
    const [window, alpha] = product?.inputs ?? [];
    const sum = made(window, 'windowSum');
    const square = made(sum?.inputs[0], 'mul');
    const [k, a] = [number(bias) ?? (shifted ? undefined : 0), number(alpha)];
    if (!power || !sum || !square || k === undefined || a === undefined || x.shape.length !== 4) continue;
    if (square.inputs.some(v => v !== x) || sum.attrs.axis !== 1) continue;
    if (![scale, power.inputs[0], weighted!, window!].every(isPrivate)) continue;
    const { size } = sum.attrs;
    return {
      needs: [x],
      emit: s => [
        s.w.op('LRN', [s.float(x)], {
          attrs: { size, alpha: { float: a * size }, beta: { float: -power.attrs.exponent }, bias: { float: k } },
        }),
      ],
    };
  }
  return undefined;
};

/** The gradient of a pooling whose windows lie side by side, found from the maxima themselves. */
const gradientOfTiles: Pattern = (node, _isPrivate, isInside) => {
  if (node.op !== 'maxPoolGrad') return undefined;
  const [dy, indices] = node.inputs;
  const pool = indices.node;
  if (pool.op !== 'maxPool' || !isInside(pool) || !isTiled(pool)) return undefined;
  const [x, y] = [pool.inputs[0], pool.outputs[0]];
  return { needs: [dy, x, y], emit: s => [tileGradient(s, pool, dy)] };
};

/**
 * As Caffe has it, top_diff · (top > 0): a gradient that is not finite stays so behind any ReLU. On the CPU by a slope (`positive`),
 * where a top that is no number makes a gradient that is none.
 */
const gradientOfRelu: Pattern = (node, isPrivate, _, onCpu) => {
  if (node.op !== 'select') return undefined;
  const [mask, dy, none] = node.inputs;
  const comparison = made(mask, 'greater');
  const [y, zero] = comparison?.inputs ?? [];
  if (!made(y, 'relu') || number(zero) !== 0 || number(none) !== 0) return undefined;
  if (!sameShape(mask.shape, dy.shape)) return undefined;
  if (isPrivate(mask) && onCpu)
    return { needs: [y!, dy], emit: s => [s.w.op('Mul', [positive(s.w, s.float(y!)), s.float(dy)])] };
  return { needs: [mask, dy], emit: s => [masked(s.w, s.bool(mask), s.float(dy))] };
};

/**
 * A number for each channel taken off, or divided by, as BatchNorm's at TEST: as a sum or product with its opposite, which
 * onnxruntime folds into the convolution before it once the parameters are constants.
 */
const channelwise: Pattern = node => {
  if (node.op !== 'sub' && node.op !== 'div') return undefined;
  const [x, c] = node.inputs;
  const isWide = x.shape.length === 4 && dim(x.shape, 2) * dim(x.shape, 3) > 1;
  if (!isWide || !perChannelShapes(dim(x.shape, 1)).some(s => sameShape(s, c.shape))) return undefined;
  const [opposite, op] = node.op === 'sub' ? (['Neg', 'Add'] as const) : (['Reciprocal', 'Mul'] as const);
  return { needs: [x, c], emit: s => [s.w.op(op, [s.float(x), s.w.op(opposite, [s.float(c)])])] };
};

/**
 * x · factor + shift with a number of either for each channel, as BatchNormalization by kept statistics of mean 0 and variance 1:
 * one pass over x instead of two (256 channels on 8×56²: 1.3 ms, 2.4 as product and sum).
 */
const affine: Pattern = (node, isPrivate) => {
  if (node.op !== 'add') return undefined;
  for (const [product, shift] of either(node)) {
    const inner = made(product, 'mul');
    const { shape } = product;
    if (!inner || !isPrivate(product) || shape.length !== 4) continue;
    const channels = dim(shape, 1);
    const isByChannel = (v: Value) => perChannelShapes(channels).some(s => sameShape(s, v.shape));
    const found = either(inner).find(([x, factor]) => sameShape(x.shape, shape) && isByChannel(factor));
    if (!found || !isByChannel(shift)) continue;
    const [x, factor] = found;
    return {
      needs: [x, factor, shift],
      emit: ({ w, float }) => {
        const [mean, variance] = [0, 1].map(n =>
          w.sharedFloats(new Float32Array(channels).fill(n), [channels], `${channels} times ${n}`),
        );
        const row = (v: Value) => w.reshape(float(v), v.shape, [channels]);
        const inputs = [float(x), row(factor), row(shift), mean!, variance!];
        return [w.op('BatchNormalization', inputs, { attrs: { epsilon: { float: 0 } } })];
      },
    };
  }
  return undefined;
};

const patterns: readonly Pattern[] = [
  convolutionWithBias,
  productWithBias,
  softmax,
  responseNormalisation,
  gradientOfTiles,
  gradientOfRelu,
  channelwise,
];

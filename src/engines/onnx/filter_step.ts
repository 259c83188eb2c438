/**
 * The gradient to a convolution's filter without unfolding the picture. Picture and gradient lie with their padding, rows of
 * one length: what a tap of the filter meets is then the picture read from some places on, the same array at an offset. So
 * each tap is one product, dy · (x from its offset on)ᵀ, of arrays that nobody copies; the places that a row of dy has too many
 * are 0. (Gradients of 16 of 32 channels on 8×144²: 9 ms, and 32 by unfolding.)
 *
 * At the end of a channel's plane the shifted picture runs into the next channel, where dy is 0: numbers there do not count,
 * unless they are not finite, which a training has diverged by anyway. Behind the last plane the array goes on (`slack`).
 */

import { nth } from '../../diagnostics/index.js';
import { GraphWriter } from '../../emit/onnx/writer.js';
import { dim, nchw, sizeOf } from '../../ir/shape.js';
import type { Node, NodeOf, Shape, Value } from '../../ir/types.js';
import type { Observer } from '../types.js';
import { type OnnxRuntime, Session } from './runtime.js';
import type { Arrays, EngineContext, Step } from './steps.js';

type FilterGradient = NodeOf<'convFilterGrad'>;
type Moved = NodeOf<'pad'> | NodeOf<'reshape'> | NodeOf<'transpose'>;

/**
 * What a filter's gradient reads in its place, of sizes H×W that hold every window: the picture with its padding,
 * [N, C, H, W], or with a stride s each of the stride's phases apart, [s, s, N, C, H, W]; and the gradient, [N, O, H, W].
 */
export interface Padded {
  readonly x: Value;
  readonly dy: Value;
}

/** Filters' gradients that are products of shifted arrays, and the graph's nodes with those that pad for them. */
export interface PaddedGraph {
  readonly nodes: readonly Node[];
  readonly padded: ReadonlyMap<Node, Padded>;
  /** Numbers that the array of a padded picture has behind its own. */
  readonly slack: ReadonlyMap<Value, number>;
}

/**
 * Numbers of the unfolded picture from which on it is spared (8 MB), and places of the gradient: of fewer, one product over all
 * taps is as fast (ms, unfolded and so: 256 of 256 channels on 56² 11.8 and 9.8, on 28² 3.3 and 3.8, 128 of 128 on 8×18² 3.3
 * and 2.8). Channels below which the products are too thin, and taps above which there are too many. Where each channel has
 * a filter of its own the products are sums alone: 144 channels on 8×56² 21 and 2.8 ms, 384 on 8×14² 3.9 and 1.2.
 */
const UNFOLDED = 2 ** 21;
const PLACES = 2048;
const CHANNELS = 8;
const TAPS = 25;
const DEPTHWISE_PLACES = 128;

/** Numbers of picture and gradient that are gone through tap by tap, 16 MB; and pictures at least, for all threads to have some. */
const CACHED = 2 ** 22;
const LEAST_AT_ONCE = 4;

/**
 * The right factor is laid out anew for each tap: that is the gradient's side where it has so few outputs, and fewer than the
 * picture has channels. 32 of 128 channels on 8×72²: 8.1 instead of 11.1 ms; but 128 of 256 on 18² 5.5 and 5.0.
 */
const THIN = 48;

function pays(node: Node): node is FilterGradient {
  if (node.op !== 'convFilterGrad') return false;
  const { stride, groups, kernel, dilation } = node.attrs;
  const [n, outputs, height, width] = nchw(node.inputs[1].shape);
  const channels = dim(node.inputs[0].shape, 1);
  const taps = kernel[0] * kernel[1];
  const places = n * height * width;
  const isWide = Math.min(outputs, channels) >= CHANNELS * groups && places >= PLACES;
  const isDepthwise = groups === channels && groups > 1 && height * width >= DEPTHWISE_PLACES;
  const isLarge = channels * taps * places >= UNFOLDED;
  const isPlain = stride.every(s => s === 1);
  // Windows that lie side by side are one product in another way.
  const isDealt = stride[0] === stride[1] && dilation.every(d => d === 1) && kernel.some((k, i) => k > nth(stride, i));
  return (isPlain || isDealt) && taps > 1 && taps <= TAPS && (isWide || isDepthwise) && isLarge;
}

/** Finds the gradients that are worth it. The padding is computed where what it pads is. */
export function padForFilters(nodes: readonly Node[]): PaddedGraph {
  const padded = new Map<Node, Padded>();
  const slack = new Map<Value, number>();
  const known = new Map<Value, Map<string, Value>>();
  const out: Node[] = [];
  /** What `make` makes of `x`, once for all that ask for the same. */
  const once = (x: Value, key: unknown, make: () => Value): Value => {
    const ofX = known.get(x) ?? new Map<string, Value>();
    known.set(x, ofX);
    const name = JSON.stringify(key);
    const made = ofX.get(name) ?? make();
    ofX.set(name, made);
    return made;
  };
  let made = 0;
  const add = (of: Node, { op, attrs }: Pick<Moved, 'op' | 'attrs'>, x: Value, shape: Shape): Value => {
    const outputs: Value[] = [];
    // Between the nodes around it, by whose numbers graphs are ordered.
    const before = 1 / 2 ** ++made;
    const { label } = of;
    const node = { id: of.id - before, op, inputs: [x], attrs, outputs, label } as unknown as Node;
    outputs.push({ id: nth(of.outputs, 0).id - before, shape, node, index: 0 });
    out.push(node);
    return outputs[0]!;
  };
  const pad = (of: Node, x: Value, before: readonly number[], after: readonly number[]): Value =>
    once(x, [before, after], () => {
      const attrs = { before: [0, 0, ...before], after: [0, 0, ...after], value: 0 };
      const shape = x.shape.map((d, i) => d + nth(attrs.before, i) + nth(attrs.after, i));
      return add(of, { op: 'pad', attrs }, x, shape);
    });
  const deal = (of: Node, x: Value, s: number): Value =>
    once(x, ['stride', s], () => {
      const [n, c, height, width] = nchw(x.shape);
      const parts = [n, c, height / s, s, width / s, s];
      const perm = [3, 5, 0, 1, 2, 4];
      const apart = add(of, { op: 'reshape', attrs: { shape: parts } }, x, parts);
      const shape = perm.map(axis => nth(parts, axis));
      return add(of, { op: 'transpose', attrs: { perm } }, apart, shape);
    });
  for (const node of nodes) {
    made = 0;
    if (pays(node)) {
      const [x, dy] = node.inputs;
      const { pad: zeros, dilation, kernel, stride } = node.attrs;
      const [s] = stride;
      // How far a window reaches, in steps of the stride, and what the picture is short of for the last one.
      const reach = [0, 1].map(i =>
        s === 1 ? nth(dilation, i) * (nth(kernel, i) - 1) : Math.ceil(nth(kernel, i) / s) - 1,
      ) as [number, number];
      const missing = [0, 1].map(i =>
        s === 1 ? nth(zeros, i) : (dim(dy.shape, i + 2) + nth(reach, i)) * s - dim(x.shape, i + 2) - nth(zeros, i),
      );
      const whole = pad(node, x, zeros, missing);
      const picture = s === 1 ? whole : deal(node, whole, s);
      padded.set(node, { x: picture, dy: pad(node, dy, [0, 0], reach) });
      const needed = reach[0] * picture.shape.at(-1)! + reach[1];
      slack.set(picture, Math.max(slack.get(picture) ?? 0, needed));
    }
    out.push(node);
  }
  return { nodes: out, padded, slack };
}

/** Pictures that are gone through together, of so many channels; `dy` is that of the padded gradient. */
function atOnceOf(dy: Shape, channels: number): number {
  const [n, outputs, height, width] = nchw(dy);
  const parts = Math.ceil((n * (channels + outputs) * height * width) / CACHED);
  return Math.min(n, Math.max(LEAST_AT_ONCE, Math.ceil(n / parts)));
}

/** Bytes that such a gradient takes while it is made: a product for each tap and picture, and all of them put together. */
export function productBytes(node: FilterGradient, { dy }: Padded): number {
  return 8 * atOnceOf(dy.shape, dim(node.inputs[0].shape, 1)) * sizeOf(node.outputs[0].shape);
}

/** One such gradient. */
export class FilterStep implements Step {
  private readonly offsets: readonly number[];
  /** Pictures whose taps are done before the next ones', so that they stay in the processor's cache. */
  private readonly atOnce: number;
  /** Whether the picture is the left factor. */
  private readonly pictureFirst: boolean;
  private part: Float32Array | undefined;
  private readonly dims: { readonly x: Shape; readonly dy: Shape; readonly dw: Shape };

  constructor(
    private readonly engine: EngineContext,
    private readonly node: FilterGradient,
    private readonly padded: Padded,
  ) {
    const { groups, dilation, kernel, stride } = node.attrs;
    const [n, outputs, height, width] = nchw(padded.dy.shape);
    const channels = dim(node.inputs[0].shape, 1);
    const [s] = stride;
    const at = (i: number, j: number) => {
      if (s === 1) return i * nth(dilation, 0) * width + j * nth(dilation, 1);
      const phase = (i % s) * s + (j % s);
      return phase * n * channels * height * width + Math.floor(i / s) * width + Math.floor(j / s);
    };
    this.offsets = Array.from({ length: kernel[0] * kernel[1] }, (_, k) =>
      at(Math.floor(k / kernel[1]), k % kernel[1]),
    );
    const plane = height * width;
    this.pictureFirst = outputs / groups <= THIN && channels >= 1.5 * outputs;
    this.dims = {
      x: [n, groups, channels / groups, plane],
      dy: [n, groups, outputs / groups, plane],
      dw: [groups, outputs / groups, channels / groups, kernel[0] * kernel[1]],
    };
    this.atOnce = atOnceOf(padded.dy.shape, channels);
  }

  async run(arrays: Arrays, observe?: Observer): Promise<void> {
    const start = performance.now();
    const { dims, padded, node } = this;
    const [x, dy, dw] = [arrays.read(padded.x), arrays.read(padded.dy), arrays.write(node.outputs[0])];
    const pictures = nth(dims.x, 0);
    for (let first = 0; first < pictures; first += this.atOnce) {
      const count = Math.min(this.atOnce, pictures - first);
      if (first === 0) await this.runPart(x, dy, first, count, dw);
      else {
        this.part ??= new Float32Array(dw.length);
        await this.runPart(x, dy, first, count, this.part);
        for (let i = 0; i < dw.length; i++) dw[i] = dw[i]! + this.part[i]!;
      }
    }
    observe?.(node.label, performance.now() - start);
  }

  /** What so many pictures add to the gradient. */
  private async runPart(x: Float32Array, dy: Float32Array, first: number, count: number, dw: Float32Array) {
    const { dims } = this;
    const session = await this.engine.filterProducts({ taps: this.offsets.length, pictureFirst: this.pictureFirst });
    const [ofX, ofDy] = [dims.x, dims.dy].map(([, ...one]) => sizeOf(one)) as [number, number];
    const shape = ([, ...one]: Shape) => [count, ...one];
    const feeds = new Map([['dy', { data: dy.subarray(first * ofDy, (first + count) * ofDy), dims: shape(dims.dy) }]]);
    this.offsets.forEach((offset, k) => {
      const data = new Float32Array(x.buffer, x.byteOffset + 4 * (first * ofX + offset), count * ofX);
      feeds.set(`x ${k}`, { data, dims: shape(dims.x) });
    });
    await session.run(feeds, new Map([['dw', { data: dw, dims: dims.dw }]]));
  }

  dispose(): void {}
}

/** A session for filters' gradients of so many taps, by x · dyᵀ or by dy · xᵀ. */
export interface FilterProducts {
  readonly taps: number;
  readonly pictureFirst: boolean;
}

/** The session: of `dy` [N, G, O, P] and each `x` [N, G, C, P] it makes `dw` [G, O, C, taps]. */
export function filterProducts(runtime: OnnxRuntime, { taps, pictureFirst }: FilterProducts): Promise<Session> {
  const w = new GraphWriter();
  const xs = Array.from({ length: taps }, (_, k) => `x ${k}`);
  for (const name of ['dy', 'dw', ...xs]) w.reserve(name);
  w.addInput('dy', ['n', 'g', 'o', 'p']);
  for (const name of xs) w.addInput(name, ['n', 'g', 'c', 'p']);
  const products = xs.map(name => {
    const [left, right] = pictureFirst ? [name, 'dy'] : ['dy', name];
    // onnxruntime makes one op of these two.
    const transposed = w.op('Transpose', [right], { attrs: { perm: [0, 1, 3, 2] } });
    return w.op('Unsqueeze', [w.op('MatMul', [left, transposed]), w.ints([0])]);
  });
  const sums = w.op('ReduceSum', [w.op('Concat', products, { attrs: { axis: 0 } }), w.ints([1])], {
    attrs: { keepdims: 0 },
  });
  w.addOutput('dw', w.op('Transpose', [sums], { attrs: { perm: pictureFirst ? [1, 3, 2, 0] : [1, 2, 3, 0] } }), [
    'g',
    'o',
    'c',
    taps,
  ]);
  return Session.create(runtime, w, { provider: 'cpu' });
}

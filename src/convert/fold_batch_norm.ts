/**
 * Batch normalisation, Scale and Bias folded into the convolution (or fully connected layer) before them: what they do to
 * a channel, a·x + b, is done to the channel's filter and bias instead. The network loses layers and computes the same.
 */

import { need, nth } from '../diagnostics/index.js';
import { dim } from '../ir/shape.js';
import { type ChannelAffine, multiplies, paramAt } from '../layers/index.js';
import type { NetLayer } from '../net/index.js';
import type { Net } from '../runtime/net.js';
import { clone, createBeside, type LayerParameter, type NetParameter } from '../schema/index.js';

/** Parameters by layer and position. */
export type Arrays = ReadonlyMap<string, readonly { readonly shape: readonly number[]; readonly data: Float32Array }[]>;

export interface Folding {
  /** The network in the view it was loaded in, without the folded layers. */
  readonly param: NetParameter;
  readonly params: Arrays;
  /** Which layers went into which. */
  readonly folded: readonly { readonly into: string; readonly layers: readonly string[] }[];
}

/** Layers that stay are as they were; a layer whose output others read too, or whose parameters are shared, is left. */
export function foldBatchNorm(net: Net): Folding {
  const { layers } = net.graph;
  const gone = new Set<NetLayer>();
  const changed = new Map<string, { param: LayerParameter; blobs: Blobs }>();
  const folded: { into: string; layers: string[] }[] = [];
  for (const layer of layers) {
    const chain = multiplies(layer.type) && ownsParams(net, layer) ? chainBehind(net, layer) : [];
    if (chain.length === 0) continue;
    for (const { layer: next } of chain) gone.add(next);
    const last = chain.at(-1)!.layer;
    const affine = chain.map(c => c.affine).reduce(after);
    changed.set(layer.name, {
      param: withBias(layer, nth((last.source ?? last.param).top, 0)),
      blobs: applied(layer, blobsOf(net, layer), affine),
    });
    folded.push({ into: layer.name, layers: chain.map(c => c.layer.name) });
  }
  const kept = layers.filter(l => l.source !== undefined && !gone.has(l));
  const inserted = layers.filter(l => l.source === undefined && l.type.isSource);
  const layer = [...inserted, ...kept].map(l => plain(changed.get(l.name)?.param ?? l.source ?? l.param));
  const params = new Map(kept.map(l => [l.name, changed.get(l.name)?.blobs ?? blobsOf(net, l)] as const));
  return { param: createBeside(net.graph.source, 'caffe.NetParameter', { name: net.name, layer }), params, folded };
}

type Blobs = readonly { readonly shape: readonly number[]; readonly data: Float32Array }[];

function blobsOf(net: Net, layer: NetLayer): Blobs {
  return layer.params.length > 0 ? need(net.params, layer.name) : [];
}

/** The layer for this one view: its rules have been applied. */
function plain(layer: LayerParameter): LayerParameter {
  const copy = clone(layer);
  copy.include = [];
  copy.exclude = [];
  return copy;
}

function ownsParams(net: Net, layer: NetLayer): boolean {
  const users = (index: number) => net.graph.layers.filter(l => l.params.includes(index)).length;
  return layer.bottoms.length === 1 && layer.params.every(index => users(index) === 1);
}

/** The layers right behind that are a·x + b by channel, as long as each alone reads what the one before makes. */
function chainBehind(net: Net, first: NetLayer): { layer: NetLayer; affine: ChannelAffine }[] {
  const chain: { layer: NetLayer; affine: ChannelAffine }[] = [];
  for (let made = nth(first.tops, 0); ; ) {
    const readers = net.graph.layers.filter(l => l.bottoms.some(b => b.id === made.id));
    const [layer] = readers;
    const affine = readers.length === 1 && layer!.bottoms.length === 1 ? affineOf(net, layer!) : undefined;
    if (!affine) return chain;
    chain.push({ layer: layer!, affine });
    made = nth(layer!.tops, 0);
  }
}

/** What the layer does to each channel of axis 1; undefined where it is not of that kind. */
function affineOf(net: Net, layer: NetLayer): ChannelAffine | undefined {
  return layer.type.channelAffine?.(
    layer.context,
    blobsOf(net, layer).map(b => b.data),
  );
}

function after(first: ChannelAffine, second: ChannelAffine): ChannelAffine {
  return {
    factor: first.factor.map((f, c) => f * second.factor[c]!),
    shift: first.shift.map((s, c) => s * second.factor[c]! + second.shift[c]!),
  };
}

/** The layer as it was written: its bottoms are no Split's. */
function withBias(layer: NetLayer, top: string): LayerParameter {
  const copy = clone(layer.source ?? layer.param);
  copy.top = [top];
  const { field } = layer.type.weights!;
  const param = clone(paramAt<{ bias_term: boolean }>(copy, field));
  param.bias_term = true;
  return Object.assign(copy, { [field]: param });
}

/** The filter with each output's share times its factor, and the bias. */
function applied(layer: NetLayer, [weight, bias]: Blobs, { factor, shift }: ChannelAffine): Blobs {
  const { shape, data } = weight!;
  const output = outputAt(layer, shape);
  const scaled = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) scaled[i] = data[i]! * factor[output(i)]!;
  const moved = Float32Array.from(shift, (s, c) => (bias ? bias.data[c]! * factor[c]! : 0) + s);
  return [
    { shape, data: scaled },
    { shape: [moved.length], data: moved },
  ];
}

/** Which output an element of the weights belongs to. */
function outputAt(layer: NetLayer, shape: readonly number[]): (i: number) => number {
  const per = (from: number) => shape.slice(from).reduce((n, d) => n * d, 1);
  const weights = layer.type.weights!;
  if (weights.spreads) {
    // [inputs, outputs / group, …]: a group of inputs has outputs of its own.
    const group = weights.group?.(layer.param, shape) ?? 1;
    const [inputs, depth, place] = [dim(shape, 0), dim(shape, 1), per(2)];
    return i =>
      Math.floor(Math.floor(i / (depth * place)) / (inputs / group)) * depth + (Math.floor(i / place) % depth);
  }
  return weights.transposed?.(layer.param) ? i => i % dim(shape, 1) : i => Math.floor(i / per(1));
}

/**
 * Layer graph → IR: every layer's own lowering, joined; the loss; gradients of losses and of seeds that a caller feeds.
 *
 * Names in the graph: inputs and outputs are blobs by name, variables are parameters by key (`conv1/0`), `diff/<blob>` is
 * fed with a blob's gradient, `grad/<key>` and `grad/blob/<blob>` are gradients, `LOSS` is the weighted sum of the losses.
 */

import { need, nth } from '../diagnostics/index.js';
import { Builder, type ExportTarget, type Graph, gradients, type Seed, type Shape, type Value } from '../ir/index.js';
import type { BlobVersion, NetGraph, NetLayer, NetParam } from './types.js';

/** Output of the total loss, a scalar; absent in a net without one. No prototxt blob can have this name by accident. */
export const LOSS = '@loss';

export interface LowerOptions {
  /** Where gradients start: nowhere (default), at the losses, or at the losses and at `seeds`. */
  readonly gradients?: 'none' | 'loss' | 'seeds';
  /**
   * Blobs whose gradient is fed as `diff/<blob>`. On a loss it takes the place of the loss weight, on any other blob it
   * adds to what flows there.
   */
  readonly seeds?: readonly string[];
  /** Blobs whose gradient is an output `grad/blob/<blob>`. Default: inputs that force_backward or `propagate_down: true` asks for. */
  readonly blobDiffs?: readonly string[];
  /** Parameters that get a gradient: those whose lr_mult is not 0 (all under force_backward; default), or all. */
  readonly paramDiffs?: 'learnable' | 'all';
  /** Whether `grad/<key>` are outputs; a training step that hands them to `extend` wants none. Default true. */
  readonly fetchGradients?: boolean;
  /** Blobs that can be fetched: those nobody reads and the losses (default), all, or these. */
  readonly fetch?: 'outputs' | 'all' | readonly string[];
  /**
   * Whether layers change the parameters they keep themselves (BatchNorm's statistics), and hand their state on to the
   * next run (LSTM), as Caffe's Forward does. Default true.
   */
  readonly updates?: boolean;
  /** Whether what layers write to files (HDF5Output) are outputs, named by `writtenName`. Default false. */
  readonly writes?: boolean;
  /** Whether class numbers that are computed, and not fed, are outputs, named by `labelName`. Default false. */
  readonly labels?: boolean;
  /** Index of the first layer that is left out, with all behind it. Default: none is. */
  readonly until?: number;
  /**
   * Index of the first layer that is computed. Blobs of layers before it are inputs by their names, and no outputs. Default: 0.
   * It goes with a graph without gradients only.
   */
  readonly from?: number;
  /** What a fed blob goes through before the net's layers see it: a model's own preprocessing. */
  readonly prepare?: (b: Builder, blob: string, value: Value) => Value;
  /** What the graph is to become a model of. Default: an engine runs it. */
  readonly target?: ExportTarget;
  /** Adds to the graph what happens with the gradients: the solver's rule. */
  readonly extend?: (b: Builder, parts: TrainingParts) => Graph['assignments'];
}

export interface TrainingParts {
  /** Weighted sum of all losses, a scalar; undefined in a net without one. */
  readonly loss: Value | undefined;
  /** By parameter key; 0 where none flows, as in Caffe. Only of parameters that paramDiffs asks for. */
  readonly gradients: ReadonlyMap<string, Value>;
  /** All parameters by key. */
  readonly params: ReadonlyMap<string, Value>;
  /** Last version of each blob. */
  readonly blobs: ReadonlyMap<string, Value>;
  /** New values of the parameters that layers change themselves, by key. */
  readonly updates: ReadonlyMap<string, Value>;
}

export interface LoweredNet {
  readonly graph: Graph;
  /** What must be fed, with shapes: input blobs and `diff/<blob>`. */
  readonly inputs: ReadonlyMap<string, Shape>;
  /** The variables: every parameter of the net. */
  readonly params: readonly NetParam[];
}

export function lowerNet(net: NetGraph, options: LowerOptions = {}): LoweredNet {
  const b = new Builder(options.target);
  const forward = lowerForward(b, net, options);
  const backward = lowerBackward(b, net, forward, options);
  const { params, last } = forward;
  const carry = options.updates ?? true;
  const kept = carry ? forward.updates : new Map<string, Value>();
  const updates = options.extend?.(b, { ...backward, loss: forward.loss, params, blobs: last, updates: kept }) ?? [];
  const assignments = [...[...kept].map(([variable, value]) => ({ variable, value })), ...updates];
  const outputs = new Map<string, Value>();
  for (const name of fetched(net, options.fetch)) {
    const value = last.get(name);
    if (value) outputs.set(name, value);
  }
  if (options.writes) for (const [name, value] of written(net, forward, options)) outputs.set(name, value);
  if (options.labels) {
    for (const { name, bottoms } of labelled(net, options))
      outputs.set(labelName(name), need(forward.values, nth(bottoms, 1).id));
  }
  if (forward.loss) outputs.set(LOSS, forward.loss);
  if (options.fetchGradients ?? true) for (const [key, value] of backward.gradients) outputs.set(`grad/${key}`, value);
  for (const [name, value] of backward.blobDiffs) outputs.set(`grad/blob/${name}`, value);
  return { graph: b.finish({ outputs, assignments, carry }), inputs: backward.inputs, params: net.params };
}

/** The output that is what bottom `i` of a layer held when the layer read it. */
export function writtenName(layer: string, i: number): string {
  return `@write/${layer}/${i}`;
}

/** The output that is what a layer read as class numbers. */
export function labelName(layer: string): string {
  return `@label/${layer}`;
}

/** The layers, of those that are computed, whose class numbers no source feeds. */
export function labelled(net: NetGraph, { from, until }: LowerOptions): readonly NetLayer[] {
  return net.layers
    .slice(from, until)
    .filter(({ type, bottoms: [, label] }) => type.classLabels && label && !isFed(net, beforeSplits(net, label)));
}

/** The blob that Splits have copied. */
export function beforeSplits(net: NetGraph, blob: BlobVersion): BlobVersion {
  const producer = nth(net.layers, blob.producer);
  return producer.type.copies ? beforeSplits(net, nth(producer.bottoms, 0)) : blob;
}

/** Whether a source gives the blob. */
export const isFed = (net: NetGraph, blob: BlobVersion): boolean =>
  nth(net.layers, blob.producer).type.isSource ?? false;

function written(net: NetGraph, { values }: Forward, { from, until }: LowerOptions): [string, Value][] {
  const writers = net.layers.slice(from, until).filter(layer => layer.type.writes);
  return writers.flatMap(({ name, bottoms }) =>
    bottoms.map((blob, i): [string, Value] => [writtenName(name, i), need(values, blob.id)]),
  );
}

interface Forward {
  /** By version. */
  readonly values: ReadonlyMap<number, Value>;
  /** By name, first and last version. */
  readonly first: ReadonlyMap<string, Value>;
  readonly last: ReadonlyMap<string, Value>;
  readonly params: ReadonlyMap<string, Value>;
  readonly inputs: ReadonlyMap<string, Shape>;
  readonly losses: readonly { readonly value: Value; readonly weight: number }[];
  readonly loss: Value | undefined;
  /** Parameters that layers change by themselves: their new values, by key. */
  readonly updates: ReadonlyMap<string, Value>;
}

function lowerForward(
  b: Builder,
  net: NetGraph,
  { gradients = 'none', from = 0, until, prepare }: LowerOptions,
): Forward {
  const params = new Map(net.params.map(p => [p.key, b.variable(p.key, p.shape)]));
  const values = new Map<number, Value>();
  const first = new Map<string, Value>();
  const last = new Map<string, Value>();
  const inputs = new Map<string, Shape>();
  const losses: { value: Value; weight: number }[] = [];
  // What layers have made of the parameters so far: those that share statistics go on from each other's.
  const updates = new Map<string, Value>();
  for (const { id, name, shape } of blobsAcross(net, from, until)) {
    inputs.set(name, shape);
    values.set(id, b.input(name, shape));
  }
  for (const layer of net.layers.slice(from, until)) {
    const tops = b.withLabel(layer.name, () => {
      if (!layer.type.isSource) return lowerLayer(b, net, layer, values, params, gradients !== 'none', updates);
      for (const top of layer.tops) inputs.set(top.name, top.shape);
      const fed = layer.tops.map(top => b.input(top.name, top.shape));
      return prepare ? fed.map((value, i) => prepare(b, nth(layer.tops, i).name, value)) : fed;
    });
    layer.tops.forEach((top, i) => {
      const value = nth(tops, i);
      values.set(top.id, value);
      last.set(top.name, value);
      if (!first.has(top.name)) first.set(top.name, value);
      const weight = nth(layer.lossWeights, i);
      if (weight !== 0) losses.push({ value, weight });
    });
  }
  return { values, first, last, params, inputs, losses, loss: totalLoss(b, losses), updates };
}

/** Blobs of layers before `from` that layers from there on read. */
export function blobsAcross(net: NetGraph, from: number, until?: number): readonly BlobVersion[] {
  const read = net.layers.slice(from, until).flatMap(layer => layer.bottoms);
  return [...new Map(read.filter(blob => blob.producer < from).map(blob => [blob.id, blob])).values()];
}

function lowerLayer(
  b: Builder,
  net: NetGraph,
  layer: NetLayer,
  values: ReadonlyMap<number, Value>,
  params: ReadonlyMap<string, Value>,
  differentiate: boolean,
  updates: Map<string, Value>,
): readonly Value[] {
  const bottoms = layer.bottoms.map((blob, i) => {
    const value = need(values, blob.id);
    return differentiate && layer.blocked[i] ? b.stopGradient(value) : value;
  });
  const own = layer.params.map((index, i) => {
    const { key } = nth(net.params, index);
    return b.reshape(updates.get(key) ?? need(params, key), nth(layer.paramShapes, i));
  });
  const changed = layer.type.updates?.(layer.context, b, bottoms, own) ?? [];
  changed.forEach((value, i) => {
    const param = nth(net.params, nth(layer.params, i));
    if (value) updates.set(param.key, b.reshape(value, param.shape));
  });
  return layer.type.lower(layer.context, b, bottoms, own);
}

function totalLoss(b: Builder, losses: Forward['losses']): Value | undefined {
  return b.withLabel(LOSS, () =>
    losses
      .map(({ value, weight }) => b.mul(b.sum(value), weight))
      .reduce<Value | undefined>((sum, term) => (sum ? b.add(sum, term) : term), undefined),
  );
}

interface Backward {
  readonly gradients: ReadonlyMap<string, Value>;
  readonly blobDiffs: ReadonlyMap<string, Value>;
  readonly inputs: ReadonlyMap<string, Shape>;
}

function lowerBackward(b: Builder, net: NetGraph, forward: Forward, options: LowerOptions): Backward {
  const mode = options.gradients ?? 'none';
  if (mode === 'none') return { gradients: new Map(), blobDiffs: new Map(), inputs: forward.inputs };
  const inputs = new Map(forward.inputs);
  const seeds = seedsOf(b, forward, mode === 'seeds' ? (options.seeds ?? []) : [], inputs);
  const wanted = net.params.filter(p => options.paramDiffs === 'all' || net.forceBackward || p.lrMult !== 0);
  const names = options.blobDiffs ?? net.inputs.filter(name => reachesInput(net, name));
  const paramValues = wanted.map(p => need(forward.params, p.key));
  const blobValues = names.map(name => {
    const value = forward.first.get(name);
    if (!value) throw new Error(`lowerNet: the net has no blob "${name}"`);
    return value;
  });
  const found = gradients(b, seeds, [...paramValues, ...blobValues]);
  const orZero = (value: Value, i: number) => found[i] ?? b.zeros(value.shape);
  return {
    gradients: new Map(wanted.map((p, i) => [p.key, orZero(nth(paramValues, i), i)])),
    blobDiffs: new Map(names.map((name, i) => [name, orZero(nth(blobValues, i), wanted.length + i)])),
    inputs,
  };
}

function reachesInput(net: NetGraph, name: string): boolean {
  return (
    net.forceBackward || net.layers.some(l => l.bottoms.some((blob, i) => blob.name === name && l.propagateDown[i]))
  );
}

function seedsOf(b: Builder, forward: Forward, names: readonly string[], inputs: Map<string, Shape>): Seed[] {
  const fed = new Set(names);
  const replaced = new Set([...fed].map(name => forward.last.get(name)));
  const fromLosses = forward.losses
    .filter(loss => !replaced.has(loss.value))
    .map(({ value, weight }) => ({ value, seed: b.broadcast(b.scalar(weight), value.shape) }));
  const fromCaller = [...fed].map(name => {
    const value = forward.last.get(name);
    if (!value) throw new Error(`lowerNet: the net has no blob "${name}"`);
    inputs.set(`diff/${name}`, value.shape);
    return { value, seed: b.input(`diff/${name}`, value.shape) };
  });
  return [...fromLosses, ...fromCaller];
}

/** Names of the blobs that can be fetched. */
export function fetched(net: NetGraph, choice: LowerOptions['fetch'] = 'outputs'): readonly string[] {
  if (choice === 'all') return [...net.blobs.keys()];
  return choice === 'outputs' ? net.outputs : choice;
}

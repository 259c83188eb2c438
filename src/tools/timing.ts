/** How long a net takes on its engine, as a whole and layer by layer: what `caffe time` tells, with rates and memory. */

import { recordOf } from '../diagnostics/index.js';
import type { Feeds } from '../feeds/feeds.js';
import { type Shape, sizeOf } from '../ir/index.js';
import { isLoss, type NetGraph, type NetLayer } from '../net/index.js';
import { Random } from '../random/index.js';
import type { Net } from '../runtime/net.js';
import type { RunRequest } from '../runtime/runner.js';

export interface LayerTime {
  readonly layer: string;
  readonly type: string;
  /** Medians, in milliseconds. What an engine fuses counts for the last layer of those that it joins. */
  readonly forward: number;
  readonly backward: number;
  /** Multiply-adds. Backward: as many again for each of the two gradients (parameters', bottoms') that are computed. */
  readonly forwardMacs: number;
  readonly backwardMacs: number;
}

export interface Timing {
  readonly backend: string;
  readonly phase: 'TRAIN' | 'TEST';
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly iterations: number;
  /** Medians of whole runs that nobody watches, in milliseconds: inputs in, outputs out, gradients left on the engine. */
  readonly forward: number;
  readonly forwardBackward: number;
  /** The first run of each, plans and sessions made. */
  readonly firstForward: number;
  readonly firstForwardBackward: number;
  /** Most bytes that the engine held: parameters, their gradients, activations. */
  readonly memory: number;
  /** Empty where the engine cannot be watched. */
  readonly layers: readonly LayerTime[];
  /** What belongs to no layer: the sum of the losses, inputs and outputs of the engine. */
  readonly other: { readonly forward: number; readonly backward: number };
}

export interface TimingOptions {
  /** Of each kind of run, after one that warms up. Default 20. */
  readonly iterations?: number;
  /** Called after every run with the share that is done. */
  readonly onProgress?: (share: number) => void;
}

/**
 * Runs the net on noise: forward, then forward and backward, then the latter once more for every two iterations with each
 * layer's share watched. A net without a loss gets gradients of 1 for its outputs. Parameters stay as they are; the
 * net's engine keeps arrays for their gradients until it is disposed.
 *
 * @throws MokapotError `out-of-memory`
 */
export async function timeNet(net: Net, { iterations = 20, onProgress }: TimingOptions = {}): Promise<Timing> {
  const watched = Math.max(1, Math.ceil(iterations / 2));
  const total = 2 * (iterations + 1) + watched;
  let done = 0;
  const run = async (request: RunRequest) => {
    const start = performance.now();
    await net.runProgram(request);
    const took = performance.now() - start;
    onProgress?.(++done / total);
    return took;
  };
  const repeat = async (request: RunRequest) => {
    const first = await run(request);
    const times = [];
    for (let i = 0; i < iterations; i++) times.push(await run(request));
    return { first, median: median(times) };
  };
  const feeds = noise(net.graph);
  const forward = await repeat({ lower: { updates: false }, feeds, fetch: g => g.outputs });
  const both = gradientRun(net, feeds);
  const forwardBackward = await repeat(both);
  const times: Watched[] = [];
  for (let i = 0; i < watched; i++) {
    const labels: Watched = new Map();
    await run({ ...both, observe: (label, ms) => labels.set(label, (labels.get(label) ?? 0) + ms) });
    times.push(labels);
  }
  return {
    backend: net.engine.name,
    phase: net.phase,
    inputs: recordOf(net.inputs.map(name => [name, net.graph.blobs.get(name)!.shape] as const)),
    iterations,
    forward: forward.median,
    forwardBackward: forwardBackward.median,
    firstForward: forward.first,
    firstForwardBackward: forwardBackward.first,
    memory: net.engine.memory().peakBytes,
    ...byLayer(net.graph, times),
  };
}

/** Milliseconds of one run by label. */
type Watched = Map<string, number>;

/** Forward and backward. Gradients of parameters go to variables of their own, as in Caffe, not to the host. */
function gradientRun(net: Net, feeds: Feeds): RunRequest {
  const { graph, engine } = net;
  const hasLoss = graph.layers.some(isLoss);
  const seeds = hasLoss ? [] : graph.outputs;
  const ones = (name: string) => new Float32Array(sizeOf(graph.blobs.get(name)!.shape)).fill(1);
  return {
    lower: {
      gradients: 'seeds',
      seeds,
      updates: false,
      fetchGradients: false,
      extend: (_, { gradients }) =>
        [...gradients].map(([key, value]) => {
          const variable = `time/${key}`;
          if (!engine.has(variable)) engine.zero(variable, value.shape);
          return { variable, value };
        }),
    },
    extra: new Map(seeds.map(name => [`diff/${name}`, ones(name)])),
    feeds,
    fetch: g => g.outputs,
  };
}

/** Noise for every input that some layer reads first; zeros for labels and the like, which all classes fit. */
function noise(graph: NetGraph): Feeds {
  const random = new Random(1);
  const roots = new Map<number, string>();
  const read = new Set<string>();
  for (const layer of graph.layers) {
    if (layer.type.isSource) for (const top of layer.tops) roots.set(top.id, top.name);
    const first = layer.bottoms[0] && roots.get(layer.bottoms[0].id);
    if (first === undefined) continue;
    if (layer.type.copies) for (const top of layer.tops) roots.set(top.id, first);
    else read.add(first);
  }
  const feeds = graph.feeds.filter(feed => graph.layers[feed.layer]!.type.fedBy !== 'fillers');
  return recordOf(
    feeds.map(({ blob }) => {
      const size = sizeOf(graph.blobs.get(blob)!.shape);
      const draw = read.has(blob) ? () => random.uniform(-1, 1) : () => 0;
      return [blob, Float32Array.from({ length: size }, draw)] as const;
    }),
  );
}

function byLayer(graph: NetGraph, runs: readonly Watched[]): Pick<Timing, 'layers' | 'other'> {
  const labels = new Set(runs.flatMap(run => [...run.keys()]));
  const took = (label: string) => median(runs.map(run => run.get(label) ?? 0));
  const own = graph.layers.filter(l => !l.type.copies && (labels.has(l.name) || labels.has(`${l.name}'`)));
  const layers = own.map(layer => ({
    layer: layer.name,
    type: layer.type.type,
    forward: took(layer.name),
    backward: took(`${layer.name}'`),
    ...macsOf(graph, layer),
  }));
  const named = new Set(own.flatMap(l => [l.name, `${l.name}'`]));
  const rest = [...labels].filter(label => !named.has(label));
  const sum = (some: readonly string[]) => some.reduce((n, label) => n + took(label), 0);
  return {
    layers,
    other: {
      forward: sum(rest.filter(label => !label.endsWith("'"))),
      backward: sum(rest.filter(label => label.endsWith("'"))),
    },
  };
}

function macsOf(graph: NetGraph, layer: NetLayer): Pick<LayerTime, 'forwardMacs' | 'backwardMacs'> {
  const learns = layer.params.some(p => graph.params[p]!.lrMult !== 0);
  const gradients = (learns ? 1 : 0) + (layer.propagateDown.includes(true) ? 1 : 0);
  return { forwardMacs: layer.macs, backwardMacs: layer.macs * gradients };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

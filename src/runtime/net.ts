/**
 * Net: a network that runs, modelled on pycaffe's. Needs no files and runs in a page: weights are bytes, the engine is given,
 * and so is what feeds it. `node/net.ts` is the same with files.
 */

import { type Diagnostic, fail, hasErrors, literalKey, MokapotError, nearest, need } from '../diagnostics/index.js';
import type { Engine } from '../engines/types.js';
import { DummyData } from '../feeds/dummy_data.js';
import { type Feeds, readFeeds } from '../feeds/feeds.js';
import { MemoryData, memoryLayer } from '../feeds/memory_data.js';
import type { DataFeed, FeedSource } from '../feeds/source.js';
import type { Shape } from '../ir/index.js';
import { settled } from '../layers/index.js';
import {
  compileSelected,
  type Description,
  describeGraph,
  isLoss,
  type NetGraph,
  type NetOptions,
  type SelectedNet,
  selectLayers,
} from '../net/index.js';
import { Random, type RandomState } from '../random/index.js';
import { type NetParameter, type ParseOptions, parseNet, schemaOf } from '../schema/index.js';
import { concatBytes } from '../weights/formats/wire.js';
import {
  type Bytes,
  caffeH5Parts,
  caffemodelParts,
  copyWeights,
  inMemory,
  type StoredBlob,
  scanNetWeights,
  type WeightBlob,
  type WeightMatch,
} from '../weights/index.js';
import { ActivationBlob, type Blob, type Outputs, outputsOf, type Parameter, ParameterBlob } from './blob.js';
import { onePerLayer } from './host_layers.js';
import { ParamStore } from './param_store.js';
import { type BlobSink, type NetProgram, Runner, type RunRequest, type RunResult } from './runner.js';
import { disposed } from './turns.js';

/** Blobs by layer, as a reader of weights gives them: with their numbers in memory or still to be read. */
export interface LayerWeights {
  /** In each layer's order: weights, bias. */
  readonly layers: ReadonlyMap<string, readonly (WeightBlob | StoredBlob)[]>;
}

/** The bytes of a `.caffemodel`, `.caffemodel.h5`, `.safetensors` or `.npz`, which their content tells; or what was read from them. */
export type NetWeights = Bytes | LayerWeights;

/** How a net is loaded: its state, weights and engine. */
export interface NetLoadOptions extends NetOptions {
  /** What to copy parameters from by layer name, in order. */
  readonly weights?: NetWeights | readonly NetWeights[];
  /** An engine to run on, which stays the caller's; or what makes one for the net, which then frees it. */
  readonly engine?: Engine | (() => Promise<Engine>);
  /** Whether forward leaves all blobs readable, or (default) only the outputs. */
  readonly keepBlobs?: boolean;
  /** Of fillers, dropout and all other chance. Default: a new one each time, which `net.seed` tells. */
  readonly seed?: number;
  /** Takes this net's engine and, layer by layer by name, its parameters (Caffe's ShareTrainedLayersWith). */
  readonly shareWith?: Net;
  /** What its data layers are fed from where a run is not fed. It stays the caller's. */
  readonly data?: DataFeed;
  /** Takes what HDF5Output layers write. Default: nobody, and they do nothing. */
  readonly sink?: BlobSink;
}

/** The same for a net that comes as text. */
export interface TextOptions extends NetLoadOptions, ParseOptions {}

/** Options of one forward pass. */
export interface ForwardOptions {
  /** Makes every blob readable after the run, not the outputs alone. */
  readonly keepBlobs?: boolean;
}

/** The form of a file of weights. */
export interface NetSaveOptions {
  /** As `.caffemodel.h5`. Default: as `.caffemodel`. */
  readonly hdf5?: boolean;
  /** Gradients too, in HDF5. */
  readonly diffs?: boolean;
}

/** Options of one backward pass. */
export interface BackwardOptions {
  /** Blobs whose gradient is wanted besides those of the inputs under force_backward. */
  readonly diffs?: readonly string[];
}

/** What a net is made of, before weights are copied in. */
export interface NetParts {
  readonly graph: NetGraph;
  readonly selected: SelectedNet;
  readonly options: NetLoadOptions;
  readonly store: ParamStore;
  readonly random: Random;
  readonly seed: number;
  readonly diagnostics: readonly Diagnostic[];
  /** The engine, where it was made for this net. */
  readonly ownedEngine: Engine | undefined;
}

/**
 * Compiles a net in the state that was selected and makes its parameters. `notes` are put before its own diagnostics.
 *
 * @throws MokapotError with every error of the net; `no-engine`, `out-of-memory`
 */
export async function loadNet(
  selected: SelectedNet,
  given: NetLoadOptions,
  notes: readonly Diagnostic[] = [],
): Promise<NetParts> {
  const { shareWith: shared, data, seed = freshSeed() } = given;
  const options = {
    ...given,
    ...(data && { entryShapes: data.entryShapes }),
    hostLayer: onePerLayer(given.hostLayer ?? (() => undefined), selected.catalogue),
    catalogue: selected.catalogue,
  };
  const compiled = await settled(() => compileSelected(selected, options));
  const { engine, owned: ownedEngine } = await engineFor(given);
  try {
    const store = shared?.store ?? new ParamStore(engine);
    const random = new Random(seed);
    const graph = store.add(compiled, random, shared?.graph);
    data?.checkLabels(graph);
    const diagnostics = [...notes, ...graph.diagnostics];
    return { graph, selected, options, store, random, seed, diagnostics, ownedEngine };
  } catch (thrown) {
    ownedEngine?.dispose();
    throw thrown;
  }
}

async function engineFor({ engine, shareWith }: NetLoadOptions) {
  if (typeof engine === 'function') {
    const made = await engine();
    return { engine: made, owned: made };
  }
  const given = engine ?? shareWith?.engine;
  if (given) return { engine: given, owned: undefined };
  throw fail('no-engine', 'The net was given no engine to run on.', {
    hint: 'Make one and hand it in: { engine: await createEngine() }.',
  });
}

/** The net with the weights that it is loaded with; where they do not fit, what it holds is freed. */
export function withWeights<W extends object | string, N extends { copyFrom(weights: W): unknown; dispose(): void }>(
  net: N,
  weights: W | readonly W[] = [],
): N {
  try {
    for (const one of Array.isArray(weights) ? (weights as readonly W[]) : [weights as W]) net.copyFrom(one);
    return net;
  } catch (thrown) {
    net.dispose();
    throw thrown;
  }
}

/** A seed that nobody chose. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

/** A network that runs: blobs and parameters by name, forward, backward, weights. Modelled on pycaffe's. */
export class Net {
  /** What was fed and computed, by name. Shapes are those of the last run. */
  readonly blobs: ReadonlyMap<string, Blob>;
  /** By layer, in Caffe's layout. Numbers written here count from the next run on. */
  readonly params: ReadonlyMap<string, readonly Blob[]>;
  /** What each copy of weights took and left, in order. */
  readonly copies: WeightMatch[] = [];
  /** Of fillers, dropout and all other chance. */
  readonly seed: number;
  /** Notes and warnings about the text and the net. */
  readonly diagnostics: readonly Diagnostic[];
  /** The parameters, for nets that share them. */
  readonly store: ParamStore;
  private readonly options: NetLoadOptions;
  private readonly activations = new Map<string, ActivationBlob>();
  private readonly runner: Runner;
  /** MemoryData's numbers, by layer. */
  private readonly memory = new Map<string, MemoryData>();
  private readonly dummies: DummyData;
  /** What the last forward was fed, chance included. */
  private last: RunResult['feeds'] | undefined;
  private isDisposed = false;

  protected constructor(private readonly parts: NetParts) {
    const { graph, selected, options, store, random } = parts;
    this.options = options;
    this.store = store;
    this.seed = parts.seed;
    this.diagnostics = parts.diagnostics;
    this.dummies = new DummyData(graph, random);
    this.runner = new Runner(graph, selected, options, store, random, options.sink);
    this.blobs = this.activations;
    this.params = paramBlobs(graph, store);
    this.showShapes();
  }

  /**
   * Compiles a prototxt's text.
   *
   * @throws MokapotError with every error of the text, the net and the weights
   */
  static async fromText(text: string, options: TextOptions = {}): Promise<Net> {
    const { message, diagnostics } = parseNet(text, options);
    if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
    return Net.fromParam(message, options, diagnostics);
  }

  /** The same from a message. `notes` are put before the net's own diagnostics. */
  static async fromParam(
    param: NetParameter,
    options: NetLoadOptions = {},
    notes: readonly Diagnostic[] = [],
  ): Promise<Net> {
    return Net.fromSelected(selectLayers(param, options), options, notes);
  }

  /** The same of layers that were selected before. */
  static async fromSelected(
    selected: SelectedNet,
    options: NetLoadOptions = {},
    notes: readonly Diagnostic[] = [],
  ): Promise<Net> {
    return withWeights(new Net(await loadNet(selected, options, notes)), options.weights);
  }

  /** The network's name. */
  get name(): string {
    return this.graph.name;
  }

  /** The phase it was compiled for. */
  get phase(): 'TRAIN' | 'TEST' {
    return this.graph.phase;
  }

  /** The layer graph, for the input shapes of the last run. */
  get graph(): NetGraph {
    return this.runner.graph;
  }

  /**
   * The layer graph for other input shapes; the net itself stays as it is.
   *
   * @throws MokapotError with what does not fit; `reshape-params` where a parameter would change its shape
   */
  graphFor(inputShapes: Readonly<Record<string, Shape>>): NetGraph {
    return this.runner.graphFor(inputShapes);
  }

  /** What it runs on. */
  get engine(): Engine {
    return this.store.engine;
  }

  /** Seconds that its runs have waited for the data that its layers read. */
  get secondsWaited(): number {
    return this.runner.waited;
  }

  /** Blobs that are fed. */
  get inputs(): readonly string[] {
    return [...this.runner.declared.keys()];
  }

  /** Blobs that no layer reads. */
  get outputs(): readonly string[] {
    return this.graph.outputs;
  }

  /** Layers, shapes and costs, for the input shapes of the last run. */
  describe(): Description {
    return describeGraph(this.graph);
  }

  /**
   * Computes the net. Data layers whose files are there read the next batch, unless they are fed; other inputs that are not
   * fed keep their numbers. Another shape, given as `{ data, shape }`, stays until
   * the next one; the net is compiled once for each.
   *
   * @returns the outputs, by name: `out.score` or `out.get('score')`. They stay as they are when the net runs again.
   * @throws MokapotError `unknown-input`, `missing-input`, `feed-size`, `out-of-memory`
   */
  forward(feeds: Feeds = {}, options: ForwardOptions = {}): Promise<Outputs> {
    return this.turn(() => this.forwardNow(feeds, options));
  }

  private async forwardNow(feeds: Feeds, { keepBlobs = this.options.keepBlobs }: ForwardOptions): Promise<Outputs> {
    const run = await this.runNow({
      lower: { fetch: 'all' },
      feeds,
      fetch: graph => (keepBlobs ? [...graph.blobs.keys()] : graph.outputs),
    });
    const { net, feeds: fed, results } = run;
    this.showShapes();
    if (net.layers.some(layer => layer.type.updates)) await this.store.settle();
    const inputs = new Map(this.inputs.map(name => [name, need(fed, name).slice()]));
    for (const [name, data] of inputs) this.activations.get(name)!.hold(data);
    this.last = new Map([...fed, ...inputs]);
    for (const [name, data] of results) this.activations.get(name)?.hold(data);
    return this.snapshot(net.outputs);
  }

  /**
   * Hands a MemoryData layer its numbers (pycaffe's set_input_arrays): every run takes the next batch, after the last one
   * the first again.
   *
   * @param data an entry's numbers for each label
   * @param labels as many as a multiple of the layer's batch_size
   * @param layer where the net has several; default: the first
   * @throws MokapotError `no-memory-data`, `memory-data-rows`
   */
  setInputArrays(data: ArrayLike<number>, labels: ArrayLike<number>, layer?: string): void {
    if (this.isDisposed) throw disposed(this.called);
    const target = memoryLayer(this.graph, layer);
    this.memory.set(target.name, MemoryData.of(target, data, labels));
  }

  /**
   * Gradients at the last forward's inputs, with the same dropout. Fills `diff` of the parameters that learn, of the
   * inputs under force_backward, and of `options.diffs`. Unlike pycaffe's it does not add to what `diff` held. The layers
   * are computed anew for it, so that a forward need not keep every blob. As in Caffe, layers that lead to no loss have no
   * backward unless the net says force_backward (or `options.diffs` asks for a blob): their parameters' `diff` is 0.
   *
   * @param topDiffs gradients of blobs; that of a loss takes the place of its loss_weight, without it a loss needs none
   * @returns the blobs (not the parameters) whose gradient was computed
   * @throws MokapotError `no-forward`, `unknown-blob`, `no-gradient`, `feed-size`
   */
  backward(topDiffs: Feeds = {}, options: BackwardOptions = {}): Promise<Outputs> {
    return this.turn(() => this.backwardNow(topDiffs, options));
  }

  private async backwardNow(topDiffs: Feeds, { diffs = [] }: BackwardOptions): Promise<Outputs> {
    if (!this.last) throw fail('no-forward', 'backward needs a forward before it: it works at that one’s inputs.');
    const shapes = new Map([...this.blobs].map(([name, { shape }]) => [name, shape]));
    for (const name of [...Object.keys(topDiffs), ...diffs]) this.mustHaveBlob(name);
    const seeds = [...readFeeds(topDiffs, shapes, shapes)].map(([name, { data }]) => [name, data] as const);
    const hasLoss = this.graph.layers.some(isLoss);
    if (seeds.length === 0 && !hasLoss) {
      throw fail('no-gradient', 'The net has no loss, and backward was given no gradient to start from.', {
        hint: `Give those of its outputs: backward({ ${literalKey(this.outputs[0] ?? 'blob')}: numbers }).`,
      });
    }
    const wanted = [...new Set([...(this.graph.forceBackward ? this.inputs : []), ...diffs])];
    const names = seeds.map(([name]) => name).filter(name => this.runsBackward(name, diffs));
    const { results } = await this.runner.rerun(
      {
        lower: { gradients: 'seeds', seeds: names, blobDiffs: wanted, updates: false },
        extra: new Map(seeds.map(([name, data]) => [`diff/${name}`, data])),
        fetch: (_, outputs) => outputs.filter(name => name.startsWith('grad/')),
      },
      this.last,
    );
    for (const [name, data] of seeds) this.activations.get(name)!.holdDiff(data.slice());
    for (const name of wanted) this.activations.get(name)!.holdDiff(need(results, `grad/blob/${name}`));
    for (const { key } of this.graph.params) {
      const gradient = results.get(`grad/${key}`);
      if (gradient) this.store.get(key).holdDiff(gradient);
    }
    return this.snapshot(wanted);
  }

  /**
   * Whether a gradient given for a blob flows on: Caffe runs no backward through a layer that leads to no loss, unless
   * the net says force_backward; nor do we, where nobody asks for a blob's gradient.
   */
  private runsBackward(blob: string, diffs: readonly string[]): boolean {
    return diffs.length > 0 || this.graph.layers[this.graph.blobs.get(blob)!.producer]!.needsBackward;
  }

  /**
   * Copies parameters from weights by layer name, as Caffe does: layers without a partner are left alone (and listed), a
   * shape that differs is refused and nothing is copied. The numbers go straight from where they lie into the net's arrays.
   *
   * @throws MokapotError `weights-shape-mismatch`, `weights-blob-count`, `weights-none-fit` (no layer of them is the
   *   net's), `weights-damaged`, `weights-format`; `busy` while something runs on the parameters
   */
  copyFrom(weights: NetWeights): WeightMatch {
    if (this.isDisposed) throw disposed(this.called);
    this.store.turns.mustBeIdle('copyFrom');
    const seen = new Set<Parameter>();
    const targets = new Map(
      this.paramLayers().map(({ name, params }) => [
        name,
        params.map(({ parameter, shape }) => {
          const shared = seen.has(parameter);
          seen.add(parameter);
          return { shape, shared, data: parameter.values };
        }),
      ]),
    );
    const reading = { schema: schemaOf(this.graph.source) };
    const { layers } = 'layers' in weights ? weights : scanNetWeights(weights, undefined, reading);
    const match = copyWeights(storedBlobs(layers), targets, 'name' in weights ? weights.name : undefined);
    for (const name of match.copied) this.markChanged(name);
    this.copies.push(match);
    return match;
  }

  /**
   * Every layer of the net with its parameters as Caffe writes them: a `.caffemodel`, or with `hdf5` a `.caffemodel.h5`. With
   * `diffs`, HDF5 gets the gradients of the last backward too (a solver's snapshot_diff).
   */
  toBytes(options: NetSaveOptions = {}): Promise<Uint8Array> {
    return this.turn(async () => concatBytes([...(await this.fileParts(options))]));
  }

  /** The same piece by piece. The parameters must not change until all are taken. */
  protected async fileParts({ hdf5 = false, diffs = false }: NetSaveOptions): Promise<Iterable<Uint8Array>> {
    await this.store.download();
    const valuesOf = (take: (p: Parameter) => Float32Array) =>
      this.paramLayers().map(({ name, params }) => {
        const blobs = params.map(({ parameter, shape }) => ({ shape, data: take(parameter) }));
        return [name, blobs] as [string, WeightBlob[]];
      });
    const params = new Map(valuesOf(p => p.values));
    if (hdf5) {
      const every = this.graph.layers.map((l): [string, WeightBlob[]] => [l.name, []]);
      const all = (some: typeof params) => new Map([...every, ...some]);
      return caffeH5Parts(all(params), diffs ? all(new Map(valuesOf(p => p.diff))) : undefined);
    }
    const layer = this.graph.layers.map(l => l.param);
    return caffemodelParts({ name: this.name, layer }, params, { phase: this.phase });
  }

  /**
   * Makes arrays of parameters that someone holds current after runs that changed the engine's copies. `Solver.step` does
   * it at its end; `blob.data` itself always gives the newest numbers once a step has ended. With `all`, every array.
   */
  sync(all = false): Promise<void> {
    return this.turn(() => (all ? this.store.download() : this.store.settle()));
  }

  /**
   * Frees what the net holds on its engine, when the run under way has ended; the engine too, where it was made for it.
   * HDF5Output's files are whole then. The net cannot be used any more.
   */
  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    const { turns } = this.store;
    if (turns.isBusy) void turns.take(async () => this.free());
    else this.free();
  }

  /** What dispose() frees, once nothing runs. */
  protected free(): void {
    this.options.sink?.flush();
    this.runner.dispose();
    this.parts.ownedEngine?.dispose();
  }

  /** Runs a program of one's own, e.g. a training step; blobs stay as they are. */
  runProgram(request: RunRequest): Promise<RunResult> {
    return this.turn(() => this.runNow(request));
  }

  private runNow(request: RunRequest): Promise<RunResult> {
    return this.runner.run({ ...request, held: name => this.heldData(name) }, this.sources);
  }

  /** Compiles such a program. @throws MokapotError `out-of-memory` where its run would not fit the engine */
  prepareProgram(program: NetProgram): Promise<void> {
    return this.turn(() => this.runner.prepare(program));
  }

  /** Waits for what was asked for before; refuses where the net is disposed of. */
  protected async turn<T>(work: () => Promise<T>): Promise<T> {
    const run = () => {
      if (this.isDisposed) throw disposed(this.called);
      return work();
    };
    return this.isDisposed ? run() : this.store.turns.take(async () => run());
  }

  private get called(): string {
    return this.name === '' ? 'The net' : `The net "${this.name}"`;
  }

  /** Where the generator of dropout and other chance stands. */
  saveRandom(): RandomState {
    return this.parts.random.save();
  }

  /** Puts its generator where `saveRandom` found it. */
  restoreRandom(state: RandomState): void {
    this.parts.random.restore(state);
  }

  /** What fills the inputs that a run is not fed. */
  private get sources(): readonly FeedSource[] {
    const { data } = this.options;
    return [...(data ? [data] : []), ...this.memory.values(), this.dummies];
  }

  private heldData(name: string): Float32Array | undefined {
    const blob = this.activations.get(name)!;
    return blob.isMade ? blob.data : undefined;
  }

  private showShapes(): void {
    for (const [name, { shape }] of this.graph.blobs) {
      const blob = this.activations.get(name);
      if (blob) blob.reshape(shape);
      else this.activations.set(name, new ActivationBlob(shape));
    }
  }

  /** Blobs as they are now. */
  private snapshot(names: readonly string[]): Outputs {
    return outputsOf(names.map(name => [name, this.activations.get(name)!.copy()]));
  }

  private mustHaveBlob(name: string): void {
    if (this.blobs.has(name)) return;
    const near = nearest(name, this.blobs.keys());
    throw fail('unknown-blob', `The net has no blob "${name}".`, {
      hint: near ? `Did you mean "${near}"?` : `Its outputs: ${this.outputs.join(', ')}.`,
    });
  }

  private paramLayers() {
    return [...this.params].map(([name, blobs]) => ({ name, params: blobs as readonly ParameterBlob[] }));
  }

  private markChanged(layer: string): void {
    for (const blob of this.params.get(layer) as readonly ParameterBlob[]) blob.parameter.changedOnHost();
  }
}

function paramBlobs(net: NetGraph, store: ParamStore): Map<string, readonly ParameterBlob[]> {
  const withParams = net.layers.filter(layer => layer.params.length > 0);
  return new Map(
    withParams.map(layer => [
      layer.name,
      layer.params.map((index, i) => new ParameterBlob(store.get(net.params[index]!.key), layer.paramShapes[i]!)),
    ]),
  );
}

/** Blobs that are read straight into a net's arrays. */
function storedBlobs(layers: LayerWeights['layers']): ReadonlyMap<string, readonly StoredBlob[]> {
  const stored = (blob: WeightBlob | StoredBlob): StoredBlob => ('read' in blob ? blob : inMemory(blob));
  return new Map([...layers].map(([name, blobs]) => [name, blobs.map(stored)]));
}

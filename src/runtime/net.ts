/** Net: a network that runs, modelled on pycaffe's. */

import { dirname } from 'node:path';
import { type Diagnostic, fail, hasErrors, MokapotError, nearest } from '../diagnostics/index.js';
import { createEngine, type Engine } from '../engines/node/index.js';
import { DataFeeds } from '../feeds/data_feeds.js';
import { type Feeds, readFeeds } from '../feeds/feeds.js';
import { MemoryFeeds } from '../feeds/memory_feeds.js';
import type { Shape } from '../ir/index.js';
import { settled } from '../layers/index.js';
import { compileNet, type Description, describeGraph, type NetGraph, type NetOptions } from '../net/index.js';
import type { PythonProcess } from '../python/index.js';
import { Random, type RandomState } from '../random/index.js';
import { type NetParameter, parseNet, schemaOf } from '../schema/index.js';
import {
  copyWeights,
  type ScannedWeights,
  scanNetWeights,
  type WeightBlob,
  type WeightMatch,
} from '../weights/index.js';
import { saveCaffeH5, saveCaffemodel, useNetWeights } from '../weights/node/files.js';
import { ActivationBlob, type Blob, type Outputs, outputsOf, type Parameter, ParameterBlob } from './blob.js';
import { blobReader } from './blob_files.js';
import { BlobSinks } from './blob_sinks.js';
import { ParamStore } from './param_store.js';
import {
  loadPythonModules,
  onePerLayer,
  pythonProcess,
  type UserCodeOptions,
  type UserFile,
} from './python_modules.js';
import { Runner, type RunRequest, type RunResult } from './runner.js';
import { parseOptions, readPrototxt, type SchemaOptions } from './schemas.js';

/** A `.caffemodel`, `.caffemodel.h5`, `.safetensors` or `.npz`, which its content tells: its path or its bytes. */
export type Weights = string | Uint8Array;

export interface NetLoadOptions extends NetOptions, UserCodeOptions, SchemaOptions {
  /** What to copy parameters from by layer name, in order. */
  readonly weights?: Weights | readonly Weights[];
  /** The name of an engine (`onnx`, `wasm`, …: `engineNames`) or `auto`. Default: MOKAPOT_BACKEND, else auto. */
  readonly backend?: string;
  /** An engine to run on, instead of one of the net's own. It stays the caller's. */
  readonly engine?: Engine;
  /** Whether forward leaves all blobs readable, or (default) only the outputs. */
  readonly keepBlobs?: boolean;
  /** Of fillers, dropout and all other chance. Default: a new one each time, which `net.seed` tells. */
  readonly seed?: number;
  /** Takes this net's engine and, layer by layer by name, its parameters (Caffe's ShareTrainedLayersWith). */
  readonly shareWith?: Net;
}

export interface TextOptions extends NetLoadOptions {
  /** What diagnostics call the text. */
  readonly name?: string;
  /** The folder its Python layers lie in. */
  readonly dir?: string;
}

export interface ForwardOptions {
  /** Makes every blob readable after the run, not the outputs alone. */
  readonly keepBlobs?: boolean;
}

export interface BackwardOptions {
  /** Blobs whose gradient is wanted besides those of the inputs under force_backward. */
  readonly diffs?: readonly string[];
}

export class Net {
  /** What was fed and computed, by name. Shapes are those of the last run. */
  readonly blobs: ReadonlyMap<string, Blob>;
  /** By layer, in Caffe's layout. Numbers written here count from the next run on. */
  readonly params: ReadonlyMap<string, readonly Blob[]>;
  private readonly activations = new Map<string, ActivationBlob>();
  /** What each copy of weights took and left, in order. */
  readonly copies: WeightMatch[] = [];
  private readonly runner: Runner;
  private readonly memory = new MemoryFeeds();
  /** What it reads itself where a forward is not fed. */
  private data: DataFeeds | undefined;
  private readonly sinks: BlobSinks;
  /** What the last forward was fed, chance included. */
  private last: RunResult['feeds'] | undefined;

  private constructor(
    graph: NetGraph,
    private readonly options: NetLoadOptions & { readonly dir?: string },
    private readonly store: ParamStore,
    private readonly random: Random,
    /** Of fillers, dropout and all other chance. */
    readonly seed: number,
    /** Notes and warnings about the text and the net. */
    readonly diagnostics: readonly Diagnostic[],
    /** What runs its layers that are Python files, one for all nets that share parameters; and which files those are. */
    private readonly userCode: { readonly python: PythonProcess; readonly files: readonly UserFile[] },
  ) {
    this.sinks = new BlobSinks(options.dir);
    this.runner = new Runner(graph, options, store, random, this.sinks);
    this.blobs = this.activations;
    this.params = paramBlobs(graph, store);
    this.showShapes();
  }

  /**
   * Reads a prototxt.
   *
   * @throws MokapotError with every error of the text, the net and the weights
   */
  static async fromFile(path: string, options: NetLoadOptions = {}): Promise<Net> {
    const { text, schema } = await readPrototxt(path, options);
    return Net.fromText(text, { ...options, schema, name: path, dir: dirname(path) });
  }

  /** The same from a prototxt's text. */
  static async fromText(text: string, options: TextOptions = {}): Promise<Net> {
    const { message, diagnostics } = parseNet(text, parseOptions(options, options.name));
    if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
    return Net.fromParam(message, options, diagnostics);
  }

  /** The same from a message. `notes` are put before the net's own diagnostics. */
  static async fromParam(
    param: NetParameter,
    options: NetLoadOptions & { readonly dir?: string } = {},
    notes: readonly Diagnostic[] = [],
  ): Promise<Net> {
    const shared = options.shareWith;
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
    const python = shared?.userCode.python ?? pythonProcess(options, seed);
    let engine: Engine | undefined;
    let data: DataFeeds | undefined;
    try {
      const places = { given: options.pythonLayers ?? [], ...(options.dir !== undefined && { protoDir: options.dir }) };
      const modules = options.hostLayer ? undefined : await loadPythonModules(param, places, python);
      const hostLayer = onePerLayer(options.hostLayer ?? modules!.make);
      data = options.entryShapes ? undefined : await ownData(param, options, seed);
      const own = data && { entryShapes: data.entryShapes };
      const full = { ...options, ...own, hostLayer, readBlob: options.readBlob ?? blobReader(options.dir) };
      const graph = await settled(() => compileNet(param, full));
      engine = options.engine ?? shared?.engine ?? (await createEngine(options.backend));
      const store = shared?.store ?? new ParamStore(engine);
      const random = new Random(seed);
      const owned = store.add(graph, random, shared?.graph);
      const net = new Net(owned, full, store, random, seed, [...notes, ...graph.diagnostics], {
        python,
        files: modules?.files ?? [],
      });
      data?.checkLabels(graph);
      net.data = data;
      for (const weights of [options.weights ?? []].flat()) net.copyFrom(weights);
      return net;
    } catch (thrown) {
      await data?.close();
      if (!shared) python.close();
      if (!options.engine && !shared) engine?.dispose();
      throw thrown;
    }
  }

  get name(): string {
    return this.graph.name;
  }

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

  get engine(): Engine {
    return this.store.engine;
  }

  /** Files of user code that its Python layers name. */
  get userFiles(): readonly UserFile[] {
    return this.userCode.files;
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
  async forward(feeds: Feeds = {}, { keepBlobs = this.options.keepBlobs }: ForwardOptions = {}): Promise<Outputs> {
    const {
      net,
      feeds: fed,
      results,
    } = await this.runner.run({
      kind: 'forward',
      lower: { fetch: 'all' },
      feeds: { ...(await this.readData(feeds)), ...this.memory.next(feeds) },
      held: name => this.heldData(name),
      fetch: graph => (keepBlobs ? [...graph.blobs.keys()] : graph.outputs),
    });
    this.showShapes();
    if (net.layers.some(layer => layer.type.updates)) await this.store.settle();
    const inputs = Object.fromEntries(this.inputs.map(name => [name, fed[name]!.slice()]));
    for (const [name, data] of Object.entries(inputs)) this.activations.get(name)!.hold(data);
    this.last = { ...fed, ...inputs };
    for (const [name, data] of Object.entries(results)) this.activations.get(name)?.hold(data);
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
    this.memory.set(this.graph, data, labels, layer);
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
  async backward(topDiffs: Feeds = {}, { diffs = [] }: BackwardOptions = {}): Promise<Outputs> {
    if (!this.last) throw fail('no-forward', 'backward needs a forward before it: it works at that one’s inputs.');
    const shapes = new Map([...this.blobs].map(([name, { shape }]) => [name, shape]));
    for (const name of [...Object.keys(topDiffs), ...diffs]) this.mustHaveBlob(name);
    const seeds = [...readFeeds(topDiffs, shapes, shapes)].map(([name, { data }]) => [name, data] as const);
    const hasLoss = this.graph.layers.some(l => l.lossWeights.some(w => w !== 0));
    if (seeds.length === 0 && !hasLoss) {
      throw fail('no-gradient', 'The net has no loss, and backward was given no gradient to start from.', {
        hint: `Give those of its outputs: backward({ ${this.outputs[0] ?? 'blob'}: numbers }).`,
      });
    }
    const wanted = [...new Set([...(this.graph.forceBackward ? this.inputs : []), ...diffs])];
    const names = seeds.map(([name]) => name).filter(name => this.runsBackward(name, diffs));
    const { results } = await this.runner.rerun(
      {
        kind: `backward ${JSON.stringify([names, wanted])}`,
        lower: { gradients: 'seeds', seeds: names, blobDiffs: wanted, updates: false },
        extra: Object.fromEntries(seeds.map(([name, data]) => [`diff/${name}`, data])),
        fetch: (_, outputs) => outputs.filter(name => name.startsWith('grad/')),
      },
      this.last,
    );
    for (const [name, data] of seeds) this.activations.get(name)!.holdDiff(data.slice());
    for (const name of wanted) this.activations.get(name)!.holdDiff(results[`grad/blob/${name}`]!);
    for (const { key } of this.graph.params) {
      const gradient = results[`grad/${key}`];
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
   * Copies parameters from a weights file by layer name, as Caffe does: layers without a partner are left alone (and
   * listed), a shape that differs is refused and nothing is copied. The numbers go straight from the file into the net's
   * arrays.
   *
   * @throws MokapotError `weights-shape-mismatch`, `weights-blob-count`, `weights-file`, `weights-damaged`, `weights-format`
   */
  copyFrom(weights: Weights): WeightMatch {
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
    const copy = ({ layers }: ScannedWeights) => copyWeights(layers, targets);
    const options = { schema: schemaOf(this.graph.source) };
    const match =
      typeof weights === 'string'
        ? useNetWeights(weights, copy, options)
        : copy(scanNetWeights(weights, undefined, options));
    for (const name of match.copied) this.markChanged(name);
    this.copies.push(match);
    return match;
  }

  /**
   * Writes every layer of the net with its parameters as Caffe would: a `.caffemodel`, or HDF5 where the name ends in
   * `.h5`. With `diffs`, HDF5 gets the gradients of the last backward too (a solver's snapshot_diff).
   */
  async save(path: string, { diffs = false }: { readonly diffs?: boolean } = {}): Promise<void> {
    await this.sync(true);
    const valuesOf = (take: (p: Parameter) => Float32Array) =>
      this.paramLayers().map(({ name, params }) => {
        const blobs = params.map(({ parameter, shape }) => ({ shape, data: take(parameter) }));
        return [name, blobs] as [string, WeightBlob[]];
      });
    const params = new Map(valuesOf(p => p.values));
    if (path.endsWith('.h5')) {
      const every = this.graph.layers.map((l): [string, WeightBlob[]] => [l.name, []]);
      const all = (some: typeof params) => new Map([...every, ...some]);
      await saveCaffeH5(path, all(params), diffs ? all(new Map(valuesOf(p => p.diff))) : undefined);
      return;
    }
    const layer = this.graph.layers.map(l => l.param);
    await saveCaffemodel(path, { name: this.name, layer }, params, { phase: this.phase });
  }

  /**
   * Makes arrays of parameters that someone holds current after runs that changed the engine's copies. `Solver.step` does
   * it at its end; `blob.data` itself always gives the newest numbers once a step has ended. With `all`, every array.
   */
  async sync(all = false): Promise<void> {
    await (all ? this.store.download() : this.store.settle());
  }

  /** Frees what the net holds on its engine; the engine too, unless it was given or shared. HDF5Output's files are whole then. */
  dispose(): void {
    this.sinks.flush();
    void this.data?.close();
    this.runner.dispose();
    if (!this.options.shareWith) this.userCode.python.close();
    if (!this.options.engine && !this.options.shareWith) this.engine.dispose();
  }

  /** Runs a program of one's own, e.g. a training step; blobs stay as they are. */
  runProgram(request: RunRequest): Promise<RunResult> {
    const feeds = this.memory.next(request.feeds);
    return this.runner.run({ ...request, feeds, held: name => this.heldData(name) });
  }

  /** Compiles such a program. @throws MokapotError `out-of-memory` where its run would not fit the engine */
  prepareProgram(request: Pick<RunRequest, 'kind' | 'lower' | 'fetch'>): Promise<void> {
    return this.runner.prepare(request);
  }

  /** Where the generator of dropout and other chance stands. */
  saveRandom(): RandomState {
    return this.random.save();
  }

  restoreRandom(state: RandomState): void {
    this.random.restore(state);
  }

  /** The next batch of the net's own data layers; none where the caller feeds a blob of theirs. */
  private async readData(given: Feeds): Promise<Feeds> {
    const isFed = Object.keys(given).some(blob => this.data?.blobs.includes(blob));
    return isFed || !this.data ? {} : (await this.data.next()).feeds;
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

function ownData(param: NetParameter, options: NetLoadOptions & { readonly dir?: string }, seed: number) {
  return DataFeeds.bindOwn(param, options, { dir: options.dir ?? '.', seed, shuffle: false });
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

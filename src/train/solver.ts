/** Solver: trains a net, modelled on pycaffe's. */

import { existsSync, mkdirSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { type Dataset, openDataset } from '../data/index.js';
import { type Diagnostic, fail, hasErrors, MokapotError } from '../diagnostics/index.js';
import { createEngine, type Engine } from '../engines/node/index.js';
import type { DataFeeds } from '../feeds/data_feeds.js';
import type { Feeds } from '../feeds/feeds.js';
import { sizeOf } from '../ir/index.js';
import { LOSS, type NetGraph, type NetOptions, type NetParam } from '../net/index.js';
import type { Net, Weights } from '../runtime/net.js';
import type { UserCodeOptions } from '../runtime/python_modules.js';
import type { RunRequest } from '../runtime/runner.js';
import { parseOptions, readPrototxt, type SchemaOptions } from '../runtime/schemas.js';
import { parseSolver, SolverParameter } from '../schema/index.js';
import {
  accumulate,
  accumulatorKey,
  applyUpdate,
  checkSolver,
  historyKey,
  rateAt,
  solverFeeds,
  updateRules,
} from '../solver/index.js';
import type { Json, WeightMatch } from '../weights/index.js';
import { loadSolverstate, saveSolverstate } from '../weights/node/files.js';
import { figures, figuresToFetch, Mean, testBatches, testProgram } from './figures.js';
import { genericTests, NetMaker, type NetWithFeeds } from './make_nets.js';
import { type NamedNet, type NamedTestNet, testNetsOf, trainNetOf } from './nets.js';
import {
  checkHistory,
  learnedNetOf,
  type ResumeState,
  resumeOf,
  type SnapshotFiles,
  snapshotNames,
} from './snapshot.js';
import { atIteration } from './user_code.js';

export interface SolverOptions extends UserCodeOptions, SchemaOptions {
  readonly backend?: string;
  /** An engine to run on; it stays the caller's. */
  readonly engine?: Engine;
  /** Copied into the training net before it starts, by layer name. */
  readonly weights?: Weights | readonly Weights[];
  /** The data set in use (or its folder), for Data layers without a source: split train for training, val for tests. */
  readonly dataset?: Dataset | string;
  /** Whether that data set is read in a new order each epoch. Default true. */
  readonly shuffle?: boolean;
  /** Overrides random_seed. Without either a new one is drawn; `solver.seed` tells it. */
  readonly seed?: number;
  /** Stages beside those that the solver names. */
  readonly stages?: readonly string[];
  /** Level, where the solver names none. */
  readonly level?: number;
  /** Shapes of inputs, as for a Net. */
  readonly inputShapes?: NetOptions['inputShapes'];
}

export interface SolverTextOptions extends SolverOptions {
  readonly name?: string;
  /** Where relative paths start. Default: the working directory. */
  readonly dir?: string;
}

/** What is fed at an iteration; with iter_size above 1, called for each of its passes. */
export type FeedFunction = (iter: number, pass: number) => Feeds | Promise<Feeds>;

export interface Iteration {
  /** The iteration that was done, from 0 on. */
  readonly iter: number;
  /** Mean over iter_size. */
  readonly loss: number;
  readonly rate: number;
  /** The net's outputs of at most 64 numbers, of the last pass. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

export interface TestOptions {
  /** Every entry of the net's data once, instead of `test_iter` batches. */
  readonly whole?: boolean;
  /** For a net without Data layers: the same at each batch. */
  readonly feeds?: Feeds;
  /** Stops before the next batch; the result is then of those that were done. */
  readonly signal?: AbortSignal;
}

export interface TestResult {
  /** Means over the test. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly loss: number | undefined;
  /** Batches that it took. */
  readonly batches: number;
}

interface Parts {
  readonly param: SolverParameter;
  readonly options: SolverOptions;
  readonly dir: string | undefined;
  readonly seed: number;
  readonly train: NetWithFeeds;
  readonly tests: readonly (NetWithFeeds & { readonly named: NamedTestNet })[];
  readonly named: NamedNet;
  readonly diagnostics: readonly Diagnostic[];
  /** What was opened and made here, to be closed with the solver. */
  readonly ownedDataset: Dataset | undefined;
  readonly ownedEngine: Engine | undefined;
}

export class Solver {
  /** The net that is trained. */
  readonly net: Net;
  /** They have the training net's parameters. */
  readonly testNets: readonly Net[];
  readonly param: SolverParameter;
  readonly seed: number;
  /** Notes and warnings about the solver and the nets. */
  readonly diagnostics: readonly Diagnostic[];
  private iteration = 0;
  private currentStep = 0;
  private window: number[] = [];
  private allLosses: number[] = [];
  /** Changes when the set of parameters that an update touches does. */
  private version = 0;
  private touched: readonly NetParam[];

  private constructor(private readonly parts: Parts) {
    this.param = parts.param;
    this.seed = parts.seed;
    this.net = parts.train.net;
    this.testNets = parts.tests.map(t => t.net);
    this.diagnostics = parts.diagnostics;
    this.touched = touchedParams(this.net.graph, parts.param, new Set());
  }

  /**
   * Reads a solver and its nets. Paths in it start at its own folder, then at the working directory.
   *
   * @throws MokapotError with every error of the solver, its nets and the weights; `out-of-memory` where an iteration would
   *   not fit the engine
   */
  static async fromFile(path: string, options: SolverOptions = {}): Promise<Solver> {
    const { text, schema } = await readPrototxt(path, options);
    return Solver.fromText(text, { ...options, schema, name: path, dir: dirname(path) });
  }

  /** The same from a solver's text. */
  static async fromText(text: string, options: SolverTextOptions = {}): Promise<Solver> {
    const { message, diagnostics } = parseSolver(text, parseOptions(options, options.name));
    if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
    return Solver.fromParam(message, options, diagnostics);
  }

  /** The same from a message. `net`, if given, stands for the nets that the solver names. */
  static async fromParam(
    param: SolverParameter,
    options: SolverTextOptions & { readonly net?: NamedNet } = {},
    notes: readonly Diagnostic[] = [],
  ): Promise<Solver> {
    const checked = [...notes, ...checkSolver(param)];
    if (hasErrors(checked)) throw new MokapotError(checked);
    const dir = options.dir;
    const named = options.net ?? (await trainNetOf(param, dir, options));
    const tests = options.net ? genericTests(options.net, param) : await testNetsOf(param, dir, options);
    const opened = typeof options.dataset === 'string' ? await openDataset(options.dataset) : undefined;
    const engine = options.engine ? undefined : await createEngine(options.backend);
    const built: { solver?: Solver; trained: NetWithFeeds[] } = { trained: [] };
    try {
      const { seed } = options;
      const maker = new NetMaker(param, options, {
        dataset: opened ?? (options.dataset as Dataset | undefined),
        engine: engine ?? options.engine!,
        seed: seed ?? (param.random_seed >= 0 ? param.random_seed : Math.floor(Math.random() * 2 ** 32)),
        made: built.trained,
      });
      const train = await maker.train(named);
      const made = [];
      for (const test of tests) made.push({ ...(await maker.test(test, train.net)), named: test });
      const notesOfNets = [...named.diagnostics, ...train.net.diagnostics];
      const diagnostics = [...checked, ...notesOfNets];
      const owned = { ownedDataset: opened, ownedEngine: engine };
      const solver = new Solver({
        param,
        options,
        dir,
        seed: maker.seed,
        train,
        tests: made,
        named,
        diagnostics,
        ...owned,
      });
      await solver.prepare();
      return solver;
    } catch (thrown) {
      for (const { data, net } of built.trained) {
        net.dispose();
        await data?.close();
      }
      await opened?.close();
      engine?.dispose();
      throw thrown;
    }
  }

  /** Iterations done. */
  get iter(): number {
    return this.iteration;
  }

  /** The loss of every iteration since the solver was made or restored. */
  get losses(): readonly number[] {
    return this.allLosses;
  }

  /** Mean of the last `average_loss` losses; NaN before the first. */
  get smoothedLoss(): number {
    return this.window.reduce((sum, loss) => sum + loss, 0) / this.window.length;
  }

  /** The learning rate of the next iteration. */
  get rate(): number {
    return rateAt(this.param, this.iteration, this.currentStep).rate;
  }

  /** The batches of the training net's Data layers; undefined where the caller feeds. */
  get data(): DataFeeds | undefined {
    return this.parts.train.data;
  }

  /** The training net as it was named: message, text, folder. */
  get source(): NamedNet {
    return this.parts.named;
  }

  /** The test nets, likewise. */
  get testSources(): readonly NamedNet[] {
    return this.parts.tests.map(t => t.named);
  }

  /** The folder that relative paths start from. */
  get dir(): string | undefined {
    return this.parts.dir;
  }

  /**
   * Does `n` iterations. It does not test, display or snapshot: that is `train`.
   *
   * @param feeds for a net without Data layers: the same each time, or a function of the iteration and pass
   * @returns the loss of the last iteration
   */
  async step(n = 1, feeds?: Feeds | FeedFunction): Promise<number> {
    if (!Number.isSafeInteger(n) || n < 1)
      throw fail('bad-count', `step(${String(n)}): a whole number of iterations is wanted, at least 1.`);
    let loss = Number.NaN;
    for (let i = 0; i < n; i++) ({ loss } = await this.iterate(feeds));
    await this.net.sync();
    return loss;
  }

  /** One iteration; arrays of parameters that someone holds are as old as before until `net.sync()`. */
  async iterate(feeds?: Feeds | FeedFunction): Promise<Iteration> {
    const { param } = this;
    const { rate, currentStep } = rateAt(param, this.iteration, this.currentStep);
    let loss = 0;
    let outputs = {};
    for (let pass = 0; pass < param.iter_size; pass++) {
      const isLast = pass === param.iter_size - 1;
      const run = this.net.runProgram({
        ...(isLast ? this.updateProgram() : this.accumulateProgram()),
        feeds: await this.feedsOf(feeds, pass),
        extra: isLast ? solverFeeds(param, this.iteration, rate) : {},
      });
      const { net, results } = await atIteration(`Iteration ${this.iteration}`, run);
      loss += results[LOSS]![0]! / param.iter_size;
      outputs = figures(net, results);
    }
    this.currentStep = currentStep;
    this.noteLoss(loss);
    return { iter: this.iteration++, loss, rate, outputs };
  }

  /**
   * Runs a test net: `test_iter` batches, as Caffe does, or with `whole` every entry of its data once.
   *
   * @returns means of its outputs
   */
  async test(index = 0, { whole = false, feeds, signal }: TestOptions = {}): Promise<TestResult> {
    const { net, data, named } = this.parts.tests[index]!;
    const mean = new Mean();
    for await (const batch of testBatches(data, named.iterations, whole, feeds)) {
      if (signal?.aborted) break;
      const run = net.runProgram({ ...testProgram, feeds: batch.feeds });
      const { net: graph, results } = await atIteration(`Test at iteration ${this.iteration}`, run);
      mean.add({ ...figures(graph, results), ...(results[LOSS] && { [LOSS]: [results[LOSS][0]!] }) }, batch.count);
    }
    const { [LOSS]: loss, ...outputs } = mean.result();
    return { outputs, loss: loss?.[0], batches: mean.batches };
  }

  /**
   * Writes `<prefix>_iter_<iter>.caffemodel` and `.solverstate`, or `.caffemodel.h5` and `.solverstate.h5`, as snapshot_format says.
   *
   * @param prefix default: `snapshot_prefix`, from the solver's folder if its folder is there, else from the working directory
   */
  async snapshot(prefix?: string): Promise<SnapshotFiles> {
    const written = prefix ?? (this.param.snapshot_prefix || 'snapshot');
    const isHdf5 = this.param.snapshot_format === SolverParameter.SnapshotFormat.HDF5;
    const names = snapshotNames(written, this.iteration, isHdf5);
    const files = snapshotNames(prefix ? resolve(prefix) : this.resolvePrefix(written), this.iteration, isHdf5);
    mkdirSync(dirname(files.weights), { recursive: true });
    await this.net.save(files.weights);
    await saveSolverstate(files.state, {
      iter: this.iteration,
      learned_net: names.weights,
      history: await this.readHistory(),
      current_step: this.currentStep,
      resume: this.resumeState() as unknown as Json,
    });
    return files;
  }

  /**
   * Goes on from a `.solverstate`, Mokapot's (with the very numbers of the unbroken run) or Caffe's.
   *
   * @throws MokapotError `history-count`, `history-shape`, `learned-net`, `weights-…`
   */
  async restore(path: string): Promise<void> {
    const state = loadSolverstate(path);
    const { params } = this.net.graph;
    checkHistory(state, params, this.slots, path);
    const resume = resumeOf(state, path);
    const weights = learnedNetOf(state, path);
    if (weights) this.net.copyFrom(weights);
    this.iteration = state.iter;
    this.currentStep = state.current_step;
    const moving = new Set<string>();
    state.history.forEach((blob, i) => {
      const { key, shape } = params[i % params.length]!;
      if (blob.data.some(v => v !== 0)) moving.add(key);
      this.net.engine.write(historyKey(key, Math.floor(i / params.length)), blob.data, shape);
    });
    this.touched = touchedParams(this.net.graph, this.param, moving);
    this.version++;
    this.window = [...(resume?.losses ?? [])];
    this.allLosses = [];
    if (resume) this.restoreChance(resume);
    await this.prepare();
  }

  /** Copies weights into the training net (and so the test nets), by layer name. */
  copyFrom(weights: Weights): WeightMatch {
    return this.net.copyFrom(weights);
  }

  /** Brings the parameters home and frees the nets, the engine and the data set, those that it made itself. */
  async dispose(): Promise<void> {
    await this.net.sync(true);
    for (const { net, data } of [...this.parts.tests, this.parts.train]) {
      net.dispose();
      await data?.close();
    }
    await this.parts.ownedDataset?.close();
    this.parts.ownedEngine?.dispose();
  }

  private get slots(): number {
    return updateRules.get(this.param.type)!.slots;
  }

  /** Makes the solver's variables and plans an iteration, so that what cannot fit is refused before it starts. */
  private async prepare(): Promise<void> {
    const { engine } = this.net;
    this.refuseTooLarge();
    for (const { key, shape } of this.touched) {
      const accumulators = this.param.iter_size > 1 ? [accumulatorKey(key)] : [];
      const history = Array.from({ length: this.slots }, (_, slot) => historyKey(key, slot));
      for (const variable of [...history, ...accumulators]) if (!engine.has(variable)) engine.zero(variable, shape);
    }
    await this.net.prepareProgram(this.updateProgram());
  }

  /** Parameters and what the solver keeps of each, before any of it is allocated. */
  private refuseTooLarge(): void {
    const { engine, graph } = this.net;
    const count = (params: readonly NetParam[]) => params.reduce((n, p) => n + sizeOf(p.shape), 0);
    const copies = this.slots + (this.param.iter_size > 1 ? 1 : 0);
    const bytes = 4 * (count(graph.params) + copies * count(this.touched));
    if (bytes <= engine.limit) return;
    const mb = (n: number) => `${Math.ceil(n / 2 ** 20)} MB`;
    throw fail(
      'out-of-memory',
      `Parameters and the solver's history take ${mb(bytes)} before any picture is looked at, and the ${engine.name} engine can hold ${mb(engine.limit)}.`,
      { hint: 'Freeze layers (lr_mult: 0), use type "SGD" (the least history), or another engine (--backend).' },
    );
  }

  private updateProgram(): Pick<RunRequest, 'kind' | 'lower' | 'fetch'> {
    const { touched, param } = this;
    return {
      kind: `update ${this.version}`,
      lower: {
        gradients: 'loss',
        fetchGradients: false,
        blobDiffs: [],
        extend: (b, parts) => applyUpdate(b, parts, touched, param),
      },
      fetch: figuresToFetch,
    };
  }

  private accumulateProgram(): Pick<RunRequest, 'kind' | 'lower' | 'fetch'> {
    const { touched } = this;
    return {
      kind: `accumulate ${this.version}`,
      lower: {
        gradients: 'loss',
        fetchGradients: false,
        blobDiffs: [],
        extend: (b, parts) => accumulate(b, parts, touched),
      },
      fetch: figuresToFetch,
    };
  }

  private async feedsOf(feeds: Feeds | FeedFunction | undefined, pass: number): Promise<Feeds> {
    if (typeof feeds === 'function') return feeds(this.iteration, pass);
    if (feeds) return feeds;
    return (await this.data?.next())?.feeds ?? {};
  }

  private noteLoss(loss: number): void {
    this.allLosses.push(loss);
    this.window.push(loss);
    if (this.window.length > this.param.average_loss) this.window.shift();
  }

  private resolvePrefix(prefix: string): string {
    if (isAbsolute(prefix) || this.dir === undefined) return resolve(prefix);
    const beside = resolve(this.dir, prefix);
    return existsSync(dirname(beside)) ? beside : resolve(prefix);
  }

  private async readHistory() {
    const { engine, graph } = this.net;
    const blobs = [];
    for (let slot = 0; slot < this.slots; slot++) {
      for (const { key, shape } of graph.params) {
        const variable = historyKey(key, slot);
        const data = engine.has(variable) ? await engine.read(variable) : new Float32Array(sizeOf(shape));
        blobs.push({ shape, data });
      }
    }
    return blobs;
  }

  private resumeState(): ResumeState {
    return {
      version: 1,
      seed: this.seed,
      random: this.net.saveRandom(),
      testRandoms: this.testNets.map(net => net.saveRandom()),
      data: this.data?.save() ?? [],
      testData: this.parts.tests.map(t => t.data?.save() ?? []),
      losses: this.window,
    };
  }

  private restoreChance(resume: ResumeState): void {
    this.net.restoreRandom(resume.random);
    this.data?.restore(resume.data);
    this.parts.tests.forEach(({ net, data }, i) => {
      if (resume.testRandoms[i]) net.restoreRandom(resume.testRandoms[i]);
      if (resume.testData[i]) data?.restore(resume.testData[i]);
    });
  }
}

/**
 * Parameters that an update may change, or whose history it may: those that learn, those that a restored history still
 * moves, and frozen ones whose squared gradients or decay a rule gathers or clipping counts.
 */
function touchedParams(net: NetGraph, param: SolverParameter, moving: ReadonlySet<string>): readonly NetParam[] {
  const { remembersFrozen } = updateRules.get(param.type)!;
  return net.params.filter(
    p =>
      p.lrMult !== 0 ||
      moving.has(p.key) ||
      (remembersFrozen && param.weight_decay * p.decayMult !== 0) ||
      (net.forceBackward && (remembersFrozen || param.clip_gradients >= 0)),
  );
}

/**
 * Solver: trains a net, modelled on pycaffe's. Needs no files and runs in a page: nets are texts or messages, snapshots bytes.
 * `node/solver.ts` is the same with files.
 */

import { type Diagnostic, fail, hasErrors, MokapotError, need } from '../diagnostics/index.js';
import type { Engine } from '../engines/types.js';
import type { Feeds } from '../feeds/feeds.js';
import type { DataFeed } from '../feeds/source.js';
import type { NetOptions } from '../net/index.js';
import type { Net, NetLoadOptions, NetWeights } from '../runtime/net.js';
import { disposed, Turns } from '../runtime/turns.js';
import { type ParseOptions, parseSolver, SolverParameter } from '../schema/index.js';
import { averagesWeights, checkSolver } from '../solver/index.js';
import {
  type Json,
  readSolverstate,
  type SolverSnapshot,
  type WeightBlob,
  type WeightMatch,
  writeSolverstate,
  writeSolverstateH5,
} from '../weights/index.js';
import { Mean, testBatches, testProgram } from './figures.js';
import { type FeedFunction, type Iteration, Iterations, type Progress } from './iterations.js';
import { loadSolver, type NetFactory, type SolverParts, seedOf } from './load.js';
import { GivenNets } from './net_factory.js';
import { findTestNets, findTrainNet, genericTests, type NamedNet, textReader } from './nets.js';
import { Resources } from './resources.js';
import {
  checkFinite,
  checkHistory,
  foreignWeights,
  type ResumeState,
  resumeOf,
  type SnapshotBytes,
  sha256,
  snapshotNames,
} from './snapshot.js';
import { atIteration } from './user_code.js';

/** How a solver is loaded: data, weights, engine. */
export interface SolverOptions extends Pick<NetLoadOptions, 'hostLayer' | 'catalogue'> {
  /** An engine to run on, which stays the caller's; or what makes one for the solver, which then frees it. */
  readonly engine?: Engine | (() => Promise<Engine>);
  /** Copied into the training net before it starts, by layer name. */
  readonly weights?: NetWeights | readonly NetWeights[];
  /** What the training net's data layers are fed from. It stays the caller's. */
  readonly data?: DataFeed;
  /** The same of the test nets, in their order. */
  readonly testData?: readonly (DataFeed | undefined)[];
  /** Overrides random_seed. Without either a new one is drawn; `solver.seed` tells it. */
  readonly seed?: number;
  /** Stages beside those that the solver names. */
  readonly stages?: readonly string[];
  /** Level, where the solver names none. */
  readonly level?: number;
  /** Shapes of inputs, as for a Net. */
  readonly inputShapes?: NetOptions['inputShapes'];
  /** The texts of the nets that the solver names, by the names that it has for them. */
  readonly nets?: Readonly<Record<string, string>>;
  /** Stands for the nets that the solver names. */
  readonly net?: NamedNet;
}

/** The same for a solver that comes as text. */
export interface SolverTextOptions extends SolverOptions, ParseOptions {}

/** How a test net is run. */
export interface TestOptions {
  /** Every entry of the net's data once, instead of `test_iter` batches. */
  readonly whole?: boolean;
  /** For a net without Data layers: the same at each batch. */
  readonly feeds?: Feeds;
  /** Stops before the next batch; the result is then of those that were done. */
  readonly signal?: AbortSignal;
}

/** What a test found. */
export interface TestResult {
  /** Means over the test. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Weighted sum of the net's losses; undefined where it has none. */
  readonly loss: number | undefined;
  /** Batches that it took. */
  readonly batches: number;
}

/** A solver as Caffe's: it trains a net, tests it, and writes and reads snapshots. */
export class Solver<N extends Net = Net> {
  /** The net that is trained. Its parameters are the weights themselves, also where their average is tested and written. */
  readonly net: N;
  /** They have the training net's parameters. */
  readonly testNets: readonly N[];
  /** The solver's message. `max_iter` and its like may be changed between iterations. */
  readonly param: SolverParameter;
  /** Of all chance; the same seed gives the same run. */
  readonly seed: number;
  /** Notes and warnings about the solver and the nets. */
  readonly diagnostics: readonly Diagnostic[];
  protected readonly iterations: Iterations;
  /** Of whole calls of step and iterate; between two iterations of one, others have their turn. */
  private readonly steps = new Turns();
  private isDisposed = false;
  /**
   * Whether each iteration looks for what is not finite in every blob, gradient and parameter. It is slower, and the numbers
   * are the same.
   */
  checkNumerics = false;

  protected constructor(protected readonly parts: SolverParts<N>) {
    this.param = parts.param;
    this.seed = parts.seed;
    this.net = parts.train.net;
    this.testNets = parts.tests.map(t => t.net);
    this.diagnostics = parts.diagnostics;
    this.iterations = new Iterations(this.net, this.param);
  }

  /**
   * Reads a solver and its nets: inline ones, those of `nets`, or `net`.
   *
   * @throws MokapotError with every error of the solver, its nets and the weights; `out-of-memory` where an iteration would
   *   not fit the engine
   */
  static async fromText(text: string, options: SolverTextOptions = {}): Promise<Solver<Net>> {
    const { message, diagnostics } = parseSolver(text, options);
    if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
    return Solver.fromParam(message, options, diagnostics);
  }

  /** The same from a message. */
  static async fromParam(
    param: SolverParameter,
    options: SolverOptions & Pick<ParseOptions, 'schema'> = {},
    notes: readonly Diagnostic[] = [],
  ): Promise<Solver<Net>> {
    const checked = checkedSolver(param, notes);
    const places = { read: textReader(options.nets ?? {}, { schema: options.schema }) };
    const train = options.net ?? (await findTrainNet(param, places));
    const tests = options.net ? genericTests(options.net, param) : await findTestNets(param, places);
    const resources = new Resources();
    return resources.orClose(async () => {
      const { engine } = options;
      const made = typeof engine === 'function' ? await engine() : undefined;
      if (made) resources.add(() => made.dispose());
      const factory: NetFactory<Net> = new GivenNets(param, options, made ?? (engine as Engine | undefined));
      const seed = seedOf(param, options.seed);
      const parts = await loadSolver({ param, train, tests, seed, notes: checked, factory, resources });
      return new Solver(parts).prepared();
    });
  }

  /** Iterations done. */
  get iter(): number {
    return this.iterations.position.iter;
  }

  /** The loss of every iteration since the solver was made or restored. */
  get losses(): readonly number[] {
    return this.iterations.losses;
  }

  /** Mean of the last `average_loss` losses; NaN before the first. */
  get smoothedLoss(): number {
    return this.iterations.smoothedLoss;
  }

  /** The learning rate of the next iteration. */
  get rate(): number {
    return this.iterations.rate;
  }

  /** What feeds the training net's Data layers; undefined where the caller feeds. */
  get data(): DataFeed | undefined {
    return this.parts.train.feed;
  }

  /** The same of the test nets, in their order. */
  get testData(): readonly (DataFeed | undefined)[] {
    return this.parts.tests.map(t => t.feed);
  }

  /** The training net as it was named: message, text, folder. */
  get source(): NamedNet {
    return this.parts.named;
  }

  /** The test nets, likewise. */
  get testSources(): readonly NamedNet[] {
    return this.parts.tests.map(t => t.named);
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
    return this.steps.take(async () => {
      let loss = Number.NaN;
      for (let i = 0; i < n; i++) ({ loss } = await this.oneIteration(feeds));
      await this.net.sync();
      return loss;
    });
  }

  /**
   * One iteration; arrays of parameters that someone holds are as old as before until `net.sync()`.
   *
   * @param rate in place of the policy's learning rate
   */
  iterate(feeds?: Feeds | FeedFunction, rate?: number): Promise<Iteration> {
    return this.steps.take(() => this.oneIteration(feeds, rate));
  }

  private async oneIteration(feeds?: Feeds | FeedFunction, rate?: number): Promise<Iteration> {
    if (this.isDisposed) throw disposed('The solver');
    const given = await this.iterations.feedsOf(feeds);
    return this.turn(() => this.iterations.next(given, this.checkNumerics, rate));
  }

  /**
   * Runs a test net: `test_iter` batches, as Caffe does, or with `whole` every entry of its data once.
   *
   * @returns means of its outputs
   */
  test(index = 0, options: TestOptions = {}): Promise<TestResult> {
    return this.turn(() => this.testNow(index, options));
  }

  private testNow(index: number, options: TestOptions): Promise<TestResult> {
    return this.iterations.withAverages(() => this.testAsItIs(index, options));
  }

  private async testAsItIs(index: number, { whole = false, feeds, signal }: TestOptions): Promise<TestResult> {
    const { net, feed, named } = this.parts.tests[index]!;
    const mean = new Mean();
    for await (const batch of testBatches(feed, named.iterations, whole, feeds)) {
      if (signal?.aborted) break;
      const run = this.within(() => net.runProgram({ ...testProgram, feeds: batch.feeds }));
      const { net: graph, results } = await atIteration(`Test at iteration ${this.iter}`, run);
      mean.add(graph, results, batch.count);
    }
    return { ...mean.result(), batches: mean.batches };
  }

  /**
   * What a test net computes of a blob for what it is fed, with the weights that tests have. Leaves chance and states as they are.
   */
  testScores(index: number, blob: string, feeds: Feeds): Promise<Float32Array> {
    return this.turn(() =>
      this.iterations.withAverages(async () => {
        const { net } = this.parts.tests[index]!;
        const random = net.saveRandom();
        try {
          const lower = { fetch: [blob], updates: false };
          const { results } = await this.within(() => net.runProgram({ lower, fetch: () => [blob], feeds }));
          return need(results, blob);
        } finally {
          net.restoreRandom(random);
        }
      }),
    );
  }

  /** What a snapshot has: the bytes of the weights and of the solver's state, in the form that snapshot_format says. */
  snapshotBytes(): Promise<SnapshotBytes> {
    return this.turn(async () => {
      const { hdf5 } = this;
      const names = snapshotNames(this.param.snapshot_prefix || 'snapshot', this.iter, hdf5);
      const history = await this.checkedHistory();
      const weights = await this.iterations.withAverages(() => this.within(() => this.net.toBytes({ hdf5 })));
      const state = this.state(history, names.weights, await sha256(weights));
      return { weights, state: hdf5 ? writeSolverstateH5(state) : writeSolverstate(state) };
    });
  }

  /**
   * Goes on from a snapshot, Mokapot's (with the very numbers of the unbroken run) or Caffe's.
   *
   * @throws MokapotError `history-count`, `history-shape`, `foreign-weights`, `weights-…`
   */
  restore({ weights, state }: SnapshotBytes): Promise<void> {
    return this.turn(async () => {
      const read = readSolverstate(state);
      const wanted = resumeOf(read, 'The state')?.weights;
      if (wanted !== undefined && wanted !== ((await sha256(weights)) ?? wanted))
        throw foreignWeights('the state', 'The snapshot');
      await this.restoreState(read, 'The state', () => this.net.copyFrom(weights));
    });
  }

  /** Copies weights into the training net (and so the test nets), by layer name. */
  copyFrom(weights: NetWeights): WeightMatch {
    return this.net.copyFrom(weights);
  }

  /**
   * Makes the parameters' arrays current and frees the nets, and the engine, where it was made for the solver. The solver and
   * its nets cannot be used any more.
   */
  async dispose(): Promise<void> {
    if (this.isDisposed) return;
    this.isDisposed = true;
    await this.net.store.turns.take(() => this.net.store.download());
    await this.parts.resources.close();
  }

  /** Where the epoch and its tests stand: for the loop that trains. */
  get progress(): Progress {
    return this.iterations.progress;
  }

  /** Waits for what was asked for before; refuses where the solver is disposed of. */
  protected async turn<T>(work: () => Promise<T>): Promise<T> {
    if (this.isDisposed) throw disposed('The solver');
    return this.net.store.turns.take(work);
  }

  /** For what has its turn: see `Turns.within`. */
  protected within<T>(call: () => T): T {
    return this.net.store.turns.within(call);
  }

  /** The solver, an iteration planned. */
  protected async prepared(): Promise<this> {
    await this.turn(() => this.iterations.prepare());
    return this;
  }

  /** Whether snapshots are HDF5. */
  protected get hdf5(): boolean {
    return this.param.snapshot_format === SolverParameter.SnapshotFormat.HDF5;
  }

  /** The history, where it and the weights are finite. @throws MokapotError `non-finite` */
  protected async checkedHistory(): Promise<readonly WeightBlob[]> {
    const { graph, store } = this.net;
    await store.download();
    const history = await this.iterations.readHistory();
    const weights = graph.params.map(p => ['The weights', p.layer, store.get(p.key).values] as const);
    const kept = history.map(
      (blob, i) => ['The history', graph.params[i % graph.params.length]!.layer, blob.data] as const,
    );
    checkFinite([...weights, ...kept], this.iter);
    return history;
  }

  /** All that a `.solverstate` has. @param learnedNet the name of the weights beside it; `hash` is their SHA-256 */
  protected state(history: readonly WeightBlob[], learnedNet: string, hash: string | undefined): SolverSnapshot {
    const { iter, currentStep, window } = this.iterations.position;
    const { train, tests } = this.parts;
    const resume: ResumeState = {
      version: 1,
      seed: this.seed,
      random: this.net.saveRandom(),
      testRandoms: this.testNets.map(net => net.saveRandom()),
      data: train.feed?.save() ?? [],
      testData: tests.map(t => t.feed?.save() ?? []),
      losses: window,
      progress: { ...this.progress },
      ...(averagesWeights(this.param) && { averaged: true }),
      ...(hash !== undefined && { weights: hash }),
    };
    const told = resume as unknown as Json;
    return { iter, learned_net: learnedNet, history, current_step: currentStep, resume: told };
  }

  /** @param name what messages call the state; `copyWeights` copies the weights that belong to it */
  protected async restoreState(state: SolverSnapshot, name: string, copyWeights: () => unknown): Promise<void> {
    const resume = resumeOf(state, name);
    checkHistory(state, this.net.graph.params, this.iterations.slots + (resume?.averaged ? 1 : 0), name);
    this.within(copyWeights);
    await this.net.store.download();
    const position = { iter: state.iter, currentStep: state.current_step, window: resume?.losses ?? [] };
    this.iterations.resume(position, state.history);
    const none: Progress = { epochLoss: 0, epochIterations: 0, isTested: false, best: undefined, stopping: undefined };
    Object.assign(this.progress, none, resume?.progress);
    if (resume) this.restoreChance(resume);
    await this.iterations.prepare();
  }

  private restoreChance(resume: ResumeState): void {
    this.net.restoreRandom(resume.random);
    this.data?.restore(resume.data);
    this.parts.tests.forEach(({ net, feed }, i) => {
      if (resume.testRandoms[i]) net.restoreRandom(resume.testRandoms[i]);
      if (resume.testData[i]) feed?.restore(resume.testData[i]);
    });
  }
}

/** Notes, and what is wrong with the solver itself. @throws MokapotError where that is an error */
export function checkedSolver(param: SolverParameter, notes: readonly Diagnostic[]): readonly Diagnostic[] {
  const checked = [...notes, ...checkSolver(param)];
  if (hasErrors(checked)) throw new MokapotError(checked);
  return checked;
}

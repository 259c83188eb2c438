/** The training loop as a stream of events: Caffe's Solver::Solve and ::Step, with epochs. */

import { type Diagnostic, error, MokapotError } from '../diagnostics/index.js';
import type { Feeds } from '../feeds/feeds.js';
import { DataFailure } from '../feeds/source.js';
import { sizeOf } from '../ir/index.js';
import { lateStatistics, runChecks } from '../net/index.js';
import { formatFloat } from '../schema/index.js';
import { type Choices, choicesOf, chosenFigure, isBetter, nameOf } from './best.js';
import { weightsIn } from './class_weights.js';
import type { EndEvent, SnapshotEvent, StartEvent, TestEvent, TrainEvent } from './events.js';
import type { FeedFunction, Iteration } from './iterations.js';
import { troubleText } from './numerics.js';
import type { SnapshotBytes, SnapshotFiles } from './snapshot.js';
import type { Solver } from './solver.js';
import { Stalls } from './stalls.js';
import { isOfUserCode } from './user_code.js';

/** How a solver is run to its end. */
export interface LoopOptions {
  /** Ends the training after the iteration under way, with a snapshot. */
  readonly signal?: AbortSignal;
  /** For nets without Data layers. */
  readonly feeds?: Feeds | FeedFunction;
  /** For test nets without Data layers: the same at each batch. */
  readonly testFeeds?: Feeds;
  /** Tests go once over all of their data, whatever test_iter says. */
  readonly wholeTests?: boolean;
  /** Iterations of an epoch. Default: as many as read each entry once. */
  readonly iterationsPerEpoch?: number;
  /** Keeps a snapshot, and names what it wrote. Default: none is taken. */
  readonly saveSnapshot?: () => Promise<SnapshotFiles>;
  /** The snapshot that the solver was restored from, for the start event. */
  readonly resumed?: string;
  /** Whether that snapshot is one of this run's own, so that a best test at the start has its snapshot. */
  readonly goesOn?: boolean;
  /** An output of the tests, `output[:min|max]`: a snapshot is taken whenever it is the best so far. Default: the solver's. */
  readonly keepBest?: string;
  /** Whether each iteration looks for what is not finite in every blob, gradient and parameter; it is slower. */
  readonly checkNumerics?: boolean;
}

/** Trains `solver` to its max_iter. Ends with an `end` event; a loss that is no number ends it too. */
export async function* trainSolver(solver: Solver, options: LoopOptions = {}): AsyncGenerator<TrainEvent, void, void> {
  const loop = new Loop(solver, options);
  yield* loop.run();
}

/** Numbers of parameters of which a run's last snapshot is kept in memory. */
const MOST_REMEMBERED = 1 << 21;

/** Seconds that a divergence is looked into. */
const LONGEST_SEARCH = 20;

/** Why a run ends; where, if the solver no longer stands there. */
type Ending = Pick<EndEvent, 'reason' | 'diagnostic'> & Partial<Pick<EndEvent, 'iter' | 'epoch' | 'smoothedLoss'>>;

class Loop {
  private readonly began = performance.now();
  private readonly pace = new Pace();
  private readonly perEpoch: number | undefined;
  private readonly firstIter: number;
  private epochBegan = performance.now();
  private readonly stalls = new Stalls();
  /** What the best snapshot and early stopping go by. */
  private readonly choices: Choices;
  private readonly told = new Set<Diagnostic>();
  /** Where the run stood at its start, or at its last snapshot. */
  private remembered: SnapshotBytes | undefined;
  private lastSnapshot: (SnapshotFiles & { readonly iter: number }) | undefined;

  constructor(
    private readonly solver: Solver,
    private readonly options: LoopOptions,
  ) {
    const { data, param } = solver;
    this.firstIter = solver.iter;
    this.perEpoch = options.iterationsPerEpoch ?? (data && data.entries / (data.batchSize * param.iter_size));
    this.choices = choicesOf(param, solver.testNets[0]?.outputs ?? [], options.keepBest);
    const { keeping, stopping } = this.choices;
    const { progress } = solver;
    // A snapshot may have those of another output.
    if (!keeping || progress.best?.by !== nameOf(keeping)) progress.best = undefined;
    if (!stopping || progress.stopping?.by !== nameOf(stopping)) progress.stopping = undefined;
  }

  async *run(): AsyncGenerator<TrainEvent, void, void> {
    try {
      yield* this.iterations();
    } catch (thrown) {
      if (thrown instanceof DataFailure && this.solver.iter > this.firstIter) return yield* this.withoutData(thrown);
      if (thrown instanceof MokapotError && isNotFinite(thrown)) {
        const diagnostic = withKept(thrown.diagnostics[0]!, this.sound);
        return yield* this.end({ reason: 'diverged', diagnostic });
      }
      if (!isOfUserCode(thrown)) throw thrown;
      yield* this.end({ reason: 'failed', diagnostic: withKept(thrown.diagnostics[0]!, this.sound) });
    }
  }

  /** Data that cannot be read end the run as an interruption does: the parameters are kept. */
  private async *withoutData({ diagnostics: [first] }: DataFailure): AsyncGenerator<TrainEvent, void, void> {
    yield* this.snapshot();
    const diagnostic = { ...first!, message: `Iteration ${this.solver.iter}: ${first!.message}` };
    yield* this.end({ reason: 'failed', diagnostic: withKept(diagnostic, this.sound) });
  }

  private async *iterations(): AsyncGenerator<TrainEvent, void, void> {
    const { param } = this.solver;
    yield this.start();
    await this.remember();
    for (const diagnostic of this.warnings()) yield { type: 'warning', ...this.now(), diagnostic };
    yield* this.notes();
    while (this.solver.iter < param.max_iter) {
      if (this.isAborted) return yield* this.end({ reason: 'aborted', diagnostic: undefined });
      if (this.testIsDue) yield* this.tests();
      if (this.isAborted) continue;
      if (this.isStopped) return yield* this.stop();
      const ending = yield* this.iteration();
      if (ending) return yield* this.end(ending);
      if (param.snapshot > 0 && this.solver.iter % param.snapshot === 0) yield* this.snapshotOnTheWay();
    }
    if (param.snapshot_after_train) yield* this.snapshot();
    if (this.testIsDue && !this.isAborted) yield* this.tests();
    yield* this.end({ reason: 'done', diagnostic: undefined });
  }

  private get isAborted(): boolean {
    return this.options.signal?.aborted ?? false;
  }

  private now(iter = this.solver.iter) {
    return { iter, epoch: this.perEpoch && iter / this.perEpoch };
  }

  private start(): StartEvent {
    const { solver, perEpoch } = this;
    const { net, data, param } = solver;
    const [copy] = net.copies;
    const count = (onlyTrainable: boolean) =>
      net.graph.params.reduce((n, p) => n + (!onlyTrainable || p.lrMult !== 0 ? sizeOf(p.shape) : 0), 0);
    return {
      type: 'start',
      ...this.now(),
      net: net.name,
      backend: net.engine.name,
      seed: solver.seed,
      maxIter: param.max_iter,
      iterationsPerEpoch: perEpoch,
      entries: data?.entries,
      batchSize: data && data.batchSize * param.iter_size,
      trainable: count(true),
      parameters: count(false),
      peakBytes: net.engine.memory().peakBytes,
      resumed: this.options.resumed,
      classWeights: weightsIn(net.graph),
      weights: copy && !this.options.resumed ? { copied: copy.copied, missing: copy.missing } : undefined,
    };
  }

  private warnings(): readonly Diagnostic[] {
    const { net, diagnostics, iter, param } = this.solver;
    const solver = { param, rules: [lateStatistics] };
    const checks = runChecks(net.graph, { weightsLoaded: iter > 0 || net.copies.length > 0, solver });
    // Errors that a run cannot do with were thrown as the solver was loaded. Any other is told: Caffe would train the net.
    return [...diagnostics, ...checks].flatMap((d): Diagnostic[] =>
      d.severity === 'note' ? [] : [{ ...d, severity: 'warning' }],
    );
  }

  /** What the engine and the data have to say since they were last asked. */
  private *notes(): Generator<TrainEvent, void, void> {
    for (const diagnostic of [...(this.solver.data?.notes ?? []), ...(this.solver.net.engine.notes ?? [])]) {
      if (this.told.has(diagnostic)) continue;
      this.told.add(diagnostic);
      yield { type: 'warning', ...this.now(), diagnostic };
    }
  }

  private get testIsDue(): boolean {
    const { param, iter, progress } = this.solver;
    const { test_interval: interval, test_initialization: first } = param;
    return interval > 0 && iter % interval === 0 && (iter > 0 || first) && !progress.isTested;
  }

  private async *tests(): AsyncGenerator<TrainEvent, void, void> {
    const { signal, testFeeds, wholeTests = false } = this.options;
    const began = performance.now();
    let first: Pick<TestEvent, 'outputs' | 'loss'> | undefined;
    for (let net = 0; net < this.solver.testNets.length; net++) {
      const from = performance.now();
      const options = { whole: wholeTests, ...(testFeeds && { feeds: testFeeds }), ...(signal && { signal }) };
      const tested = await this.solver.test(net, options).catch((thrown: unknown) => ({ thrown }));
      if ('thrown' in tested) {
        // Between two iterations all is as it should be: the parameters can be kept.
        if (isOfUserCode(tested.thrown)) yield* this.snapshot();
        throw tested.thrown;
      }
      const { outputs, loss } = tested;
      if (this.isAborted) return;
      yield { type: 'test', ...this.now(), net, outputs, loss, seconds: since(from) };
      first ??= { outputs, loss };
    }
    // Tests that are broken off are done again where the run goes on: they count only as a whole.
    this.solver.progress.isTested = true;
    this.pace.noteTests(since(began));
    if (first && this.noteTest(first)) yield* this.snapshotOnTheWay();
  }

  /** @returns whether a snapshot is wanted, of the best so far */
  private noteTest(figures: Pick<TestEvent, 'outputs' | 'loss'>): boolean {
    const { choices, solver } = this;
    const { keeping, stopping } = choices;
    const { progress, iter } = solver;
    if (stopping) {
      const value = chosenFigure(stopping, figures);
      const { best, tests } = progress.stopping ?? { best: undefined, tests: 0 };
      progress.stopping = isBetter(stopping, value, best, stopping.minDelta)
        ? { best: { value: value!, iter }, tests: 0, by: nameOf(stopping) }
        : { best, tests: tests + 1, by: nameOf(stopping) };
    }
    const value = keeping && chosenFigure(keeping, figures);
    // What the run began from is written anew nowhere: it is no snapshot of this run, unless it is one already.
    if (iter === this.firstIter && !this.options.goesOn) return false;
    if (!keeping || !isBetter(keeping, value, progress.best)) return false;
    progress.best = { value: value!, iter, by: nameOf(keeping) };
    return true;
  }

  private get isStopped(): boolean {
    const { choices, solver } = this;
    const { stopping } = choices;
    return stopping !== undefined && (solver.progress.stopping?.tests ?? 0) >= stopping.patience;
  }

  private async *stop(): AsyncGenerator<TrainEvent, void, void> {
    const { output, sign, patience } = this.choices.stopping!;
    const { best, tests } = this.solver.progress.stopping!;
    if (this.solver.param.snapshot_after_train) yield* this.snapshot();
    const was = best
      ? `its best, ${formatFloat(best.value)}, was at iteration ${best.iter}`
      : 'it was no number in any';
    const message = `Early stopping: ${output} has got no ${sign > 0 ? 'greater' : 'less'} in ${tests} tests in a row; ${was}.`;
    const hint = `Patience is ${patience}. To go on, raise it in a new run from the newest snapshot (--snapshot).`;
    yield* this.end({ reason: 'stopped', diagnostic: error('early-stopping', message, { severity: 'note', hint }) });
  }

  private get isWatched(): boolean {
    return this.options.checkNumerics ?? this.solver.checkNumerics;
  }

  /** The next iteration, watched or not; the solver's own setting is the caller's. */
  private async iterate(isWatched: boolean): Promise<Iteration> {
    const { solver } = this;
    const { checkNumerics } = solver;
    solver.checkNumerics = isWatched;
    try {
      return await solver.iterate(this.options.feeds);
    } finally {
      solver.checkNumerics = checkNumerics;
    }
  }

  /** One iteration; the run's end, if something is wrong with its loss. */
  private async *iteration(): AsyncGenerator<TrainEvent, Ending | undefined, void> {
    const { solver } = this;
    const { display } = solver.param;
    const began = performance.now();
    const { secondsWaited } = solver.net;
    const done = await this.iterate(this.isWatched);
    const [seconds, waited] = [since(began), solver.net.secondsWaited - secondsWaited];
    this.pace.note(seconds, waited);
    const { iter, loss, rate, outputs } = done;
    const { smoothedLoss } = solver;
    yield* this.notes();
    const stall = this.stalls.note(seconds, waited);
    if (stall) yield { type: 'warning', ...this.now(), diagnostic: stall };
    yield { type: 'iteration', ...this.now(iter), loss, smoothedLoss, outputs, rate, ...this.speed() };
    if (done.trouble || !Number.isFinite(loss)) {
      const where = { ...this.now(), smoothedLoss };
      const found = done.trouble ? troubleText(done.trouble, iter) : await this.findTrouble(iter);
      return { reason: 'diverged', diagnostic: divergence(done, this.sound, found), ...where };
    }
    if (display > 0 && iter % display === 0) yield { type: 'display', ...this.now(iter), smoothedLoss, outputs, rate };
    yield* this.epochEnd();
    return undefined;
  }

  /** The snapshot that training can go on from: only what is finite throughout is written. */
  private get sound(): string | undefined {
    return this.lastSnapshot?.state ?? this.options.resumed;
  }

  /** Keeps where the run stands, so that a divergence can be looked into. Nothing is kept of large nets. */
  private async remember(): Promise<void> {
    const { net } = this.solver;
    const numbers = net.graph.params.reduce((n, p) => n + sizeOf(p.shape), 0);
    if (numbers > MOST_REMEMBERED || typeof this.options.feeds === 'function' || this.isWatched) return;
    this.remembered = await this.solver.snapshotBytes();
  }

  /** Does the last iterations again, each watched, until something is not finite. */
  private async findTrouble(until: number): Promise<string | undefined> {
    const { solver, remembered } = this;
    const began = performance.now();
    if (!remembered) return undefined;
    try {
      await solver.restore(remembered);
      while (solver.iter <= until && since(began) < LONGEST_SEARCH) {
        const { iter, trouble } = await this.iterate(true);
        if (trouble) return troubleText(trouble, iter);
      }
    } catch (cause) {
      if (!(cause instanceof MokapotError)) throw cause;
    }
    return undefined;
  }

  private *epochEnd(): Generator<TrainEvent, void, void> {
    const { perEpoch } = this;
    if (!perEpoch) return;
    const { iter, progress } = this.solver;
    if (Math.floor(iter / perEpoch + 1e-9) === Math.floor((iter - 1) / perEpoch + 1e-9)) return;
    const loss = progress.epochLoss / progress.epochIterations;
    progress.epochLoss = 0;
    progress.epochIterations = 0;
    yield { type: 'epoch', ...this.now(), loss, seconds: since(this.epochBegan) };
    this.epochBegan = performance.now();
  }

  private speed() {
    const { param, data, iter } = this.solver;
    const left = param.max_iter - iter;
    const tests = param.test_interval > 0 ? Math.floor(param.max_iter / param.test_interval) : 0;
    const testsDone = param.test_interval > 0 ? Math.floor(iter / param.test_interval) : 0;
    return {
      imagesPerSecond: data && (data.batchSize * param.iter_size) / this.pace.seconds,
      secondsLeft: left * this.pace.seconds + (tests - testsDone) * this.pace.testSeconds,
      waited: this.pace.waited,
    };
  }

  /** The snapshots on the way: one that cannot be written (a full disk) is told, and training goes on to the next. */
  private async *snapshotOnTheWay(): AsyncGenerator<TrainEvent, void, void> {
    try {
      yield* this.snapshot();
    } catch (cause) {
      if (!(cause instanceof MokapotError) || isNotFinite(cause) || this.solver.iter >= this.solver.param.max_iter)
        throw cause;
      yield { type: 'warning', ...this.now(), diagnostic: { ...cause.diagnostics[0]!, severity: 'warning' } };
    }
  }

  private async *snapshot(): AsyncGenerator<SnapshotEvent, void, void> {
    const { iter } = this.solver;
    // What it began from is there already.
    if (iter === this.firstIter || this.lastSnapshot?.iter === iter) return;
    const files = await this.options.saveSnapshot?.();
    if (!files) return;
    this.lastSnapshot = { ...files, iter };
    await this.remember();
    yield { type: 'snapshot', ...this.now(), ...files };
  }

  private async *end(ending: Ending): AsyncGenerator<TrainEvent, void, void> {
    if (ending.reason === 'aborted') yield* this.snapshot();
    if (ending.reason !== 'diverged' && ending.reason !== 'failed') await this.solver.net.sync();
    const snapshot = this.lastSnapshot && { weights: this.lastSnapshot.weights, state: this.lastSnapshot.state };
    const { smoothedLoss } = this.solver;
    yield { type: 'end', ...this.now(), smoothedLoss, ...ending, seconds: since(this.began), snapshot };
  }
}

function since(time: number): number {
  return (performance.now() - time) / 1000;
}

/** How long an iteration takes: the mean of the last twenty. */
class Pace {
  testSeconds = 0;
  private readonly recent: (readonly [seconds: number, waited: number])[] = [];

  note(seconds: number, waited: number): void {
    this.recent.push([seconds, waited]);
    // The first one also makes the program.
    if (this.recent.length > 20 || this.recent.length === 2) this.recent.shift();
  }

  noteTests(seconds: number): void {
    this.testSeconds = seconds;
  }

  get seconds(): number {
    return this.recent.reduce((sum, [s]) => sum + s, 0) / this.recent.length;
  }

  /** The share of them that was spent waiting for data. */
  get waited(): number {
    return this.recent.reduce((sum, [, w]) => sum + w, 0) / (this.seconds * this.recent.length);
  }
}

function kept(state: string | undefined): string {
  return state === undefined
    ? 'No snapshot was written before it.'
    : `The newest sound snapshot is ${state}: all numbers in it are finite, go on from it with --snapshot.`;
}

function withKept(diagnostic: Diagnostic, state: string | undefined): Diagnostic {
  return { ...diagnostic, hint: [diagnostic.hint, kept(state)].filter(Boolean).join(' ') };
}

function isNotFinite(thrown: MokapotError): boolean {
  return thrown.diagnostics[0]?.code === 'non-finite';
}

function divergence({ iter, loss, rate, outputs }: Iteration, state: string | undefined, where?: string): Diagnostic {
  const figures = Object.entries(outputs).map(
    ([name, values]) => `${name} ${values.map(v => formatFloat(v)).join(', ')}`,
  );
  const lossIs = Number.isFinite(loss) ? formatFloat(loss) : Number.isNaN(loss) ? 'not a number (NaN)' : 'infinite';
  const found = where ?? 'With --check-numerics the first layer that is not finite is named.';
  return error(
    'diverged',
    `The loss is ${lossIs} at iteration ${iter}, with learning rate ${formatFloat(rate)}${figures.length > 0 ? ` (${figures.join('; ')})` : ''}: training has diverged. ${found}`,
    {
      hint: `Lower base_lr (a tenth is a good try), set clip_gradients, or check that the inputs are scaled and hold no NaN, and that labels lie within the classes. ${kept(state)}`,
    },
  );
}

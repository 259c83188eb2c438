/** A solver's iterations: forward, backward and update, what they keep on the engine, and where they stand. */

import { fail, need, recordOf } from '../diagnostics/index.js';
import { megabytes } from '../engines/memory.js';
import type { Feeds } from '../feeds/feeds.js';
import { sizeOf } from '../ir/index.js';
import { LOSS, type LowerOptions, type NetGraph, type NetParam } from '../net/index.js';
import { firstNotFinite } from '../runtime/finite.js';
import type { Net } from '../runtime/net.js';
import type { NetProgram } from '../runtime/runner.js';
import type { SolverParameter } from '../schema/index.js';
import {
  accumulate,
  accumulatorKey,
  applyUpdate,
  averageKey,
  averagesWeights,
  historyKey,
  rateAt,
  solverFeeds,
  updateRules,
} from '../solver/index.js';
import type { WeightBlob } from '../weights/index.js';
import type { Best, StoppingState } from './best.js';
import { figures, figuresToFetch } from './figures.js';
import { type Trouble, troubleIn } from './numerics.js';
import { atIteration } from './user_code.js';

/** What is fed at an iteration; with iter_size above 1, called for each of its passes. */
export type FeedFunction = (iter: number, pass: number) => Feeds | Promise<Feeds>;

/** What one iteration did. */
export interface Iteration {
  /** The iteration that was done, from 0 on. */
  readonly iter: number;
  /** Mean over iter_size. */
  readonly loss: number;
  /** The learning rate that it used. */
  readonly rate: number;
  /** The net's outputs of at most 64 numbers, of the last pass. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** What was the first that was not finite, where that was watched. */
  readonly trouble?: Trouble;
}

/** Where the iterations of a run stand. */
export interface Position {
  readonly iter: number;
  /** Steps of the learning rate that are behind it. */
  readonly currentStep: number;
  /** The last losses, which the smoothed one is the mean of. */
  readonly window: readonly number[];
}

/** What a run by events has to know of the epoch and the iteration that it stands in, kept in snapshots. */
export interface Progress {
  /** Sum of the losses since the epoch began, and how many they are. */
  epochLoss: number;
  epochIterations: number;
  /** Whether the tests at this iteration are done. */
  isTested: boolean;
  /** The best test so far, where the best snapshot is kept. */
  best?: Best | undefined;
  /** Where early stopping stands. */
  stopping?: StoppingState | undefined;
}

export class Iterations {
  readonly progress: Progress = { epochLoss: 0, epochIterations: 0, isTested: false };
  /** The loss of every iteration since the start. */
  losses: number[] = [];
  private iteration = 0;
  private currentStep = 0;
  private window: number[] = [];
  private touched: readonly NetParam[];
  /** Of which averages are kept besides: what layers change themselves. */
  private readonly kept: readonly NetParam[];
  private programs: Programs;
  /** The same with every blob and gradient. */
  private watched: Programs | undefined;

  constructor(
    private readonly net: Net,
    private readonly param: SolverParameter,
  ) {
    this.touched = touchedParams(net.graph, param, new Set());
    this.kept = averagesWeights(param) ? changedByLayers(net.graph) : [];
    this.programs = this.programsFor();
  }

  get position(): Position {
    return { iter: this.iteration, currentStep: this.currentStep, window: this.window };
  }

  /** Mean of the last `average_loss` losses; NaN before the first. */
  get smoothedLoss(): number {
    return this.window.reduce((sum, loss) => sum + loss, 0) / this.window.length;
  }

  /** The learning rate of the next iteration. */
  get rate(): number {
    return rateAt(this.param, this.iteration, this.currentStep).rate;
  }

  /** Blobs of history that the solver's type keeps of each parameter. */
  get slots(): number {
    return updateRules.get(this.param.type)!.slots;
  }

  /**
   * What the passes of the next iteration are fed. It is asked for before the iteration has its turn, so that a function may
   * itself use the solver and its nets.
   */
  async feedsOf(feeds: Feeds | FeedFunction = {}): Promise<readonly Feeds[]> {
    const all: Feeds[] = [];
    for (let pass = 0; pass < this.param.iter_size; pass++)
      all.push(typeof feeds === 'function' ? await feeds(this.iteration, pass) : feeds);
    return all;
  }

  /**
   * One iteration, given what its passes are fed; without it the net's own sources give the batches. Has to have its turn.
   * @param givenRate in place of the policy's learning rate
   */
  async next(feeds: readonly Feeds[], checkNumerics = false, givenRate?: number): Promise<Iteration> {
    const { param, iteration, net: trained } = this;
    const programs = checkNumerics ? this.watchedPrograms() : this.programs;
    let trouble: Trouble | undefined;
    const byPolicy = rateAt(param, iteration, this.currentStep);
    const rate = givenRate === undefined ? byPolicy.rate : Math.fround(givenRate);
    let loss = 0;
    let outputs: Iteration['outputs'] = {};
    for (let pass = 0; pass < param.iter_size; pass++) {
      const isLast = pass === param.iter_size - 1;
      const request = {
        ...(isLast ? programs.update : programs.accumulate),
        feeds: feeds[pass] ?? {},
        extra: isLast ? solverFeeds(param, iteration, rate) : new Map<string, Float32Array>(),
      };
      const run = trained.store.turns.within(() => trained.runProgram(request));
      const { net, results } = await atIteration(`Iteration ${iteration}`, run);
      loss += need(results, LOSS)[0]! / param.iter_size;
      outputs = recordOf(figures(net, results));
      if (checkNumerics) trouble ??= troubleIn(net, results);
    }
    if (checkNumerics) trouble ??= await this.troubleInParams();
    this.currentStep = byPolicy.currentStep;
    this.noteLoss(loss);
    return { iter: this.iteration++, loss, rate, outputs, ...(trouble && { trouble }) };
  }

  /** Makes the solver's variables and plans an iteration, so that what cannot fit is refused before it starts. Has to have its turn. */
  async prepare(): Promise<void> {
    const { engine } = this.net;
    this.refuseTooLarge();
    for (const { key, shape } of this.averaged) if (!engine.has(averageKey(key))) engine.zero(averageKey(key), shape);
    for (const { key, shape } of this.touched) {
      const accumulators = this.param.iter_size > 1 ? [accumulatorKey(key)] : [];
      const history = Array.from({ length: this.slots }, (_, slot) => historyKey(key, slot));
      for (const variable of [...history, ...accumulators]) if (!engine.has(variable)) engine.zero(variable, shape);
    }
    await this.net.store.turns.within(() => this.net.prepareProgram(this.programs.update));
  }

  private watchedPrograms(): Programs {
    this.watched ??= this.programsFor(true);
    return this.watched;
  }

  private programsFor(isWatched = false): Programs {
    const { touched, param } = this;
    const kept = this.kept.filter(p => !touched.includes(p));
    return programsFor(touched, kept, param, isWatched);
  }

  /** The parameters of which averages are kept. */
  private get averaged(): readonly NetParam[] {
    return averagesWeights(this.param) ? [...new Set([...this.touched, ...this.kept])] : [];
  }

  /**
   * Does something with the averages of the weights in the weights' place, where there are any: from the first iteration
   * on. Has to have its turn.
   */
  async withAverages<T>(work: () => Promise<T>): Promise<T> {
    const averaged = this.iteration > 0 ? this.averaged : [];
    if (averaged.length === 0) return work();
    const { store, engine } = this.net;
    const exchange = async () => {
      store.upload(averaged.map(p => p.key));
      for (const { key } of averaged) {
        await engine.swap(key, averageKey(key));
        store.get(key).changedOnEngine();
      }
    };
    await exchange();
    try {
      return await work();
    } finally {
      await exchange();
      await store.settle();
    }
  }

  private async troubleInParams(): Promise<Trouble | undefined> {
    await this.net.store.download();
    const param = firstNotFinite(this.net);
    return param && { layer: param.layer, what: 'weights' };
  }

  /**
   * The history of all parameters, slot after slot, as a `.solverstate` has it; behind it the weights themselves where a
   * `.caffemodel` has their averages. Those must have been downloaded.
   */
  async readHistory(): Promise<WeightBlob[]> {
    const { engine, graph, store } = this.net;
    const blobs = [];
    for (let slot = 0; slot < this.slots; slot++) {
      for (const { key, shape } of graph.params) {
        const variable = historyKey(key, slot);
        const data = engine.has(variable) ? await engine.read(variable) : new Float32Array(sizeOf(shape));
        blobs.push({ shape, data });
      }
    }
    if (averagesWeights(this.param))
      for (const { key, shape } of graph.params) blobs.push({ shape, data: store.get(key).values.slice() });
    return blobs;
  }

  /**
   * Goes on from a position with a history of the form that `readHistory` gives. The net has the weights that were copied
   * in: the averages, where the history has the weights themselves. Those must have been downloaded.
   */
  resume({ iter, currentStep, window }: Position, history: readonly WeightBlob[]): void {
    const { graph, engine } = this.net;
    const { params } = graph;
    const moving = new Set<string>();
    history.slice(0, this.slots * params.length).forEach((blob, i) => {
      const { key, shape } = params[i % params.length]!;
      if (blob.data.some(v => v !== 0)) moving.add(key);
      engine.write(historyKey(key, Math.floor(i / params.length)), blob.data, shape);
    });
    this.touched = touchedParams(graph, this.param, moving);
    this.programs = this.programsFor();
    this.watched = undefined;
    this.resumeWeights(history.slice(this.slots * params.length));
    this.iteration = iter;
    this.currentStep = currentStep;
    this.window = [...window];
    this.losses = [];
  }

  /** @param weights themselves, in the net's order, where what was copied in are averages; else none */
  private resumeWeights(weights: readonly WeightBlob[]): void {
    const { graph, engine, store } = this.net;
    for (const { key, shape } of this.averaged) engine.write(averageKey(key), store.get(key).values, shape);
    weights.forEach(({ data }, i) => {
      const parameter = store.get(graph.params[i]!.key);
      parameter.values.set(data);
      parameter.changedOnHost();
    });
  }

  /** Parameters and what the solver keeps of each, before any of it is allocated. */
  private refuseTooLarge(): void {
    const { engine, graph } = this.net;
    const count = (params: readonly NetParam[]) => params.reduce((n, p) => n + sizeOf(p.shape), 0);
    const copies = this.slots + (this.param.iter_size > 1 ? 1 : 0);
    const bytes = 4 * (count(graph.params) + copies * count(this.touched) + count(this.averaged));
    if (bytes <= engine.limit) return;
    throw fail(
      'out-of-memory',
      `Parameters and the solver's history take ${megabytes(bytes)} before any picture is looked at, and the ${engine.name} engine can hold ${megabytes(engine.limit)}.`,
      { hint: 'Freeze layers (lr_mult: 0), use type "SGD" (the least history), or another engine (--backend).' },
    );
  }

  private noteLoss(loss: number): void {
    this.losses.push(loss);
    this.window.push(loss);
    this.progress.epochLoss += loss;
    this.progress.epochIterations++;
    this.progress.isTested = false;
    if (this.window.length > this.param.average_loss) this.window.shift();
  }
}

interface Programs {
  /** The last pass of an iteration. */
  readonly update: NetProgram;
  /** Each pass before it. */
  readonly accumulate: NetProgram;
}

/**
 * The programs for an update of these parameters; the net compiles each once.
 *
 * @param isWatched whether every blob and gradient is fetched
 */
function programsFor(
  touched: readonly NetParam[],
  kept: readonly NetParam[],
  param: SolverParameter,
  isWatched: boolean,
): Programs {
  const program = (extend: LowerOptions['extend']): NetProgram => ({
    lower: { gradients: 'loss', fetchGradients: isWatched, blobDiffs: [], extend, ...(isWatched && { fetch: 'all' }) },
    fetch: isWatched ? (_, outputs) => outputs : figuresToFetch,
  });
  return {
    update: program((b, parts) => applyUpdate(b, parts, touched, param, kept)),
    accumulate: program((b, parts) => accumulate(b, parts, touched)),
  };
}

/**
 * Parameters that an update may change, or whose history it may: those that learn, those that a restored history still
 * moves, and frozen ones whose squared gradients or decay a rule gathers or clipping counts.
 */
function touchedParams(net: NetGraph, param: SolverParameter, moving: ReadonlySet<string>): readonly NetParam[] {
  const { remembersFrozen, decouplesDecay } = updateRules.get(param.type)!;
  return net.params.filter(
    p =>
      p.lrMult !== 0 ||
      moving.has(p.key) ||
      (remembersFrozen && !decouplesDecay && param.weight_decay * p.decayMult !== 0) ||
      (net.forceBackward && (remembersFrozen || param.clip_gradients >= 0)),
  );
}

/** Parameters of layers that change them themselves: BatchNorm's statistics. */
function changedByLayers(net: NetGraph): readonly NetParam[] {
  const indexes = net.layers.filter(layer => layer.type.updates).flatMap(layer => layer.params);
  return [...new Set(indexes)].map(index => net.params[index]!);
}

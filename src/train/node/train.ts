/** train(): a whole training run, from files to files, as a stream of events. */

import { dirname } from 'node:path';
import { type Dataset, datasetWarnings, openDataset } from '../../data/index.js';
import { type Diagnostic, fail, hasErrors, MokapotError } from '../../diagnostics/index.js';
import type { Feeds } from '../../feeds/feeds.js';
import type { DataFeed } from '../../feeds/source.js';
import { freshSeed } from '../../runtime/net.js';
import { parseOptions, readPrototxt, schemaFrom } from '../../runtime/node/schemas.js';
import { create, parseSolver } from '../../schema/index.js';
import { choicesOf } from '../best.js';
import { digitsSolver, type EpochOptions } from '../digits.js';
import type { SnapshotEvent, TrainEvent } from '../events.js';
import type { FeedFunction } from '../iterations.js';
import { type OpenedNet, seedsOf } from '../load.js';
import { type NamedNet, readNetText } from '../nets.js';
import { type OwnOptions, withOwnOptions } from '../own_options.js';
import { Resources } from '../resources.js';
import { type LoopOptions, trainSolver } from './loop.js';
import { FeedOpener } from './net_factory.js';
import { readNetFile } from './nets.js';
import { Overlays } from './overlays.js';
import { PlacedSnapshots } from './placed_snapshots.js';
import { ClaimedFolder, RunFolder } from './run_folder.js';
import { keptOptions } from './run_options.js';
import { weightsBeside } from './snapshot_files.js';
import { isNewestIn, type KeepOptions, newestWhole, removeWithoutState, SnapshotKeeper } from './snapshots_in.js';
import { Solver, type SolverOptions } from './solver.js';

/** What is trained, on what, and where results go: a `solver`, or a `net` with `epochs`. */
export interface TrainOptions extends SolverOptions, Partial<EpochOptions>, OwnOptions, KeepOptions {
  /** A solver file. With it the solver says everything, and `epochs` may not be given. */
  readonly solver?: string;
  /** Its text, where it is not the file's; `solver` then only says what to call it and where its paths start. */
  readonly solverText?: string;
  /** Without a solver: the network's file, trained for `epochs` by DIGITS' rules. */
  readonly net?: string;
  /** Its text, where it is not the file's; `net` then only says what to call it and where its paths start. */
  readonly netText?: string;
  /** Overrides the solver's max_iter. */
  readonly maxIter?: number;
  /** A `.solverstate` to go on from. */
  readonly snapshot?: string;
  /**
   * A folder for network, solver, log, curves and snapshots, of this run alone: no other run may lie there. Without it
   * nothing but snapshots is written.
   */
  readonly runDir?: string;
  /**
   * Validation entries to draw in `overlays/` of the run's folder after each test, with what the net finds and what is known.
   * Default: 12 where a net that gives every pixel a class is trained by epochs into a folder, else 0. They need a `runDir`.
   */
  readonly overlays?: number;
  /**
   * The folder of a run that was broken off: goes on from its newest whole snapshot, with the run's own options; those
   * given beside it replace them.
   */
  readonly resume?: string;
  /** Ends the run after the iteration under way, with a snapshot. */
  readonly signal?: AbortSignal;
  /** Whether each iteration looks for what is not finite in every blob, gradient and parameter; it is slower. */
  readonly checkNumerics?: boolean;
  /** For a net without Data layers. */
  readonly feeds?: Feeds | FeedFunction;
  /** For test nets without Data layers: the same at each batch. */
  readonly testFeeds?: Feeds;
}

/**
 * Trains a network. Two ways: by a solver file (`solver`), with Caffe's semantics; or by epochs (`net`, `epochs`, `dataset`),
 * with DIGITS' defaults. What a run needs is checked before its first event.
 *
 * @throws MokapotError with what is wrong with solver, network, data or weights; `out-of-memory`; `run-folder-used`,
 *   `run-folder-busy` where another run has the folder. A loss that diverges is no exception: it ends the run with an `end`
 *   event.
 */
export async function* train(given: TrainOptions): AsyncGenerator<TrainEvent, void, void> {
  const resources = new Resources();
  try {
    const { options, claimed, goesOn } = claim(given, resources);
    if (options.weights !== undefined && options.snapshot !== undefined) {
      throw fail('weights-and-snapshot', 'A run starts from weights or goes on from a snapshot, and both were given.', {
        hint: 'The snapshot has its own weights: leave out --weights.',
      });
    }
    const { solver, loop, dataset } = await loadRun(options, resources);
    if (options.snapshot !== undefined) await solver.restore(options.snapshot);
    // Another run's snapshots lie elsewhere, and its tests say nothing of when this one is to end.
    if (!goesOn) Object.assign(solver.progress, { best: undefined, stopping: undefined });
    const { keepSnapshots, keepBest = solver.param.mokapot_param?.keep_best || undefined } = options;
    choicesOf(solver.param, solver.testNets[0]?.outputs ?? [], keepBest);
    const overlays = overlaysOf(options, solver, claimed?.path, dataset);
    const folder = claimed && RunFolder.open(claimed, options, solver, options.snapshot);
    if (folder) resources.add(() => folder.close());
    const rest = { ...loopOptions(options, solver, folder), goesOn };
    const placed = bySolverFile(options) ? PlacedSnapshots.of(solver, rest.snapshotPrefix) : undefined;
    const keep = { ...(keepSnapshots !== undefined && { keepSnapshots }), ...(keepBest !== undefined && { keepBest }) };
    const keeper = new SnapshotKeeper(keep, solver.testNets[0]?.outputs ?? [], folder?.path, placed);
    for (const event of folder?.earlier ?? []) keeper.note(event, true);
    // A run that was killed may have got no further than its own folder.
    if (options.resume !== undefined && options.snapshot !== undefined) {
      const own = { state: options.snapshot, weights: weightsBeside(options.snapshot) };
      const there = placed?.place(solver.iter, own);
      if (there && 'severity' in there)
        yield { type: 'warning', iter: solver.iter, epoch: undefined, diagnostic: there };
    }
    for await (const told of trainSolver(solver, { ...loop, ...rest, ...(keepBest !== undefined && { keepBest }) })) {
      const [event, misplaced] = told.type === 'snapshot' && placed ? placedEvent(told, placed) : [told];
      const trouble = folder?.add(event);
      keeper.note(event);
      yield event;
      if (event.type === 'start') yield* warningsOf(dataset, event, folder);
      if (misplaced) yield misplaced;
      if (event.type === 'test' && event.net === 0 && overlays)
        yield* warned(await overlays.draw(event), event, folder);
      if (trouble) yield* keptWithoutLog(trouble, event, solver, rest.snapshotPrefix);
    }
  } finally {
    await resources.close();
  }
}

interface Claim {
  readonly options: TrainOptions;
  readonly claimed: ClaimedFolder | undefined;
  /** Whether the snapshot that it starts from is one of the run's own. */
  readonly goesOn: boolean;
}

/** Locks the run's folder, and finds where a run that is gone on with stands. */
function claim(given: TrainOptions, resources: Resources): Claim {
  const locked = (path: string, goesOn: boolean) => {
    const claimed = ClaimedFolder.take(path, goesOn);
    resources.add(() => claimed.release());
    return claimed;
  };
  const { resume, snapshot } = given;
  if (resume === undefined) {
    const { runDir } = given;
    if (runDir === undefined) return { options: given, claimed: undefined, goesOn: false };
    const goesOn = snapshot !== undefined && isNewestIn(runDir, snapshot);
    return { options: given, claimed: locked(runDir, goesOn), goesOn };
  }
  if (given.runDir !== undefined || snapshot !== undefined) {
    throw fail('resume-and-out', 'A run is gone on with in its own folder and from its own newest snapshot.', {
      hint: 'Leave out runDir (--out) and snapshot (--snapshot), or go on without `resume`.',
    });
  }
  // Before the lock, which would make the folder.
  const options = { ...keptOptions(resume, given), resume };
  const claimed = locked(options.runDir, true);
  const newest = newestWhole(resume);
  removeWithoutState(resume, newest?.iter ?? 0);
  const from = newest && { weights: undefined, snapshot: newest.state };
  return { options: { ...options, ...from }, claimed, goesOn: newest !== undefined };
}

/** Shown by default, of a run by epochs. */
const OVERLAYS = 12;

function overlaysOf(
  options: TrainOptions,
  solver: Solver,
  runDir: string | undefined,
  dataset: Dataset | undefined,
): Overlays | undefined {
  const { overlays: wanted } = options;
  const count = wanted ?? (bySolverFile(options) ? 0 : OVERLAYS);
  if (!Number.isSafeInteger(count) || count < 0)
    throw fail('bad-count', `overlays is ${count}: a whole number of entries is wanted, 0 at least.`);
  if (count > 0 && wanted !== undefined && runDir === undefined)
    throw fail('overlays', 'Overlays are drawn into the run’s folder, and the run has none.', {
      hint: 'Name one (runDir), or leave out `overlays`.',
    });
  return count === 0 || runDir === undefined
    ? undefined
    : Overlays.of(solver, { count, isWanted: wanted !== undefined, runDir, dataset });
}

/** The event with where its files are too; the warning where they could not be put there. */
function placedEvent(event: SnapshotEvent, placed: PlacedSnapshots): [TrainEvent, TrainEvent?] {
  const there = placed.place(event.iter, event);
  if (there && !('severity' in there)) return [{ ...event, placed: there }];
  return there === undefined
    ? [event]
    : [event, { type: 'warning', iter: event.iter, epoch: event.epoch, diagnostic: there }];
}

/** What is odd about the data set in use. */
function* warningsOf(
  dataset: Dataset | undefined,
  { iter, epoch }: TrainEvent,
  folder: RunFolder | undefined,
): Generator<TrainEvent, void, void> {
  for (const diagnostic of dataset ? datasetWarnings(dataset.manifest) : [])
    yield* warned(diagnostic, { iter, epoch }, folder);
}

function* warned(
  diagnostic: Diagnostic | undefined,
  { iter, epoch }: Pick<TrainEvent, 'iter' | 'epoch'>,
  folder: RunFolder | undefined,
): Generator<TrainEvent, void, void> {
  if (!diagnostic) return;
  const event: TrainEvent = { type: 'warning', iter, epoch, diagnostic };
  folder?.add(event);
  yield event;
}

/** A run whose log cannot be written goes on; its parameters are kept, where that can be written. */
async function* keptWithoutLog(
  trouble: Diagnostic,
  { type, epoch }: TrainEvent,
  solver: Solver,
  prefix: string | undefined,
): AsyncGenerator<TrainEvent, void, void> {
  const now = { iter: solver.iter, epoch };
  yield { type: 'warning', ...now, diagnostic: trouble };
  if (type === 'end' || type === 'snapshot' || solver.iter === 0) return;
  try {
    yield { type: 'snapshot', ...now, ...(await solver.snapshot(prefix)) };
  } catch (cause) {
    if (!(cause instanceof MokapotError)) throw cause;
    yield { type: 'warning', ...now, diagnostic: { ...cause.diagnostics[0]!, severity: 'warning' } };
  }
}

/** The solver of a run, its nets and data. */
export async function loadRun(
  options: TrainOptions,
  resources: Resources,
): Promise<Made & { dataset: Dataset | undefined }> {
  const opened = typeof options.dataset === 'string' ? await openDataset(options.dataset) : undefined;
  if (opened) resources.add(() => opened.close());
  const dataset = opened ?? (options.dataset as Dataset | undefined);
  const made = bySolverFile(options) ? await bySolver(options, dataset) : await byEpochs(options, dataset, resources);
  resources.add(() => made.solver.dispose());
  return { ...made, dataset };
}

function bySolverFile({ solver, solverText }: TrainOptions): boolean {
  return solver !== undefined || solverText !== undefined;
}

function loopOptions(options: TrainOptions, solver: Solver, folder: RunFolder | undefined): LoopOptions {
  const { signal, feeds, testFeeds, snapshot, checkNumerics } = options;
  return {
    ...(signal && { signal }),
    ...(checkNumerics && { checkNumerics }),
    ...(feeds && { feeds }),
    ...(testFeeds && { testFeeds }),
    ...(snapshot !== undefined && { resumed: snapshot }),
    ...(folder && { snapshotPrefix: folder.prefixOf(solver) }),
  };
}

interface Made {
  readonly solver: Solver;
  readonly loop: LoopOptions;
}

async function bySolver(options: TrainOptions, dataset: Dataset | undefined): Promise<Made> {
  if (options.net !== undefined || options.netText !== undefined || options.epochs !== undefined) {
    throw fail('two-ways-to-train', 'A run goes by a solver or by epochs, and both were asked for.', {
      hint: 'Leave out --epochs (and the net), or leave out the solver.',
    });
  }
  const { solver: path, solverText, net: _, ...rest } = options;
  const given = { ...rest, ...(dataset && { dataset }) };
  const { param, diagnostics, ...more } = await solverOf(path, solverText, options);
  if (options.maxIter !== undefined) param.max_iter = options.maxIter;
  const solver = await Solver.fromParam(withOwnOptions(param, options), { ...given, ...more }, diagnostics);
  return { solver, loop: {} };
}

/** A solver's message from its file or its text, with what its nets are read by. */
async function solverOf(path: string | undefined, given: string | undefined, options: TrainOptions) {
  const { text, schema } =
    path === undefined ? { text: given!, schema: undefined } : await readPrototxt(path, options, given);
  const parsed = parseSolver(text, schema ? { name: path!, schema } : parseOptions(options));
  if (hasErrors(parsed.diagnostics)) throw new MokapotError(parsed.diagnostics);
  const { message: param, diagnostics } = parsed;
  return { param, diagnostics, ...(schema && { schema }), ...(path !== undefined && { dir: dirname(path) }) };
}

async function byEpochs(options: TrainOptions, dataset: Dataset | undefined, resources: Resources): Promise<Made> {
  const { epochs } = options;
  if (epochs === undefined || !(epochs > 0)) {
    const message = epochs === undefined ? 'Neither a solver nor epochs were given.' : `epochs is ${epochs}.`;
    throw fail('no-epochs', message, { hint: 'Say how long to train: --epochs 5, or --solver FILE.' });
  }
  const net = await namedNet(options);
  const seed = options.seed ?? freshSeed();
  const own = withOwnOptions(create('caffe.SolverParameter', {}), options).mokapot_param;
  const opener = new FeedOpener({ ...options, inputShapes: undefined }, dataset, resources, own);
  const { opened, train, val } = await openNets(net, { seed }, dataset, opener);
  const size = {
    trainBatches: train.batchesPerEpoch,
    batchSize: train.batchSize,
    valBatches: val?.batchesPerEpoch ?? 0,
  };
  const param = withOwnOptions(digitsSolver({ ...options, epochs }, size), options);
  if (options.maxIter !== undefined) param.max_iter = options.maxIter;
  const solver = await Solver.fromParam(param, { ...options, seed, net, opened, dataset, dir: net.dir });
  const iterationsPerEpoch = Math.ceil(size.trainBatches / (options.accumulate ?? 1));
  return { solver, loop: { wholeTests: true, iterationsPerEpoch } };
}

async function namedNet({ net, netText, ...options }: TrainOptions): Promise<NamedNet> {
  if (net !== undefined) return readNetFile(net, options, netText);
  if (netText !== undefined) return readNetText(netText, { schema: schemaFrom(options) }, undefined);
  throw fail('no-train-net', 'No network was given.', { hint: 'Name its prototxt, or a solver: --solver FILE.' });
}

interface OpenedNets {
  readonly opened: { readonly train: OpenedNet; readonly tests: readonly OpenedNet[] };
  readonly train: DataFeed;
  /** Undefined where there is nothing to validate on. */
  readonly val: DataFeed | undefined;
}

/** Opens what feeds each phase: how long an epoch is follows from it. */
async function openNets(
  net: NamedNet,
  options: { readonly seed: number },
  dataset: Dataset | undefined,
  opener: FeedOpener,
): Promise<OpenedNets> {
  const seeds = seedsOf(options.seed, 1);
  const train = await opener.open(net, undefined, seeds.data);
  if (!train.feed) {
    throw fail('no-data-layer', `The network has no Data layer in phase TRAIN, so that an epoch has no length.`, {
      hint: 'Give it Data layers for "data" and "label", or train by a solver with max_iter.',
    });
  }
  const isEmpty = dataset?.manifest.splits.val.entries.length === 0;
  const val = isEmpty ? undefined : await opener.open(net, undefined, seeds.tests[0]!.data, 0);
  return { opened: { train, tests: val ? [val] : [] }, train: train.feed, val: val?.feed };
}

/** Solver, as `train/solver.ts` has it, with files: solver and nets, data sets, weights, snapshots. */

import { dirname, resolve } from 'node:path';
import { type Dataset, openDataset } from '../../data/index.js';
import { type Diagnostic, hasErrors, MokapotError } from '../../diagnostics/index.js';
import { createEngine, type Engine } from '../../engines/node/index.js';
import { makeFolderSync } from '../../files/index.js';
import type { Net, Weights } from '../../runtime/node/net.js';
import type { UserCodeOptions } from '../../runtime/node/python_modules.js';
import { parseOptions, readPrototxt, type SchemaOptions } from '../../runtime/node/schemas.js';
import { parseSolver, type SolverParameter } from '../../schema/index.js';
import type { WeightMatch } from '../../weights/index.js';
import { loadSolverstate, saveSolverstate } from '../../weights/node/files.js';
import { loadSolver, type OpenedNet, type SolverParts, seedOf } from '../load.js';
import { genericTests, type NamedNet } from '../nets.js';
import { Resources } from '../resources.js';
import { type SnapshotBytes, type SnapshotFiles, snapshotNames } from '../snapshot.js';
import { checkedSolver, Solver as MemorySolver, type SolverOptions as MemorySolverOptions } from '../solver.js';
import { FeedOpener, NetsOfFiles } from './net_factory.js';
import { testNetsOf, trainNetOf } from './nets.js';
import { learnedNetOf, resolvePrefix } from './snapshot_files.js';

/** How a solver is loaded from files: data, weights, schema, user code, engine. */
export interface SolverOptions
  extends Omit<MemorySolverOptions, 'weights' | 'nets' | 'net'>,
    UserCodeOptions,
    SchemaOptions {
  /** The name of an engine (`engineNames`) or `auto`. Default: MOKAPOT_BACKEND, else auto. */
  readonly backend?: string;
  /** Copied into the training net before it starts, by layer name. */
  readonly weights?: Weights | readonly Weights[];
  /** The data set in use (or its folder), for Data layers without a source: split train for training, val for tests. */
  readonly dataset?: Dataset | string;
  /** Whether that data set is read in a new order each epoch. Default true. */
  readonly shuffle?: boolean;
  /**
   * The text of an AugmentParameter, in place of what the data layers say: how pictures are changed for training, and what is
   * cut out of them in training and tests.
   */
  readonly augment?: string;
}

/** The same for a solver that comes as text. */
export interface SolverTextOptions extends SolverOptions {
  /** What diagnostics call the text. */
  readonly name?: string;
  /** Where relative paths start. Default: the working directory. */
  readonly dir?: string;
}

type LoadOptions = SolverTextOptions & {
  /** Stands for the nets that the solver names. */
  readonly net?: NamedNet;
  /** Its nets, open already; they stay the caller's. */
  readonly opened?: { readonly train: OpenedNet; readonly tests: readonly OpenedNet[] };
};

/** A solver as Caffe's, with its files: nets, data sets, weights and snapshots by path. */
export class Solver extends MemorySolver<Net> {
  private constructor(
    parts: SolverParts<Net>,
    /** The folder that relative paths start from. */
    readonly dir: string | undefined,
  ) {
    super(parts);
  }

  /**
   * Reads a solver and its nets. Paths in it start at its own folder, then at the working directory.
   *
   * @param given its text, where it is not the file's
   * @throws MokapotError with every error of the solver, its nets and the weights; `out-of-memory` where an iteration would
   *   not fit the engine
   */
  static async fromFile(path: string, options: SolverOptions = {}, given?: string): Promise<Solver> {
    const { text, schema } = await readPrototxt(path, options, given);
    return Solver.fromText(text, { ...options, schema, name: path, dir: dirname(path) });
  }

  /** The same from a solver's text. */
  static override async fromText(text: string, options: SolverTextOptions = {}): Promise<Solver> {
    const { message, diagnostics } = parseSolver(text, parseOptions(options, options.name));
    if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
    return Solver.fromParam(message, options, diagnostics);
  }

  /** The same from a message. `net`, if given, stands for the nets that the solver names. */
  static override async fromParam(
    param: SolverParameter,
    options: LoadOptions = {},
    notes: readonly Diagnostic[] = [],
  ): Promise<Solver> {
    const checked = checkedSolver(param, notes);
    const { dir } = options;
    const train = options.net ?? (await trainNetOf(param, dir, options));
    const tests = options.net ? genericTests(options.net, param) : await testNetsOf(param, dir, options);
    const resources = new Resources();
    return resources.orClose(async () => {
      const opener = new FeedOpener(options, await datasetOf(options, resources), resources, param.mokapot_param);
      const factory = new NetsOfFiles(param, options, opener, await engineOf(options, resources));
      const seed = seedOf(param, options.seed);
      const { opened } = options;
      const parts = await loadSolver({ param, train, tests, seed, notes: checked, factory, resources, opened });
      return new Solver(parts, dir).prepared();
    });
  }

  /**
   * Writes `<prefix>_iter_<iter>.caffemodel` and `.solverstate`, or `.caffemodel.h5` and `.solverstate.h5`, as snapshot_format says.
   *
   * @param prefix default: `snapshot_prefix`, from the solver's folder if its folder is there, else from the working directory
   */
  snapshot(prefix?: string): Promise<SnapshotFiles> {
    return this.turn(async () => {
      const { hdf5, iter } = this;
      const written = prefix ?? (this.param.snapshot_prefix || 'snapshot');
      const names = snapshotNames(written, iter, hdf5);
      const files = snapshotNames(prefix ? resolve(prefix) : resolvePrefix(written, this.dir), iter, hdf5);
      const history = await this.checkedHistory();
      makeFolderSync(dirname(files.weights));
      const hash = await this.iterations.withAverages(() => this.within(() => this.net.save(files.weights)));
      await saveSolverstate(files.state, this.state(history, names.weights, hash));
      return files;
    });
  }

  /**
   * Goes on from a `.solverstate`, Mokapot's (with the very numbers of the unbroken run) or Caffe's.
   *
   * @throws MokapotError `history-count`, `history-shape`, `learned-net`, `foreign-weights`, `weights-…`
   */
  override async restore(snapshot: string | SnapshotBytes): Promise<void> {
    if (typeof snapshot !== 'string') return super.restore(snapshot);
    return this.turn(async () => {
      const state = loadSolverstate(snapshot);
      await this.restoreState(state, snapshot, () => {
        const weights = learnedNetOf(state, snapshot);
        if (weights) this.net.copyFrom(weights);
      });
    });
  }

  /** Copies weights into the training net (and so the test nets), by layer name. */
  override copyFrom(weights: Weights): WeightMatch {
    return this.net.copyFrom(weights);
  }
}

async function datasetOf({ dataset }: SolverOptions, resources: Resources): Promise<Dataset | undefined> {
  if (typeof dataset !== 'string') return dataset;
  const opened = await openDataset(dataset);
  resources.add(() => opened.close());
  return opened;
}

async function engineOf({ engine, backend }: SolverOptions, resources: Resources): Promise<Engine> {
  if (engine && typeof engine !== 'function') return engine;
  const made = await (engine ? engine() : createEngine(backend));
  resources.add(() => made.dispose());
  return made;
}

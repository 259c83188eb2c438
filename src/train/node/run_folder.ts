/**
 * A run's folder: the network and the solver as they were used, the log (one event a line), curves, snapshots. Training
 * can be looked at while it goes on, and gone on with from what lies here.
 */

import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Curves } from '../../charts/curves.js';
import { type Diagnostic, fail, MokapotError } from '../../diagnostics/index.js';
import {
  FolderLock,
  fileError,
  LineLog,
  lockOwner,
  makeFolderSync,
  readRegularSync,
  removeLeftovers,
  writeAtomicallySync,
  writeTextSync,
} from '../../files/index.js';
import { clone, printText } from '../../schema/index.js';
import { eventLine, type TrainEvent } from '../events.js';
import type { NamedNet } from '../nets.js';
import { eventsOf, logUpTo } from './run_log.js';
import { keepOptions, OPTIONS_FILE } from './run_options.js';
import { isSnapshotName } from './snapshots_in.js';
import type { Solver } from './solver.js';
import type { TrainOptions } from './train.js';

/** Names of the files in a run's folder. */
export const RUN_FILES = {
  network: 'network.prototxt',
  solver: 'solver.prototxt',
  log: 'log.jsonl',
  curves: 'curves.svg',
} as const;

const WRITING = { code: 'run-folder' };

/** Seconds between two drawings of the curves. */
const REDRAW = 20;

/** The folder of a run while nobody else may use it. */
export class ClaimedFolder {
  private constructor(
    readonly path: string,
    private readonly lock: FolderLock,
    private readonly isNew: boolean,
  ) {}

  /**
   * Makes the folder where it is not there, and locks it.
   *
   * @param goesOn whether the run that lies in it is gone on with; else none may be there
   * @throws MokapotError `run-folder`, `run-folder-busy`, `run-folder-used`
   */
  static take(path: string, goesOn: boolean): ClaimedFolder {
    try {
      const isNew = makeFolderSync(path);
      const lock = FolderLock.take(path);
      if (!lock) throw busy(path);
      const claimed = new ClaimedFolder(path, lock, isNew);
      if (!goesOn) claimed.refuseUsed();
      removeLeftovers(path);
      return claimed;
    } catch (cause) {
      throw cause instanceof MokapotError ? cause : fileError('run-folder', 'write', `the run's folder ${path}`, cause);
    }
  }

  /** A folder that was made for a run which never began goes. */
  release(): void {
    this.lock.release();
    if (this.isNew) removeIfEmpty(this.path);
  }

  private refuseUsed(): void {
    const own: readonly string[] = [...Object.values(RUN_FILES), OPTIONS_FILE];
    const isFile = (name: string) => statSync(join(this.path, name), { throwIfNoEntry: false })?.isFile();
    const found = readdirSync(this.path).find(name => (own.includes(name) || isSnapshotName(name)) && isFile(name));
    if (found === undefined) return;
    this.release();
    throw fail('run-folder-used', `The folder ${this.path} holds a run already (${found}).`, {
      hint: `Go on with that run: mokapot train --resume ${this.path}. Or give the new one another folder: --out DIR.`,
    });
  }
}

function busy(path: string): MokapotError {
  const owner = lockOwner(path);
  return fail('run-folder-busy', `Another run is using the folder ${path}${owner ? ` (process ${owner})` : ''}.`, {
    hint: 'Wait until it has ended, or give this run another folder: --out DIR.',
  });
}

/** Removes a folder in which nothing lies. */
export function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // It is in use, or gone.
  }
}

/** Makes a folder that nobody else has: `path`, or `path-2`, `path-3`, … @throws MokapotError `run-folder` */
export function newRunDir(path: string): string {
  try {
    makeFolderSync(dirname(path));
    for (let n = 1; ; n++) {
      const name = n === 1 ? path : `${path}-${n}`;
      if (madeNow(name)) return name;
    }
  } catch (cause) {
    throw fileError('run-folder', 'write', `the run's folder ${path}`, cause);
  }
}

function madeNow(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

export class RunFolder {
  private readonly log: LineLog;
  private readonly curves: Curves;
  private drawn = 0;
  /** Whether something could not be written, so that it is told once and not at every event. */
  private isTold = false;

  private constructor(
    readonly path: string,
    title: string,
    /** Events of the run before it was gone on with. */
    readonly earlier: readonly TrainEvent[],
  ) {
    this.curves = new Curves(title);
    for (const event of earlier) this.curves.add(event);
    this.log = new LineLog(join(path, RUN_FILES.log));
  }

  /**
   * Writes what the run is, and opens its log. Of a run that is gone on with the log ends at the snapshot: what comes
   * behind it is done again.
   *
   * @throws MokapotError `run-folder`, `run-changed`
   */
  static open({ path }: ClaimedFolder, options: TrainOptions, solver: Solver, snapshot?: string): RunFolder {
    try {
      const goesOn = options.resume !== undefined;
      if (goesOn) checkUnchanged(path, options, solver);
      else keepOptions(path, options, solver);
      for (const [name, text] of texts(solver)) writeTextSync(join(path, name), text, WRITING);
      keepUserCode(path, solver);
      const log = join(path, RUN_FILES.log);
      const isThere = statSync(log, { throwIfNoEntry: false })?.isFile() ?? false;
      const kept = isThere ? logUpTo(readFileSync(log, 'utf8'), solver, path, snapshot) : '';
      writeTextSync(log, kept, WRITING);
      return new RunFolder(path, solver.net.name, eventsOf(kept));
    } catch (cause) {
      throw cause instanceof MokapotError ? cause : fileError('run-folder', 'write', `the run's folder ${path}`, cause);
    }
  }

  /** What its snapshots begin with. */
  prefixOf(solver: Solver): string {
    return join(this.path, basename(solver.param.snapshot_prefix || 'snapshot'));
  }

  /**
   * Logs an event, and draws the curves anew at a test or an end, or when the last drawing is old.
   * @returns a warning, the first time that something cannot be written; the log's lines are kept and tried again
   */
  add(event: TrainEvent): Diagnostic | undefined {
    this.curves.add(event);
    const due = (performance.now() - this.drawn) / 1000 > REDRAW;
    try {
      this.log.add(eventLine(event));
      if (event.type === 'end' || (due && (event.type === 'test' || event.type === 'epoch'))) this.draw();
    } catch (cause) {
      if (this.isTold) return undefined;
      this.isTold = true;
      return { ...this.failure(cause).diagnostics[0]!, severity: 'warning' };
    }
    return undefined;
  }

  /** @throws MokapotError `run-folder` where lines of the log could not be written to the end */
  close(): void {
    try {
      this.log.flush();
    } catch (cause) {
      throw this.failure(cause);
    } finally {
      this.log.close();
    }
  }

  private failure(cause: unknown): MokapotError {
    if (cause instanceof MokapotError) return cause;
    return fileError('run-folder', 'write', join(this.path, RUN_FILES.log), cause);
  }

  private draw(): void {
    this.drawn = performance.now();
    writeTextSync(join(this.path, RUN_FILES.curves), this.curves.svg(), WRITING);
  }
}

/** The events of a log. Lines that are no events (a run that was cut off) are left out. */
export function readLog(path: string): TrainEvent[] {
  return eventsOf(readFileSync(path, 'utf8'));
}

/** A run is gone on with by the same net and solver. @throws MokapotError `run-changed` */
function checkUnchanged(folder: string, { solver: file, net, maxIter }: TrainOptions, solver: Solver): void {
  for (const [name, text] of texts(solver)) {
    const path = join(folder, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    const kept = readFileSync(path, 'utf8');
    const without = (t: string) => (maxIter === undefined ? t : t.replace(/^max_iter: .*$/m, ''));
    if (without(kept) === without(text)) continue;
    throw fail(
      'run-changed',
      `${file ?? net ?? 'The net'} has changed since the run in ${folder} began: it is no longer what ${path} says.`,
      {
        hint: `Undo the change, or begin a new run (--out DIR) with --solver or --net and --weights from here.`,
      },
    );
  }
}

/** The files of Python layers, beside the network, so that it finds them there. What they import is not among them. */
function keepUserCode(folder: string, { net, testNets }: Solver): void {
  for (const { path, name } of [net, ...testNets].flatMap(n => n.userFiles)) {
    const copy = join(folder, name);
    if (resolve(path) === resolve(copy)) continue;
    makeFolderSync(dirname(copy));
    writeAtomicallySync(copy, [readRegularSync(path)], WRITING);
  }
}

/** The network and the solver, so that `--solver` on this folder's would train the same. */
function texts(solver: Solver): (readonly [string, string])[] {
  const param = clone(solver.param);
  const textOf = ({ text, param: net }: NamedNet) => text ?? printText(net);
  for (const field of ['net', 'net_param', 'train_net', 'train_net_param'] as const)
    if (Object.hasOwn(param, field)) delete (param as Partial<typeof param>)[field];
  const own = solver.testSources.filter(test => test.param !== solver.source.param && test.text !== solver.source.text);
  param.test_net_param = [];
  param.test_net = own.map((_, i) => `test_network_${i}.prototxt`);
  param.net = RUN_FILES.network;
  param.random_seed = solver.seed;
  param.snapshot_prefix = basename(param.snapshot_prefix || 'snapshot');
  return [
    [RUN_FILES.network, textOf(solver.source)],
    [RUN_FILES.solver, printText(param)],
    ...own.map((test, i) => [`test_network_${i}.prototxt`, textOf(test)] as const),
  ];
}

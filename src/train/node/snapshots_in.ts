/** The snapshots that lie in a run's folder: which is the newest that is whole, and which are kept. */

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fail, MokapotError } from '../../diagnostics/index.js';
import { loadSolverstate } from '../../weights/node/files.js';
import { type Choice, choiceOf, chosenFigure } from '../best.js';
import type { TrainEvent } from '../events.js';
import type { PlacedSnapshots } from './placed_snapshots.js';
import { learnedNetOf } from './snapshot_files.js';

const SNAPSHOT = /_iter_(\d+)\.(caffemodel|solverstate)(?:\.h5)?$/;

export interface FoundSnapshot {
  readonly iter: number;
  readonly state: string;
  readonly weights: string;
}

/** Whether a name is that of a snapshot's file. */
export function isSnapshotName(name: string): boolean {
  return SNAPSHOT.test(name);
}

/** The newest snapshot whose two files are there, undamaged, and belong together; undefined where there is none. */
export function newestWhole(folder: string): FoundSnapshot | undefined {
  const states = readdirSync(folder)
    .map(name => ({ name, match: SNAPSHOT.exec(name) }))
    .filter(({ match }) => match?.[2] === 'solverstate')
    .map(({ name, match }) => ({ state: join(folder, name), iter: Number(match![1]) }))
    .sort((a, b) => b.iter - a.iter);
  for (const { state, iter } of states) {
    const weights = weightsIfWhole(state);
    if (weights !== undefined) return { iter, state, weights };
  }
  return undefined;
}

/** Whether a snapshot is the newest of a folder, so that going on from it there leaves nothing out. */
export function isNewestIn(folder: string, state: string): boolean {
  return resolve(dirname(state)) === resolve(folder) && newestWhole(folder)?.state === join(folder, basename(state));
}

function weightsIfWhole(state: string): string | undefined {
  try {
    return learnedNetOf(loadSolverstate(state), state);
  } catch (cause) {
    if (cause instanceof MokapotError) return undefined;
    throw cause;
  }
}

/** Removes weights that a killed run had written before their state: the run that goes on comes there again. */
export function removeWithoutState(folder: string, after: number): void {
  for (const name of readdirSync(folder)) {
    const match = SNAPSHOT.exec(name);
    if (match?.[2] !== 'caffemodel' || Number(match[1]) <= after) continue;
    const state = name.replace(/caffemodel(\.h5)?$/, 'solverstate$1');
    if (!existsSync(join(folder, state))) rmSync(join(folder, name), { force: true });
  }
}

export interface KeepOptions {
  /** The newest so many snapshots are kept, older ones are removed. Default: all, or with `keepBest` the newest. */
  readonly keepSnapshots?: number;
  /**
   * An output of the tests, e.g. `accuracy` or `loss:min`: a snapshot is taken whenever it is the best so far, and the one at
   * which it was best is kept. Default: the solver's keep_best. Default direction: `min` for names with `loss` in them, else `max`.
   */
  readonly keepBest?: string;
}

/** Removes the snapshots of a run that are no longer wanted, as its events tell of new ones. */
export class SnapshotKeeper {
  private readonly snapshots: FoundSnapshot[] = [];
  /** The chosen output at each iteration with a test. */
  private readonly figures = new Map<number, number>();
  private readonly count: number;
  private readonly best: Choice | undefined;

  /**
   * @param outputs of the test net, which the best is chosen by
   * @param folder where the snapshots lie, whatever path events have for it
   * @param placed where they lie too
   * @throws MokapotError `keep-best`, `bad-count`
   */
  constructor(
    { keepSnapshots, keepBest }: KeepOptions,
    outputs: readonly string[],
    private readonly folder: string | undefined,
    private readonly placed?: PlacedSnapshots,
  ) {
    if (keepSnapshots !== undefined && (!Number.isSafeInteger(keepSnapshots) || keepSnapshots < 1))
      throw fail('bad-count', `keepSnapshots is ${keepSnapshots}: a whole number is wanted, at least 1.`);
    this.count = keepSnapshots ?? (keepBest === undefined ? Number.POSITIVE_INFINITY : 1);
    this.best = keepBest === undefined ? undefined : choiceOf(keepBest, outputs, 'keep-best');
  }

  /** @param isPast whether the event is of the part of the run before it was gone on with */
  note(event: TrainEvent, isPast = false): void {
    if (event.type === 'snapshot') {
      const at = (path: string) => (this.folder === undefined ? path : join(this.folder, basename(path)));
      this.snapshots.push({ iter: event.iter, weights: at(event.weights), state: at(event.state) });
    } else if (event.type === 'test') this.noteTest(event);
    else return;
    if (!isPast) this.removeOld();
  }

  private noteTest(event: Extract<TrainEvent, { type: 'test' }>): void {
    if (event.net !== 0 || !this.best) return;
    const value = chosenFigure(this.best, event);
    if (value !== undefined) this.figures.set(event.iter, value);
  }

  private removeOld(): void {
    const best = this.bestSnapshot();
    const old = this.snapshots.slice(0, Math.max(0, this.snapshots.length - this.count));
    for (const snapshot of old) {
      if (snapshot === best) continue;
      // The state goes first: none shall be there without its weights.
      this.placed?.remove(snapshot.iter, snapshot);
      rmSync(snapshot.state, { force: true });
      rmSync(snapshot.weights, { force: true });
      this.snapshots.splice(this.snapshots.indexOf(snapshot), 1);
    }
  }

  private bestSnapshot(): FoundSnapshot | undefined {
    const { best, figures } = this;
    if (!best) return undefined;
    const tested = this.snapshots.filter(({ iter }) => figures.has(iter));
    return tested.sort((a, b) => best.sign * (figures.get(b.iter)! - figures.get(a.iter)!))[0];
  }
}

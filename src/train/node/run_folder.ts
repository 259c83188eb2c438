/**
 * A run's folder: the network and the solver as they were used, the log (one event a line), curves, snapshots. Training
 * can be looked at while it goes on, and gone on with from what lies here.
 */

import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Curves } from '../../charts/curves.js';
import { type Diagnostic, MokapotError } from '../../diagnostics/index.js';
import {
  fileError,
  LineLog,
  readRegularSync,
  removeLeftovers,
  writeAtomicallySync,
  writeTextSync,
} from '../../files/index.js';
import { clone, printText } from '../../schema/index.js';
import { eventLine, type TrainEvent } from '../events.js';
import type { NamedNet } from '../nets.js';
import type { Solver } from './solver.js';

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

export class RunFolder {
  private readonly log: LineLog;
  private readonly curves: Curves;
  private drawn = 0;
  /** Whether something could not be written, so that it is told once and not at every event. */
  private isTold = false;

  private constructor(
    readonly path: string,
    title: string,
    earlier: readonly TrainEvent[],
  ) {
    this.curves = new Curves(title);
    for (const event of earlier) this.curves.add(event);
    this.log = new LineLog(join(path, RUN_FILES.log));
  }

  /** Makes the folder where it is not there. A run that was resumed adds to the log that it finds. */
  static open(path: string, solver: Solver): RunFolder {
    try {
      mkdirSync(path, { recursive: true });
      removeLeftovers(path);
      for (const [name, text] of texts(solver)) writeTextSync(join(path, name), text, WRITING);
      keepUserCode(path, solver);
      const log = join(path, RUN_FILES.log);
      const earlier = statSync(log, { throwIfNoEntry: false })?.isFile() ? readLog(log) : [];
      if (solver.iter === 0) writeTextSync(log, '', WRITING);
      return new RunFolder(path, solver.net.name, solver.iter === 0 ? [] : earlier.filter(e => e.iter < solver.iter));
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
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap(line => {
      try {
        const event: unknown = JSON.parse(line);
        return typeof event === 'object' && event !== null && 'type' in event ? [event as TrainEvent] : [];
      } catch {
        return [];
      }
    });
}

/** The files of Python layers, beside the network, so that it finds them there. What they import is not among them. */
function keepUserCode(folder: string, { net, testNets }: Solver): void {
  for (const { path, name } of [net, ...testNets].flatMap(n => n.userFiles)) {
    const copy = join(folder, name);
    if (resolve(path) === resolve(copy)) continue;
    mkdirSync(dirname(copy), { recursive: true });
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

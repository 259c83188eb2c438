/**
 * A run's folder: the network and the solver as they were used, the log (one event a line), curves, snapshots. Training
 * can be looked at while it goes on, and gone on with from what lies here.
 */

import {
  copyFileSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  type WriteStream,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Curves } from '../charts/curves.js';
import { fail } from '../diagnostics/index.js';
import { clone, printText } from '../schema/index.js';
import { eventLine, type TrainEvent } from './events.js';
import type { NamedNet } from './nets.js';
import type { Solver } from './solver.js';

export const RUN_FILES = {
  network: 'network.prototxt',
  solver: 'solver.prototxt',
  log: 'log.jsonl',
  curves: 'curves.svg',
} as const;

/** Seconds between two drawings of the curves. */
const REDRAW = 20;

export class RunFolder {
  private readonly log: WriteStream;
  private readonly curves: Curves;
  private drawn = 0;
  private broken: Error | undefined;

  private constructor(
    readonly path: string,
    title: string,
    earlier: readonly TrainEvent[],
  ) {
    this.curves = new Curves(title);
    for (const event of earlier) this.curves.add(event);
    this.log = createWriteStream(join(path, RUN_FILES.log), { flags: 'a' });
    this.log.on('error', cause => {
      this.broken = cause;
    });
  }

  /** Makes the folder where it is not there. A run that was resumed adds to the log that it finds. */
  static open(path: string, solver: Solver): RunFolder {
    try {
      mkdirSync(path, { recursive: true });
      for (const [name, text] of texts(solver)) writeFileSync(join(path, name), text);
      keepUserCode(path, solver);
      const log = join(path, RUN_FILES.log);
      const earlier = existsSync(log) ? readLog(log) : [];
      if (solver.iter === 0) writeFileSync(log, '');
      return new RunFolder(path, solver.net.name, solver.iter === 0 ? [] : earlier.filter(e => e.iter < solver.iter));
    } catch (cause) {
      throw fail('run-folder', `Cannot write the run's folder ${path}: ${(cause as Error).message}.`);
    }
  }

  /** What its snapshots begin with. */
  prefixOf(solver: Solver): string {
    return join(this.path, basename(solver.param.snapshot_prefix || 'snapshot'));
  }

  /** Logs an event, and draws the curves anew at a test or an end, or when the last drawing is old. */
  add(event: TrainEvent): void {
    this.log.write(`${eventLine(event)}\n`);
    this.curves.add(event);
    const due = (performance.now() - this.drawn) / 1000 > REDRAW;
    if (event.type === 'end' || (due && (event.type === 'test' || event.type === 'epoch'))) this.draw();
  }

  /** @throws MokapotError `run-folder` where the log could not be written */
  async close(): Promise<void> {
    await new Promise<void>(resolve => {
      this.log.end(() => resolve());
      this.log.on('error', () => resolve());
    });
    if (this.broken) throw fail('run-folder', `Cannot write the log in ${this.path}: ${this.broken.message}.`);
  }

  private draw(): void {
    this.drawn = performance.now();
    writeFileSync(join(this.path, RUN_FILES.curves), this.curves.svg());
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
    copyFileSync(path, copy);
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

/** `mokapot train`: by a solver file as `caffe train`, or by epochs as DIGITS. */

import { basename, extname, join } from 'node:path';
import { fail } from '../../diagnostics/index.js';
import type { UserCodeOptions } from '../../runtime/python_modules.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/schemas.js';
import { RUN_FILES, type TrainOptions, train } from '../../train/index.js';
import { exitCodes, Interrupted } from '../errors.js';
import { type Io, say, tellingOf } from '../io.js';
import { withBatchSize } from '../network.js';
import { readTextFile } from '../text_file.js';
import { showTraining } from '../training.js';

export interface TrainCommandOptions extends UserCodeOptions, SchemaOptions {
  readonly solver?: string;
  readonly net?: string;
  readonly dataset?: string;
  readonly epochs?: number;
  readonly lr?: number;
  readonly policy?: TrainOptions['policy'];
  readonly gamma?: number;
  readonly power?: number;
  /** Per cent of the run. */
  readonly step?: readonly number[];
  readonly momentum?: number;
  readonly weightDecay?: number;
  readonly type?: string;
  readonly batchSize?: number;
  readonly accumulate?: number;
  readonly valInterval?: number;
  readonly snapshotInterval?: number;
  readonly maxIter?: number;
  readonly weights?: readonly string[];
  readonly snapshot?: string;
  readonly seed?: number;
  readonly shuffle: boolean;
  readonly stage?: readonly string[];
  readonly backend?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** Options that only make sense without a solver file. */
const BY_EPOCHS = [
  ...(['epochs', 'lr', 'policy', 'gamma', 'power', 'step', 'momentum', 'weightDecay', 'type'] as const),
  ...(['batchSize', 'accumulate', 'valInterval', 'snapshotInterval'] as const),
] as const;

/** @returns 0; 1 where the training diverged or user code failed. @throws Interrupted after Ctrl-C, its snapshot written */
export async function trainCommand(io: Io, options: TrainCommandOptions): Promise<number> {
  const signal = io.interruptible();
  const runDir = options.out ?? join('runs', runName(options.solver ?? options.net));
  const events = train({ ...(await trainOptions(options)), onPythonOutput: tellingOf(io), signal, runDir });
  const end = await showTraining(io, events, options.json);
  if (end.reason === 'aborted') throw new Interrupted(resumeText(end.iter, end.snapshot?.state));
  if (!options.json) say(io, `${runDir}: ${Object.values(RUN_FILES).join(', ')}${end.snapshot ? ', snapshots' : ''}`);
  return end.reason === 'done' ? exitCodes.ok : exitCodes.failed;
}

function resumeText(iter: number, state: string | undefined): string {
  return `Stopped after iteration ${iter}. The same command with --snapshot ${state ?? 'FILE'} goes on from there.`;
}

/** `fcn_small-20260131-094500` */
export function runName(file = 'run', now = new Date()): string {
  const [day, time] = now.toISOString().slice(0, 19).replace(/[-:]/g, '').split('T');
  return `${basename(file, extname(file))}-${day}-${time}`;
}

async function trainOptions(options: TrainCommandOptions): Promise<TrainOptions> {
  const { solver, net, step, batchSize, stage, ...others } = options;
  for (const file of [solver, net]) if (file !== undefined) await readTextFile(file);
  const rest = { ...others, stages: stage };
  if (solver !== undefined) {
    const given = BY_EPOCHS.find(name => options[name] !== undefined);
    if (given || net !== undefined) throw twoWays(given ?? 'net');
    return { ...rest, solver };
  }
  if (net === undefined) {
    throw fail('nothing-to-train', 'Neither a solver nor a network is given.', {
      hint: "Caffe's way: --solver FILE. DIGITS' way: --net FILE --dataset DIR --epochs 5 --lr 1e-4.",
    });
  }
  const netText =
    batchSize === undefined ? undefined : withBatchSize(await readTextFile(net), batchSize, schemaFrom(options, net));
  const steps = options.policy === 'multistep' ? { stepValues: step } : { stepSize: step?.[0] };
  return { ...rest, net, netText, ...(step && steps) };
}

function twoWays(name: string) {
  const option = `--${name.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)}`;
  return fail('two-ways-to-train', `With --solver the solver file says everything; ${option} has no place beside it.`, {
    hint: 'Change the solver file (mokapot edit FILE --set base_lr=…), or leave out --solver.',
  });
}

/** `mokapot train`: by a solver file as `caffe train`, or by epochs as DIGITS. */

import { basename, extname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { fail } from '../../diagnostics/index.js';
import type { UserCodeOptions } from '../../runtime/node/python_modules.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import type { OwnOptions, TrainEvent } from '../../train/index.js';
import { newRunDir, RUN_FILES, removeIfEmpty, type TrainOptions, train } from '../../train/node/index.js';
import { augmentOption, augmentText } from '../augment.js';
import type { Declare } from '../declare.js';
import { exitCodes, Interrupted } from '../errors.js';
import { findRateCommand } from '../find_rate.js';
import { type Io, say, tellingOf } from '../io.js';
import { withBatchSize } from '../network.js';
import { integer, number, numbers } from '../options.js';
import {
  backendOption,
  datasetOption,
  jsonOption,
  levelOption,
  outOption,
  pythonOptions,
  schemaOptions,
  seedOption,
  stageOption,
  weightsOption,
} from '../shared_options.js';
import { readPlacedFile } from '../text_file.js';
import { showTraining } from '../training.js';

export interface TrainCommandOptions extends UserCodeOptions, SchemaOptions, OwnOptions {
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
  readonly level?: number;
  readonly backend?: string;
  readonly out?: string;
  readonly resume?: string;
  readonly keepSnapshots?: number;
  readonly keepBest?: string;
  readonly checkNumerics?: boolean;
  readonly augment?: string;
  readonly findLr?: boolean;
  readonly overlays?: number;
  readonly json?: boolean;
}

const POLICIES = ['fixed', 'step', 'multistep', 'exp', 'inv', 'poly', 'sigmoid', 'cosine'];

export const declare: Declare = (command, io, act) => {
  declareOwn(
    declareSchedule(
      command
        .option('--solver <file>', "Caffe's way: the solver file says everything; - is stdin")
        .option('--net <file>', "DIGITS' way: the network; - is stdin")
        .addOption(datasetOption()),
    ),
  )
    .addOption(new Option('--max-iter <n>', 'end after this many iterations').argParser(integer(1)))
    .addOption(weightsOption('start from these weights, by layer name, in any format (repeatable)'))
    .option('--snapshot <file>', 'go on from this .solverstate, as a new run')
    .option('--resume <dir>', "go on with the run in this folder, by the run's own options")
    .addOption(new Option('--keep-snapshots <n>', 'remove all but the newest n').argParser(integer(1)))
    .option('--keep-best <output[:min|max]>', 'keep the snapshot of the best test, and take one there')
    .option('--check-numerics', 'watch every blob and gradient for what is not finite, at each iteration (slower)')
    .addOption(augmentOption('change training pictures by this: a file, fields, or a recipe: cardiac, photo'))
    .addOption(
      new Option('--overlays <n>', 'draw what is found in n validation pictures after each test').argParser(integer(0)),
    )
    .option('--find-lr', 'train nothing: try rates from 1e-7 to 1, draw the loss over them and suggest one')
    .addOption(seedOption())
    .option('--no-shuffle', 'read the data set in order')
    .addOption(stageOption())
    .addOption(levelOption())
    .addOption(backendOption());
  schemaOptions(pythonOptions(command))
    .addOption(outOption("the run's folder (default: runs/<name>-<date>)", 'dir'))
    .addOption(jsonOption('one event a line'))
    .action(act(async (options: TrainCommandOptions) => trainCommand(io, options)));
};

/** What a solver file says otherwise. */
function declareSchedule(command: Command): Command {
  return command
    .addOption(new Option('--epochs <n>', 'passes over the training data').argParser(number(0)))
    .addOption(new Option('--lr <rate>', 'base learning rate (default: 0.01)').argParser(number(0)))
    .addOption(new Option('--policy <name>', 'of the learning rate (default: step)').choices(POLICIES))
    .addOption(new Option('--step <percent>', 'of the run: length of a step; for multistep a list').argParser(numbers))
    .addOption(new Option('--gamma <x>', "the policy's gamma").argParser(number()))
    .addOption(new Option('--power <x>', "the policy's power").argParser(number()))
    .addOption(new Option('--type <name>', 'solver type (default: SGD)'))
    .addOption(new Option('--momentum <x>', '(default: 0.9)').argParser(number(0)))
    .addOption(new Option('--weight-decay <x>', '(default: 0.0005)').argParser(number(0)))
    .addOption(new Option('--batch-size <n>', "instead of the Data layers' own").argParser(integer(1)))
    .addOption(new Option('--accumulate <n>', 'batches whose gradients make one update').argParser(integer(1)))
    .addOption(new Option('--val-interval <epochs>', 'from one validation to the next').argParser(number(0)))
    .addOption(new Option('--snapshot-interval <epochs>', 'from one snapshot to the next').argParser(number(0)));
}

/** What a solver has under mokapot_param; given here it takes that one's place. */
function declareOwn(command: Command): Command {
  return command
    .addOption(new Option('--warmup <n>', 'iterations in which the rate rises to the policy’s').argParser(integer(1)))
    .addOption(new Option('--warmup-start <x>', 'share of the rate it begins with (default: 0.1)').argParser(number(0)))
    .addOption(new Option('--min-lr <rate>', 'what policy cosine ends with (default: 0)').argParser(number(0)))
    .addOption(
      new Option('--ema <decay>', 'average the weights, e.g. 0.999: for tests and .caffemodel').argParser(number(0)),
    )
    .addOption(new Option('--ema-start <n>', 'iteration that the average begins at').argParser(integer(0)))
    .option('--class-weights <w>', 'in SoftmaxWithLoss: auto, sqrt (by the data set), or a number a class: 0.5,2')
    .addOption(
      new Option('--oversample <class=n>', 'read entries with the class n times an epoch (repeatable)').argParser(
        (text: string, before: readonly string[] = []) => [...before, text],
      ),
    )
    .option('--early-stopping <output[:min|max],n[,delta]>', 'end when n tests in a row were no better (by delta)');
}

/** Options that only make sense without a solver file. */
const BY_EPOCHS = [
  ...(['epochs', 'lr', 'policy', 'gamma', 'power', 'step', 'momentum', 'weightDecay', 'type'] as const),
  ...(['batchSize', 'accumulate', 'valInterval', 'snapshotInterval'] as const),
] as const;

/** @returns 0, also where it stopped early; 1 where the training diverged or user code failed. @throws Interrupted after Ctrl-C, its snapshot written */
export async function trainCommand(io: Io, options: TrainCommandOptions): Promise<number> {
  const signal = io.interruptible({ withoutOutput: true });
  const { resume } = options;
  const more = { onPythonOutput: tellingOf(io), signal };
  if (resume !== undefined)
    return show(io, train({ ...resumeOptions(options, resume), ...more }), resume, options.json);
  const given = await trainOptions(options);
  const runDir = options.out ?? newRunDir(join('runs', runName(options.solver ?? options.net)));
  try {
    if (options.findLr) return await findRateCommand(io, { ...given, ...more }, runDir, options.json);
    return await show(io, train({ ...given, ...more, runDir }), runDir, options.json);
  } finally {
    if (options.out === undefined) removeIfEmpty(runDir);
  }
}

async function show(io: Io, events: AsyncIterable<TrainEvent>, runDir: string, json = false): Promise<number> {
  const end = await showTraining(io, events, json);
  if (end.reason === 'aborted') throw new Interrupted(resumeText(end.iter, runDir));
  if (!json) say(io, `${runDir}: ${Object.values(RUN_FILES).join(', ')}${end.snapshot ? ', snapshots' : ''}`);
  return end.reason === 'done' || end.reason === 'stopped' ? exitCodes.ok : exitCodes.failed;
}

function resumeText(iter: number, runDir: string): string {
  return `Stopped after iteration ${iter}. Go on with: mokapot train --resume ${runDir}`;
}

/** What may be said anew of a run that is gone on with. */
const WITH_RESUME: ReadonlySet<string> = new Set([
  ...['resume', 'json', 'shuffle', 'maxIter', 'backend', 'keepSnapshots', 'keepBest', 'checkNumerics'],
  ...['python', 'pythonTimeout'],
]);

function resumeOptions(options: TrainCommandOptions, resume: string): TrainOptions {
  const other = Object.entries(options).find(([name, value]) => value !== undefined && !WITH_RESUME.has(name))?.[0];
  if (other !== undefined || !options.shuffle) {
    const message = `The run in ${resume} goes on with its own options; ${optionName(other ?? 'noShuffle')} has no place beside --resume.`;
    throw fail('resume-options', message, {
      hint: 'Leave it out, or begin a new run with --out DIR and --snapshot FILE.',
    });
  }
  const { maxIter, backend, keepSnapshots, keepBest, checkNumerics, python, pythonTimeout } = options;
  return { resume, maxIter, backend, keepSnapshots, keepBest, checkNumerics, python, pythonTimeout } as TrainOptions;
}

/** `fcn_small-20260131-094500` */
export function runName(file = 'run', now = new Date()): string {
  const [day, time] = now.toISOString().slice(0, 19).replace(/[-:]/g, '').split('T');
  return `${file === '-' ? 'stdin' : basename(file, extname(file))}-${day}-${time}`;
}

async function trainOptions(options: TrainCommandOptions): Promise<TrainOptions> {
  const {
    solver,
    net,
    step,
    batchSize,
    stage,
    augment,
    out: _,
    json: __,
    resume: ___,
    findLr: ____,
    ...others
  } = options;
  const rest = { ...others, stages: stage, ...(augment !== undefined && { augment: await augmentText(augment) }) };
  if (solver !== undefined) {
    const given = BY_EPOCHS.find(name => options[name] !== undefined);
    if (given || net !== undefined) throw twoWays(given ?? 'net');
    const { text, name } = await readPlacedFile(solver);
    return { ...rest, solver: name, ...(solver === '-' && { solverText: text }) };
  }
  if (net === undefined) {
    throw fail('nothing-to-train', 'Neither a solver nor a network is given.', {
      hint: "Caffe's way: --solver FILE. DIGITS' way: --net FILE --dataset DIR --epochs 5 --lr 1e-4.",
    });
  }
  const { text, name } = await readPlacedFile(net);
  const netText =
    batchSize !== undefined ? withBatchSize(text, batchSize, schemaFrom(options, net)) : net === '-' ? text : undefined;
  const steps = options.policy === 'multistep' ? { stepValues: step } : { stepSize: step?.[0] };
  return { ...rest, net: name, netText, ...(step && steps) };
}

function twoWays(name: string) {
  return fail(
    'two-ways-to-train',
    `With --solver the solver file says everything; ${optionName(name)} has no place beside it.`,
    {
      hint: 'Change the solver file (mokapot edit FILE --set base_lr=…), or leave out --solver.',
    },
  );
}

function optionName(name: string): string {
  return `--${name.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)}`;
}

/** The command line: commands, their options and help. What they do lies in commands/, loaded when called. */

import { Command, Option } from 'commander';
import type { ImagesOptions, PhantomOptions, SunnybrookOptions } from '../data/index.js';
import type { CheckOptions } from './commands/check.js';
import type { CodecOptions } from './commands/codec.js';
import type { ConvertCommandOptions } from './commands/convert.js';
import type { ShowOptions } from './commands/dataset.js';
import type { DemoOptions } from './commands/demo.js';
import type { EditOptions } from './commands/edit.js';
import type { InferOptions } from './commands/infer.js';
import type { SummaryOptions } from './commands/summary.js';
import type { TestCommandOptions } from './commands/test.js';
import type { TimeOptions } from './commands/time.js';
import type { TrainCommandOptions } from './commands/train.js';
import type { TransplantCommandOptions } from './commands/transplant.js';
import type { VerifyOptions } from './commands/verify.js';
import type { WeightsOptions } from './commands/weights.js';
import type { Io } from './io.js';
import { inputShape, integer, list, number, numbers, phase, repeated } from './options.js';
import { addTools } from './program_tools.js';
import { version } from './version.js';

const AFTER_HELP = `
Exit codes: 0 all right, 1 errors in what was given, 2 wrong usage, 130 interrupted.
Variables: MOKAPOT_BACKEND (see doctor), MOKAPOT_PYTHON, NO_COLOR, MOKAPOT_DEBUG=1 (where an error comes from).

For a start without any data of your own: mokapot demo`;

/** Wraps an action: its result, where it is a number, is the exit code. */
export type Act = <A extends unknown[]>(run: (...args: A) => Promise<unknown>) => (...args: A) => Promise<void>;

/** `setCode` is told the exit code of the command that ran. */
export function createProgram(io: Io, setCode: (code: number) => void): Command {
  const program = new Command('mokapot')
    .description('Compiles Caffe networks (prototxt) to TensorFlow.js, trains them, reads and writes Caffe weights.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: text => void io.stdout.write(text),
      writeErr: text => void io.stderr.write(text),
      getOutHelpWidth: () => Math.min(io.stdout.columns ?? 100, 110),
      getErrHelpWidth: () => Math.min(io.stdout.columns ?? 100, 110),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', AFTER_HELP);
  const act: Act =
    run =>
    async (...args) => {
      const code = await run(...args);
      if (typeof code === 'number') setCode(code);
    };
  addLooking(program, io, act);
  addData(program, io, act);
  addRunning(program, io, act);
  addEditing(program, io, act);
  addConvert(program, io, act);
  addTime(program, io, act);
  addVerify(program, io, act);
  addWeights(program, io, act);
  addTools(program, io, act);
  addSchemas(program);
  addPython(program);
  return program;
}

/** Commands that read prototxt. */
const READERS = [
  'check',
  'summary',
  'train',
  'test',
  'infer',
  'encode',
  'decode',
  'edit',
  'time',
  'convert',
  'transplant',
  'upgrade',
  'deploy',
  'diff',
  'graph',
  'explain',
  'lsp',
];

/** By which schema prototxt is read; a `net.proto` beside `net.prototxt` counts too. */
function addSchemas(program: Command): void {
  for (const command of program.commands.filter(c => READERS.includes(c.name()))) {
    command
      .option('--schema <file>', "a fork's .proto, whose fields may be used besides Caffe's (repeatable)", repeated)
      .option('--lenient', 'warn of fields that the schema lacks, and leave them out');
  }
}

const stageOption = () =>
  new Option('--stage <names>', 'stages in force, e.g. val or deploy (repeatable, commas separate)').argParser(list);
const phaseOption = () => new Option('--phase <phase>', 'TRAIN or TEST').argParser(phase);
const inputOption = () =>
  new Option('--input <blob=shape>', 'shape of an input, e.g. data=1,3,256,256 (repeatable)').argParser(inputShape);

function addLooking(program: Command, io: Io, act: Act): void {
  program
    .command('check')
    .description('say what is wrong with networks and solvers, and what will likely not do what was meant')
    .argument('<file...>', 'prototxt files; - is stdin')
    .addOption(
      new Option('--format <format>', 'for people, for programs (json, sarif), for GitHub (github)')
        .choices(['text', 'json', 'sarif', 'github'])
        .default('text'),
    )
    .addOption(phaseOption())
    .addOption(stageOption())
    .addOption(inputOption())
    .option('--dataset <dir>', 'hold the numbers of scores against the classes of this data set')
    .option('--solver', 'the files are solvers (found out from their fields otherwise)')
    .option('--weights <file>', 'trained weights will be loaded: say nothing about how weights start')
    .option('--fix', 'apply the mends that are safe, in the files themselves, and show them')
    .option('--dry-run', 'show what --fix would change, and change nothing')
    .option('--strict', 'warnings count as errors')
    .addOption(pythonOption())
    .addOption(runPythonOption())
    .action(
      act(async (files: string[], options: CheckOptions) => {
        const { check } = await import('./commands/check.js');
        return check(io, files, options);
      }),
    );
  program
    .command('summary')
    .description('layers, shapes, parameters, multiply-adds and memory of a network')
    .argument('<file>', 'a network; - is stdin')
    .addOption(inputOption())
    .addOption(phaseOption())
    .addOption(stageOption())
    .option('--splits', 'show the splits that are put in where several layers read one blob')
    .addOption(pythonOption())
    .addOption(runPythonOption())
    .option('--json', 'as JSON')
    .action(
      act(async (file: string, options: SummaryOptions) => {
        const { summary } = await import('./commands/summary.js');
        return summary(io, file, options);
      }),
    );
  program
    .command('doctor')
    .description('what this machine offers, which backend is used, and why')
    .option('--json', 'as JSON')
    .action(
      act(async (options: { json?: boolean }) => {
        const { doctor } = await import('./commands/doctor.js');
        return doctor(io, options);
      }),
    );
}

const EDIT_HELP = `
A path is a layer and a field: score_fr.num_output (found in convolution_param), conv1.param[0].lr_mult, conv1.param[*].lr_mult;
or a field of the text: base_lr. Layers go by name or pattern and can be narrowed: 'conv*', 'data[phase=TRAIN]', 'data[type=Input]',
'data[stage=deploy]', 'data[1]'. A value is written as in the text: 2, MAX, [5, 9], '{ type: "xavier" }'.

For example
  mokapot edit train_val.prototxt --set score_fr.num_output=2 --set 'data[phase=TRAIN].batch_size=8' --write
  mokapot edit net.prototxt --set 'conv*.param[*].lr_mult=0' --rename 'conv*=frozen_*'
  mokapot edit net.prototxt --after 'conv1=layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }' | mokapot check -`;

function addEditing(program: Command, io: Io, act: Act): void {
  program
    .command('edit')
    .description('change fields of a prototxt; comments and layout stay')
    .argument('<file>', 'a network or solver; - is stdin')
    .option('--set <path=value>', 'e.g. score_fr.num_output=2 (repeatable)', repeated)
    .option('--add <path=value>', 'one more entry of a repeated field (repeatable)', repeated)
    .option('--remove <path>', 'take out a field, an entry or a layer (repeatable)', repeated)
    .option('--rename <old=new>', 'another name for a layer (or, by its path, a field) (repeatable)', repeated)
    .option('--rename-blob <old=new>', 'another name for a blob, in all bottoms and tops (repeatable)', repeated)
    .option('--before <layer=block>', 'put a layer in front of another (repeatable)', repeated)
    .option('--after <layer=block>', 'put a layer behind another (repeatable)', repeated)
    .option('--write', 'change the file itself; without it the text is printed')
    .option('--out <file>', 'write to this file')
    .addHelpText('after', EDIT_HELP)
    .action(
      act(async (file: string, options: EditOptions) => {
        const { edit } = await import('./commands/edit.js');
        await edit(io, file, options);
      }),
    );
  const codec = (name: 'encode' | 'decode', description: string, raw: string) =>
    program
      .command(name)
      .description(description)
      .argument('<file>')
      .option('--message <type>', "one of Caffe's messages", 'caffe.NetParameter')
      .option('--out <file>', 'write to this file instead of stdout')
      .option('--raw', raw)
      .action(
        act(async (file: string, options: CodecOptions) => {
          const commands = await import('./commands/codec.js');
          await commands[name](io, file, options);
        }),
      );
  codec('encode', 'prototxt to binary message', "without upgrading older forms: protoc's very bytes");
  codec('decode', 'binary message to prototxt', 'without upgrading older forms');
}

function addWeights(program: Command, io: Io, act: Act): void {
  program
    .command('weights')
    .description(
      'what is in a file of weights (.caffemodel, .h5, .safetensors, .npz, a mean or solver state), or how far two are apart',
    )
    .argument('<file>', 'its content says what it is')
    .option('--diff <other>', 'compare with this file; exit code 1 where they differ')
    .option('--svg <file>', 'draw the histograms')
    .option('--json', 'as JSON')
    .action(
      act(async (file: string, options: WeightsOptions) => {
        const { weights } = await import('./commands/weights.js');
        return weights(io, file, options);
      }),
    );
  program
    .command('transplant')
    .description('put weights into another network: same names copied, fully connected layers made convolutions')
    .requiredOption('--weights <file>', 'trained weights, in any format')
    .requiredOption('--to <file>', 'the network they go into')
    .requiredOption('--out <file>', 'the .caffemodel (or .caffemodel.h5) to write')
    .option('--from <file>', 'the network they are of: checks that they are, and says how its matrices lie')
    .option('--rename <old=new>', "a layer of the weights and the network's layer it goes to (repeatable)", repeated)
    .option('--gray', "grey pictures: sum the channels of the first layer's filters")
    .option('--rgb', 'colour pictures from filters over grey: a third to each channel')
    .addOption(inputOption())
    .addOption(phaseOption())
    .addOption(stageOption())
    .addOption(new Option('--seed <n>', 'of the fillers').argParser(integer()).default(1))
    .addOption(pythonOption())
    .option('--json', 'as JSON')
    .action(
      act(async (options: TransplantCommandOptions) => {
        const { transplantCommand } = await import('./commands/transplant.js');
        return transplantCommand(io, options);
      }),
    );
}

const TARGETS = ['tfjs', 'onnx', 'safetensors', 'npz', 'h5', 'caffemodel'];

function addConvert(program: Command, io: Io, act: Act): void {
  program
    .command('convert')
    .description('a network with its weights as a TensorFlow.js or ONNX model; weights in other formats')
    .addOption(new Option('--to <format>', 'what to make').choices(TARGETS).makeOptionMandatory())
    .requiredOption('--out <dir>', 'where it goes: a folder, or a file of that kind')
    .option('--net <file>', 'the network; its stage "deploy" is used unless options say otherwise')
    .option('--weights <file>', '.caffemodel, .caffemodel.h5, .safetensors or .npz (repeatable)', repeated)
    .addOption(inputOption())
    .addOption(phaseOption())
    .addOption(stageOption())
    .addOption(new Option('--quantize <type>', 'tfjs: smaller weights').choices(['float16', 'uint16', 'uint8']))
    .addOption(new Option('--layout <axes>', 'tfjs: of pictures in and out').choices(['NCHW', 'NHWC']).default('NCHW'))
    .addOption(
      new Option('--output <blobs>', "into the model: up to these blobs, instead of the network's outputs").argParser(
        list,
      ),
    )
    .option('--fixed', 'one batch size, height and width, even where any would do')
    .option('--mean <numbers>', 'into the model: subtract this from each channel, e.g. 104,117,123, or a .binaryproto')
    .addOption(new Option('--scale <x>', 'into the model: multiply by this, after the mean').argParser(number()))
    .option('--bgr', 'into the model: it takes red, green, blue; the network wants blue first (--mean goes by it)')
    .option('--preprocess <blob>', 'the input that the three above are for, where there are several')
    .option('--fold-batch-norm', 'work BatchNorm, Scale and Bias into the layers before them')
    .option('--no-check', 'do not run the model beside the network')
    .addOption(backendOption())
    .addOption(pythonOption())
    .option('--json', 'as JSON')
    .action(
      act(async (options: ConvertCommandOptions) => {
        const { convertCommand } = await import('./commands/convert.js');
        await convertCommand(io, options);
      }),
    );
}

const valOption = (preset = 10) =>
  new Option('--val <percent>', 'share held back for validation').argParser(number(0)).default(preset);
const seedOption = () => new Option('--seed <n>', 'of all chance; same seed, same result').argParser(integer());
const channelsOption = (preset: 'L' | 'RGB') =>
  new Option('--channels <kind>', 'L is grey, RGB three channels').choices(['L', 'RGB']).default(preset);

function addData(program: Command, io: Io, act: Act): void {
  const dataset = program.command('dataset').description('make data sets and look at them');
  dataset
    .command('show')
    .description('shapes, counts and class shares; with --png a contact sheet with contours')
    .argument('<dir>', 'the folder of the data set')
    .option('--png <file>', 'draw a contact sheet')
    .addOption(new Option('--max <n>', 'pictures on the sheet').argParser(integer(1)))
    .addOption(new Option('--columns <n>', 'pictures side by side').argParser(integer(1)))
    .option('--json', 'as JSON')
    .action(
      act(async (dir: string, options: ShowOptions) => {
        const commands = await import('./commands/dataset.js');
        await commands.showDataset(io, dir, options);
      }),
    );
  const create = dataset.command('create').description('make a data set');
  create
    .command('sunnybrook')
    .description('from the Sunnybrook Cardiac Data: DICOM pictures and contours of the left ventricle')
    .requiredOption('--images <dir>', "the folder of the cases' folders")
    .requiredOption('--contours <dir>', 'any folder above the contours')
    .requiredOption('--out <dir>', 'the folder of the data set')
    .addOption(channelsOption('L'))
    .addOption(valOption())
    .addOption(new Option('--split <by>', 'what is held back').choices(['image', 'patient']).default('image'))
    .addOption(seedOption())
    .action(
      act(async (options: SunnybrookOptions) => {
        const commands = await import('./commands/dataset.js');
        await commands.createSunnybrook(io, options);
      }),
    );
  create
    .command('images')
    .description('from pictures and label pictures of the same names (PNG, JPEG)')
    .requiredOption('--images <dir>', 'pictures')
    .requiredOption('--labels <dir>', 'label pictures: indexed or grey, their values the classes, 255 ignored')
    .requiredOption('--out <dir>', 'the folder of the data set')
    .option('--val-images <dir>', 'pictures for validation, instead of a share of the others')
    .option('--val-labels <dir>', 'their label pictures')
    .option('--classes <names>', 'names of the classes from 0 on, separated by commas', list)
    .addOption(channelsOption('RGB'))
    .addOption(valOption())
    .addOption(seedOption())
    .action(
      act(async (options: ImagesOptions) => {
        const commands = await import('./commands/dataset.js');
        await commands.createImages(io, options);
      }),
    );
  create
    .command('phantom')
    .description('from nothing: short-axis cardiac MR made by formula, as DICOM and contour files')
    .requiredOption('--out <dir>', 'the folder of the data set')
    .addOption(new Option('--count <n>', 'pictures, about ten a patient').argParser(integer(1)).default(120))
    .addOption(new Option('--size <pixels>', 'side of a picture').argParser(integer(1)).default(256))
    .addOption(channelsOption('L'))
    .addOption(valOption(20))
    .addOption(seedOption())
    .action(
      act(async (options: PhantomOptions) => {
        const commands = await import('./commands/dataset.js');
        await commands.createPhantom(io, options);
      }),
    );
}

const backendOption = () => new Option('--backend <name>', 'onnx, wasm, webgpu, tensorflow, … or auto (see doctor)');
const pythonOption = () =>
  new Option('--python-layers <path>', 'file or folder of Python layers; beside the network they are found').argParser(
    repeated,
  );

const runPythonOption = () => new Option('--run-python', 'run the code of Python layers, for the shapes behind them');

/** How Python files are run, wherever they may be. */
function addPython(program: Command): void {
  for (const command of program.commands.filter(c => c.options.some(o => o.long === '--python-layers'))) {
    command
      .option(
        '--python <program>',
        'the interpreter of layers that are Python files (default: MOKAPOT_PYTHON, python3)',
      )
      .addOption(
        new Option(
          '--python-timeout <seconds>',
          'that one call of their methods may take; 0: any (default: 60)',
        ).argParser(number(0)),
      );
  }
}

function addRunning(program: Command, io: Io, act: Act): void {
  addTrain(program, io, act);
  program
    .command('test')
    .description("means of a trained network's loss, accuracy, Dice over a data set")
    .requiredOption('--net <file>', 'the network; its phase TEST with stage "val" is used')
    .option('--weights <file>', 'trained weights (repeatable)', repeated)
    .option('--dataset <dir>', 'the data set, for Data layers without a source')
    .addOption(new Option('--split <name>', 'of the data set').choices(['train', 'val']).default('val'))
    .addOption(new Option('--iterations <n>', 'this many batches instead of every entry once').argParser(integer(1)))
    .addOption(stageOption())
    .addOption(backendOption())
    .addOption(pythonOption())
    .option('--json', 'as JSON')
    .action(
      act(async (options: TestCommandOptions) => {
        const { testCommand } = await import('./commands/test.js');
        await testCommand(io, options);
      }),
    );
  program
    .command('infer')
    .description('put pictures through a trained network: masks, overlays, the Dice where a label is known')
    .argument('[pictures...]', 'PNG, JPEG or DICOM files; with --dataset names of its entries (none: all)')
    .requiredOption('--net <file>', 'the network; its stage "deploy" is used')
    .option('--weights <file>', 'trained weights (repeatable)', repeated)
    .option('--dataset <dir>', 'take entries of this data set')
    .addOption(new Option('--split <name>', 'of the data set').choices(['train', 'val']).default('val'))
    .option('--label <file>', 'label picture or contour file of the one picture')
    .option('--output <blob>', 'the blob of the scores (found by its shape otherwise)')
    .option('--out <dir>', 'where the pictures go', 'predictions')
    .addOption(backendOption())
    .addOption(pythonOption())
    .option('--json', 'one object a line')
    .action(
      act(async (names: string[], options: InferOptions) => {
        const { infer } = await import('./commands/infer.js');
        await infer(io, names, options);
      }),
    );
}

function addTime(program: Command, io: Io, act: Act): void {
  program
    .command('time')
    .description('milliseconds a layer takes, forward and backward, on one backend or several side by side')
    .requiredOption('--net <file>', 'the network; its phase TRAIN with stage "train" unless options say otherwise')
    .addOption(new Option('--backend <names>', 'e.g. onnx,wasm (repeatable; see doctor)').argParser(list))
    .addOption(
      new Option('--iterations <n>', 'of each kind of run; medians are shown').argParser(integer(1)).default(20),
    )
    .addOption(inputOption())
    .addOption(phaseOption())
    .addOption(stageOption())
    .option('--weights <file>', 'trained weights (repeatable)', repeated)
    .addOption(pythonOption())
    .option('--svg <file>', 'draw a picture')
    .option('--json', 'as JSON')
    .action(
      act(async (options: TimeOptions) => {
        const { time } = await import('./commands/time.js');
        await time(io, options);
      }),
    );
}

function addVerify(program: Command, io: Io, act: Act): void {
  program
    .command('verify')
    .description("hold a backend's numbers against goldens: pairs <case>.prototxt and <case>.safetensors")
    .argument('<dir>', 'the folder of the goldens')
    .addOption(backendOption())
    .option('--json', 'as JSON')
    .action(
      act(async (dir: string, options: VerifyOptions) => {
        const { verify } = await import('./commands/verify.js');
        return verify(io, dir, options);
      }),
    );
}

const POLICIES = ['fixed', 'step', 'multistep', 'exp', 'inv', 'poly', 'sigmoid'];

function addTrain(program: Command, io: Io, act: Act): void {
  program
    .command('train')
    .description("train a network: Caffe's way by a solver file, or DIGITS' way by epochs")
    .option('--solver <file>', "Caffe's way: the solver file says everything")
    .option('--net <file>', "DIGITS' way: the network")
    .option('--dataset <dir>', 'the data set, for Data layers without a source')
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
    .addOption(new Option('--snapshot-interval <epochs>', 'from one snapshot to the next').argParser(number(0)))
    .addOption(new Option('--max-iter <n>', 'end after this many iterations').argParser(integer(1)))
    .option('--weights <file>', 'start from these weights, by layer name (repeatable)', repeated)
    .option('--snapshot <file>', 'go on from this .solverstate')
    .addOption(seedOption())
    .option('--no-shuffle', 'read the data set in order')
    .addOption(stageOption())
    .addOption(backendOption())
    .addOption(pythonOption())
    .option('--out <dir>', "the run's folder (default: runs/<name>-<date>)")
    .option('--json', 'one event a line')
    .action(
      act(async (options: TrainCommandOptions & { stage?: string[] }) => {
        const { trainCommand } = await import('./commands/train.js');
        return trainCommand(io, options);
      }),
    );
  program
    .command('demo')
    .description('make cardiac MR pictures, train a small network on them, show what it learnt')
    .option('--out <dir>', 'where everything goes', 'runs/demo')
    .addOption(new Option('--count <n>', 'pictures').argParser(integer(20)).default(200))
    .addOption(new Option('--iterations <n>', 'of training').argParser(integer(1)).default(150))
    .addOption(seedOption().default(1))
    .addOption(backendOption())
    .action(
      act(async (options: DemoOptions) => {
        const { demo } = await import('./commands/demo.js');
        return demo(io, options);
      }),
    );
}

/** Options that several commands have: declared once, so that they mean the same everywhere. */

import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { SegmenterOptions } from '../tools/segment.js';
import { AUGMENTATIONS } from '../tools/symmetries.js';
import { inputShape, integer, list, number, phase, repeated, sides } from './options.js';

/** `-o, --out`: where the result goes. */
export const outOption = (description: string, what = 'file') => new Option(`-o, --out <${what}>`, description);

export const jsonOption = (description = 'as JSON') => new Option('--json', description);

export const weightsOption = (description = 'trained weights, in any format (repeatable)') =>
  new Option('--weights <file>', description).argParser(weightFiles);

/** Several in one, as Caffe's own tool has them: `a.caffemodel,b.caffemodel`. A file may have a comma in its name. */
function weightFiles(value: string, before: readonly string[] = []): string[] {
  const files = existsSync(value) ? [value] : value.split(',').filter(file => file !== '');
  return [...before, ...files];
}

export const stageOption = () =>
  new Option(
    '--stage <names>',
    'stages of the network state, e.g. val or deploy (repeatable, commas separate)',
  ).argParser(list);

export const levelOption = () =>
  new Option('--level <n>', 'level of the network state, for rules with min_level or max_level').argParser(
    integer(-(2 ** 31)),
  );

/** `--phase`, `--stage`, `--level`: in which of its states a network is meant. */
export function stateOptions(command: Command): Command {
  return command
    .addOption(new Option('--phase <phase>', 'TRAIN or TEST').argParser(phase))
    .addOption(stageOption())
    .addOption(levelOption());
}

export const inputOption = () =>
  new Option('--input <blob=shape>', 'shape of an input, e.g. data=1,3,256,256 (repeatable)').argParser(inputShape);

/** `--schema` and `--lenient`: by which schema prototxt is read; a `net.proto` beside `net.prototxt` counts too. */
export function schemaOptions(command: Command): Command {
  return command
    .option('--schema <file>', "a fork's .proto, whose fields may be used besides Caffe's (repeatable)", repeated)
    .option('--lenient', 'warn of fields that the schema lacks, and leave them out');
}

/** Python layers of one's own, and how Python files are run. */
export function pythonOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--python-layers <path>',
        'file or folder of Python layers; beside the network they are found',
      ).argParser(repeated),
    )
    .option('--python <program>', 'the interpreter of layers that are Python files (default: MOKAPOT_PYTHON, python3)')
    .addOption(
      new Option(
        '--python-timeout <seconds>',
        'that one call of their methods may take; 0: any (default: 60)',
      ).argParser(number(0)),
    );
}

/**
 * The same for commands that look at a network without running it: they run user code and open files elsewhere only when
 * asked to.
 */
export function lookingOptions(command: Command): Command {
  return pythonOptions(command)
    .option('--run-python', 'run the code of Python layers, for the shapes behind them')
    .option('--read-data', 'open data files that lie outside of its folder and the working directory too');
}

export const datasetOption = (description = 'the data set, for Data layers without a source') =>
  new Option('--dataset <dir>', description);

export const splitOption = (splits: readonly string[] = ['train', 'val']) =>
  new Option('--split <name>', 'of the data set').choices(splits).default('val');

/** How pictures are put through a network that segments them. */
export function segmentOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--tta <ways>', 'average over the picture laid in several ways: its 4 flips, or 8 with quarter turns')
        .choices(AUGMENTATIONS)
        .default('none'),
    )
    .option('--largest-component', "keep of each class only the largest connected part of each picture's mask")
    .addOption(
      new Option(
        '--tile <h,w>',
        'compute larger pictures in overlapping tiles (default: where memory does not suffice)',
      ).argParser(sides),
    )
    .addOption(
      new Option(
        '--crop <h,w>',
        "feed this much of the middle, or whole (default: as augment_param of the network's TEST data layer)",
      ).argParser(value => (value === 'whole' ? value : sides(value))),
    );
}

/** What `segmentOptions` gives. */
export interface SegmentOptions extends Pick<SegmenterOptions, 'tta' | 'tile' | 'crop'> {
  readonly largestComponent?: boolean;
}

export const seedOption = (description = 'of all chance; same seed, same result') =>
  new Option('--seed <n>', description).argParser(integer());

export const backendOption = () =>
  new Option('--backend <name>', 'onnx, wasm, webgpu, tensorflow, … or auto (see doctor)');

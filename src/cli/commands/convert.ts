/** `mokapot convert`: a network for TensorFlow.js or ONNX, weights in other formats. */

import { Option } from 'commander';
import {
  type ConvertOptions,
  type ConvertReport,
  convert,
  type Preprocessing,
  type Target,
} from '../../convert/node/index.js';
import { fail } from '../../diagnostics/index.js';
import type { Shape } from '../../ir/index.js';
import type { StateOptions } from '../../net/index.js';
import type { SchemaOptions } from '../../runtime/node/schemas.js';
import { loadBinaryproto } from '../../weights/node/files.js';
import type { Declare } from '../declare.js';
import { printDiagnostics } from '../errors.js';
import { formatBytes, formatNumber } from '../format.js';
import { colors, type Io, say, tell } from '../io.js';
import { list, number } from '../options.js';
import {
  backendOption,
  inputOption,
  jsonOption,
  outOption,
  pythonOptions,
  schemaOptions,
  stateOptions,
  weightsOption,
} from '../shared_options.js';
import { readPlacedFile } from '../text_file.js';

export interface ConvertCommandOptions extends SchemaOptions, StateOptions {
  readonly to: Target;
  readonly out: string;
  readonly net?: string;
  readonly weights?: readonly string[];
  readonly input?: Readonly<Record<string, Shape>>;
  readonly quantize?: ConvertOptions['quantize'];
  readonly layout?: ConvertOptions['layout'];
  readonly fixed?: boolean;
  readonly output?: readonly string[];
  readonly mean?: string;
  readonly scale?: number;
  readonly bgr?: boolean;
  readonly preprocess?: string;
  readonly foldBatchNorm?: boolean;
  readonly check: boolean;
  readonly backend?: string;
  readonly pythonLayers?: readonly string[];
  readonly json?: boolean;
}

const TARGETS = ['tfjs', 'onnx', 'safetensors', 'npz', 'h5', 'caffemodel'];

export const declare: Declare = (command, io, act) => {
  command
    .addOption(new Option('--to <format>', 'what to make').choices(TARGETS).makeOptionMandatory())
    .addOption(outOption('where it goes: a folder, or a file of that kind', 'path').makeOptionMandatory())
    .option('--net <file>', 'the network (- is stdin); its stage "deploy" is used unless options say otherwise')
    .addOption(weightsOption())
    .addOption(inputOption());
  stateOptions(command)
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
    .addOption(backendOption());
  schemaOptions(pythonOptions(command))
    .addOption(jsonOption())
    .action(act(async (options: ConvertCommandOptions) => convertCommand(io, options)));
};

export async function convertCommand(io: Io, options: ConvertCommandOptions): Promise<void> {
  const { mean, scale, bgr, preprocess, stage, input, output, json, ...rest } = options;
  const preprocessing = preprocessingOf(options);
  const network = options.net === undefined ? undefined : await readPlacedFile(options.net);
  const report = await convert({
    ...rest,
    ...(network && { net: network.name, netText: network.text }),
    ...(stage && { stages: stage }),
    ...(input && { inputShapes: input }),
    ...(output && { outputs: output }),
    ...(preprocessing && { preprocessing }),
    onProgress: doing => io.stderr.isTTY && tell(io, `${doing} …`),
  });
  if (json) say(io, JSON.stringify({ ...report, diagnostics: report.diagnostics.map(d => d.message) }, null, 2));
  else {
    printDiagnostics(io, report.diagnostics);
    print(io, report);
  }
}

function preprocessingOf({ mean, scale, bgr, preprocess }: ConvertCommandOptions): Preprocessing | undefined {
  if (mean === undefined && scale === undefined && !bgr) {
    if (preprocess === undefined) return undefined;
    throw fail('convert-options', '--preprocess names an input, and neither --mean, --scale nor --bgr is given.');
  }
  return {
    ...(mean !== undefined && { mean: /^[-+\d.eE,\s]+$/.test(mean) ? numbersOf(mean) : loadBinaryproto(mean) }),
    ...(scale !== undefined && { scale }),
    ...(bgr && { swapChannels: true }),
    ...(preprocess !== undefined && { input: preprocess }),
  };
}

function numbersOf(text: string): number[] {
  const numbers = text.split(',').map(part => (part.trim() === '' ? Number.NaN : Number(part)));
  if (numbers.every(Number.isFinite)) return numbers;
  throw fail('convert-options', `--mean ${text} is neither numbers separated by commas nor a file.`);
}

function print(io: Io, report: ConvertReport): void {
  const c = colors(io);
  const bytes = report.files.reduce((n, f) => n + f.bytes, 0);
  const last = report.files.at(-1)!;
  const many = report.files.length > 3;
  if (!many) for (const { path, bytes: size } of report.files) say(io, `${c.bold(path)}  ${formatBytes(size)}`);
  else say(io, `${c.bold(last.path)} and ${report.files.length - 1} shards of weights  ${formatBytes(bytes)}`);
  for (const [what, list] of [['input', report.inputs] as const, ['output', report.outputs] as const])
    for (const { blob, name, shape } of list)
      say(
        io,
        `${what.padEnd(8)}${blob} ${formatOpen(shape)}${name === undefined ? '' : `, called ${name} in the model`}`,
      );
  printOpen(io, report);
  if (report.folded) printFolded(io, report.folded);
  if (report.quantization) {
    const { to, weight, error } = report.quantization;
    say(io, `${to}: a parameter is up to ${formatNumber(error)} off (in ${weight})`);
  }
  if (report.identical) say(io, 'Read back: the same to the bit.');
  for (const { inputs, outputs } of report.checks ?? []) {
    const at = Object.entries(inputs).map(([name, shape]) => `${name} ${shape.join('x')}`);
    const found = outputs.map(o => `${o.blob} up to ${formatNumber(o.error)} off (of ${formatNumber(o.greatest)})`);
    say(io, `Compared with the network at ${at.join(', ')}: ${found.join(', ')}`);
  }
}

function formatOpen(shape: Shape): string {
  return shape.length === 0 ? 'scalar' : shape.map(d => (d === -1 ? '?' : d)).join('x');
}

function printOpen(io: Io, { open, reasons }: ConvertReport): void {
  if (!open) return;
  if (open.plane !== undefined && open.plane > 1)
    say(io, `Height and width may be those of the network and more, in steps of ${open.plane}.`);
  if (reasons?.batch) say(io, `The batch size is fixed: ${reasons.batch}.`);
  if (reasons?.plane) say(io, `Height and width are fixed: ${reasons.plane}.`);
}

function printFolded(io: Io, { layers, error }: NonNullable<ConvertReport['folded']>): void {
  if (layers.length === 0)
    say(io, 'Nothing to fold: no batch normalisation, Scale or Bias stands right behind a layer.');
  for (const { into, layers: gone } of layers) say(io, `Folded into ${into}: ${gone.join(', ')}`);
  if (layers.length > 0 && error !== undefined) say(io, `Folding changed the outputs by up to ${formatNumber(error)}.`);
}

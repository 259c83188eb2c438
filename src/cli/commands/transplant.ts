/** `mokapot transplant`: weights of one network into another (net surgery), told line by line. */

import { fail, hasErrors, MokapotError, recordOf } from '../../diagnostics/index.js';
import type { Shape } from '../../ir/index.js';
import { entriesFor } from '../../net/assumed.js';
import { describeFile, type StateOptions, stateFrom } from '../../net/index.js';
import { Net } from '../../runtime/node/net.js';
import { type UserCodeOptions, userCode } from '../../runtime/node/python_modules.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import { type NetParameter, parseNet } from '../../schema/index.js';
import { type TransplantLine, type TransplantReport, transplant } from '../../tools/transplant.js';
import type { Declare } from '../declare.js';
import { exitCodes, printDiagnostics } from '../errors.js';
import { formatCount, formatPercent, formatShape, formatTable } from '../format.js';
import { colors, type Io, say, tell, tellingOf } from '../io.js';
import { repeated } from '../options.js';
import {
  inputOption,
  jsonOption,
  outOption,
  pythonOptions,
  schemaOptions,
  seedOption,
  stateOptions,
} from '../shared_options.js';
import { readPlacedFile } from '../text_file.js';

export interface TransplantCommandOptions extends UserCodeOptions, SchemaOptions, StateOptions {
  readonly from?: string;
  readonly weights: string;
  readonly to: string;
  readonly out: string;
  readonly rename?: readonly string[];
  readonly gray?: boolean;
  readonly rgb?: boolean;
  readonly input?: Readonly<Record<string, Shape>>;
  readonly seed?: number;
  readonly json?: boolean;
}

export const declare: Declare = (command, io, act) => {
  command
    .requiredOption('--weights <file>', 'trained weights, in any format')
    .requiredOption('--to <file>', 'the network they go into; - is stdin')
    .addOption(outOption('the .caffemodel (or .caffemodel.h5) to write').makeOptionMandatory())
    .option('--from <file>', 'the network they are of: checks that they are, and says how its matrices lie')
    .option('--rename <old=new>', "a layer of the weights and the network's layer it goes to (repeatable)", repeated)
    .option('--gray', "grey pictures: sum the channels of the first layer's filters")
    .option('--rgb', 'colour pictures from filters over grey: a third to each channel')
    .addOption(inputOption());
  stateOptions(command).addOption(seedOption('of the fillers').default(1));
  schemaOptions(pythonOptions(command))
    .addOption(jsonOption())
    .action(act(async (options: TransplantCommandOptions) => transplantCommand(io, options)));
};

export async function transplantCommand(io: Io, options: TransplantCommandOptions): Promise<number> {
  if (/\.(safetensors|npz|prototxt|onnx|json)$/i.test(options.out)) {
    throw fail('transplant-out', `A .caffemodel or a .h5 is written, and --out is ${options.out}.`, {
      hint: 'mokapot convert makes other formats of it.',
    });
  }
  const rename = (options.rename ?? []).map(renaming);
  const from = options.from === undefined ? undefined : await network(options.from, options);
  const net = await targetNet(io, options);
  try {
    const { gray = false, rgb = false } = options;
    const report = transplant(net, options.weights, { rename, gray, rgb, ...(from && { from }) });
    await net.save(options.out);
    if (options.json) say(io, JSON.stringify({ ...report, diagnostics: undefined, out: options.out }, null, 2));
    else print(io, report, options.out);
    printDiagnostics(
      io,
      report.diagnostics.filter(d => d.severity !== 'note'),
    );
    tellUnused(io, report, options);
    return exitCodes.ok;
  } finally {
    net.dispose();
  }
}

function renaming(text: string): [string, string] {
  const [from, to, ...more] = text.split('=');
  if (from && to && more.length === 0) return [from, to];
  throw fail('transplant-rename', `--rename takes old=new, and this is "${text}".`);
}

async function network(file: string, options: SchemaOptions): Promise<NetParameter> {
  const { text, name } = await readPlacedFile(file);
  const { message, diagnostics } = parseNet(text, { name, schema: schemaFrom(options, name) });
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  return message;
}

/** The network with its fillers' numbers. Without a data set pictures of 3 channels (1 under --gray) are assumed. */
async function targetNet(io: Io, options: TransplantCommandOptions): Promise<Net> {
  const { to, input, gray, seed } = options;
  const { text, name, dir } = await readPlacedFile(to);
  const state = stateFrom(options);
  const schema = schemaFrom(options, name);
  const request = { text, name, schema, state, inputShapes: input };
  const first = describeFile(request);
  const grey = first.assumed && gray ? entriesFor(parseNet(text, { schema }).message, [1, 256, 256]) : undefined;
  const described = grey ? describeFile({ ...request, entryShapes: grey }) : first;
  const errors = described.diagnostics.filter(d => d.severity === 'error');
  if (errors.length > 0) throw new MokapotError(errors);
  const inputShapes = recordOf(described.inputs.map(name => [name, described.blobs.get(name)!.shape] as const));
  return Net.fromText(text, {
    ...state,
    inputShapes,
    backend: 'host',
    seed: seed ?? 1,
    ...userCode(options),
    onPythonOutput: tellingOf(io),
    name,
    schema,
    dir,
  });
}

function print(io: Io, report: TransplantReport, out: string): void {
  const c = colors(io);
  const columns = [{ title: '' }, { title: 'layer' }, { title: '#' }, { title: 'shape' }, { title: '' }];
  say(io, formatTable(columns, report.lines.map(rowOf)));
  const count = (action: TransplantLine['action']) => report.lines.filter(l => l.action === action).length;
  const share = report.total ? formatPercent(report.taken / report.total, 1) : '';
  say(
    io,
    `${count('copied')} copied, ${count('coerced')} coerced, ${count('dropped')} dropped, ${count('filler')} left to their fillers: ` +
      `${formatCount(report.taken)} of ${formatCount(report.total)} numbers (${share})`,
  );
  say(io, c.bold(`written to ${out}`));
}

function rowOf({ action, layer, blob, shape, from, note }: TransplantLine): string[] {
  const name = from && from.layer !== layer ? `${from.layer} → ${layer}` : layer;
  const shapes =
    from && from.shape.join() !== shape.join()
      ? `${formatShape(from.shape)} → ${formatShape(shape)}`
      : formatShape(shape);
  return [action, name, String(blob), shapes, note ?? ''];
}

/** An option that met nothing was meant for something. */
function tellUnused(io: Io, { lines }: TransplantReport, { gray, rgb }: TransplantCommandOptions): void {
  const used = (start: string) => lines.some(l => l.note?.startsWith(start));
  const c = colors(io, io.stderr);
  const say = (text: string) => tell(io, `${c.yellow('warning')}: ${text}`);
  if (gray && !used('grey')) {
    say(
      '--gray changed nothing: no filter over 3 channels met a layer over 1 (--input data=1,1,256,256 makes the data grey).',
    );
  }
  if (rgb && !used('RGB')) {
    say(
      '--rgb changed nothing: no filter over 1 channel met a layer over 3 (--input data=1,3,256,256 makes the data RGB).',
    );
  }
}

/** `mokapot time`: how long each layer takes, forward and backward, on one backend or on several side by side. */

import { Option } from 'commander';
import { hasErrors, MokapotError, recordOf } from '../../diagnostics/index.js';
import { writeAtomically } from '../../files/index.js';
import type { Shape } from '../../ir/index.js';
import { describeFile, type StateOptions, stateFrom } from '../../net/index.js';
import { Net } from '../../runtime/node/net.js';
import { type UserCodeOptions, userCode } from '../../runtime/node/python_modules.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import { parseNet } from '../../schema/index.js';
import { type Timing, timeNet } from '../../tools/timing.js';
import type { Declare } from '../declare.js';
import { Interrupted, printEngineNotes } from '../errors.js';
import { type Column, formatBytes, formatShape, formatTable } from '../format.js';
import { colors, type Io, say, tell, tellingOf } from '../io.js';
import { sourcesOf } from '../network.js';
import { integer, list } from '../options.js';
import { startBar } from '../progress.js';
import {
  inputOption,
  jsonOption,
  pythonOptions,
  schemaOptions,
  stateOptions,
  weightsOption,
} from '../shared_options.js';
import { readPlacedFile } from '../text_file.js';

export interface TimeOptions extends UserCodeOptions, SchemaOptions, StateOptions {
  readonly net: string;
  readonly backend?: readonly string[];
  readonly iterations: number;
  readonly input?: Readonly<Record<string, Shape>>;
  readonly weights?: readonly string[];
  readonly json?: boolean;
  /** A file for the picture. */
  readonly svg?: string;
}

export const declare: Declare = (command, io, act) => {
  command
    .requiredOption(
      '--net <file>',
      'the network (- is stdin); its phase TRAIN with stage "train" unless options say otherwise',
    )
    .addOption(new Option('--backend <names>', 'e.g. onnx,wasm (repeatable; see doctor)').argParser(list))
    .addOption(
      new Option('--iterations <n>', 'of each kind of run; medians are shown').argParser(integer(1)).default(20),
    )
    .addOption(inputOption());
  stateOptions(command).addOption(weightsOption());
  schemaOptions(pythonOptions(command))
    .option('--svg <file>', 'draw a picture')
    .addOption(jsonOption())
    .action(act(async (options: TimeOptions) => time(io, options)));
};

export async function time(io: Io, options: TimeOptions): Promise<void> {
  const signal = io.interruptible();
  const { text, name, dir } = await readPlacedFile(options.net);
  const schema = schemaFrom(options, name);
  const { message } = parseNet(text, { name, schema });
  const state = stateFrom(options);
  const { diagnostics: _, ...found } = await sourcesOf({ message, name }, state);
  const net = describeFile({ text, name, schema, state, inputShapes: options.input, ...found });
  if (hasErrors(net.diagnostics)) throw new MokapotError(net.diagnostics.filter(d => d.severity === 'error'));
  const inputShapes = recordOf(net.inputs.map(name => [name, net.blobs.get(name)!.shape] as const));
  const timings: Timing[] = [];
  for (const backend of options.backend ?? ['auto']) {
    const bar = startBar(io, 100, '%');
    const { weights } = options;
    const load = {
      ...state,
      inputShapes,
      backend,
      weights,
      ...userCode(options),
      onPythonOutput: tellingOf(io),
      name,
      schema,
      dir,
    };
    const running = await Net.fromText(text, { ...load, seed: 1 });
    const onProgress = (share: number) => {
      if (signal.aborted) throw new Interrupted('Stopped.');
      bar.update(Math.floor(100 * share), running.engine.name);
    };
    try {
      timings.push(await timeNet(running, { iterations: options.iterations, onProgress }));
    } finally {
      bar.stop();
      printEngineNotes(io, running.engine);
      running.dispose();
    }
  }
  if (options.json) say(io, JSON.stringify(timings, null, 2));
  else print(io, net.name || name, timings);
  if (!options.svg) return;
  const { timingChart } = await import('../../charts/timing_chart.js');
  const chart = timingChart(timings, `${net.name || name}, milliseconds a layer`);
  await writeAtomically(options.svg, [Buffer.from(chart)]);
  tell(io, `The picture is in ${options.svg}.`);
}

function print(io: Io, name: string, timings: readonly Timing[]): void {
  const [first] = timings;
  const inputs = Object.entries(first!.inputs).map(([blob, shape]) => `${blob} ${formatShape(shape)}`);
  say(io, colors(io).bold(`${name}, phase ${first!.phase}, ${inputs.join(', ')}; medians of ${first!.iterations}`));
  const watched = timings.filter(t => t.layers.length > 0);
  if (watched.length > 0) say(io, `\n${layerTable(watched)}`);
  say(io, `\n${totalTable(timings)}`);
}

function layerTable(timings: readonly Timing[]): string {
  const several = timings.length > 1;
  const columns: Column[] = [{ title: 'layer' }, { title: 'type' }];
  for (const { backend } of timings) {
    const of = several ? `${backend} ` : '';
    columns.push({ title: `${of}forward ms`, align: 'right' }, { title: 'GFLOP/s', align: 'right' });
    columns.push({ title: 'backward ms', align: 'right' }, { title: 'GFLOP/s', align: 'right' });
  }
  const layers = new Map(timings.flatMap(t => t.layers.map(l => [l.layer, l.type] as const)));
  const rows = [...layers].map(([layer, type]) => [
    layer,
    type,
    ...timings.flatMap(timing => {
      const found = timing.layers.find(l => l.layer === layer);
      if (!found) return ['', '', '', ''];
      const { forward, backward, forwardMacs, backwardMacs } = found;
      return [ms(forward), rate(forwardMacs, forward), ms(backward), rate(backwardMacs, backward)];
    }),
  ]);
  const rest = timings.flatMap(t => [ms(t.other.forward), '', ms(t.other.backward), '']);
  return formatTable(columns, [...rows, ['(no layer)', '', ...rest]]);
}

function totalTable(timings: readonly Timing[]): string {
  const columns: Column[] = [
    { title: 'backend' },
    ...['forward', 'forward and backward', 'per second', 'first run', 'memory'].map(
      title => ({ title, align: 'right' }) as const,
    ),
  ];
  const rows = timings.map(t => [
    t.backend,
    `${ms(t.forward)} ms`,
    `${ms(t.forwardBackward)} ms`,
    (1000 / t.forwardBackward).toPrecision(3),
    `${ms(t.firstForwardBackward)} ms`,
    formatBytes(t.memory),
  ]);
  return formatTable(columns, rows);
}

function ms(x: number): string {
  return x === 0 ? '' : x.toFixed(x < 10 ? 2 : 1);
}

/** In GFLOP/s: two operations a multiply-add. */
function rate(macs: number, milliseconds: number): string {
  return macs === 0 || milliseconds === 0 ? '' : ((2 * macs) / milliseconds / 1e6).toFixed(1);
}

/** `mokapot summary`: a network as a table of layers, shapes, parameters and costs. */

import { hasErrors, recordOf } from '../../diagnostics/index.js';
import { type HostNode, nodesOnHost } from '../../emit/onnx/index.js';
import { type Shape, sizeOf } from '../../ir/index.js';
import {
  type DescribedLayer,
  type DescribeRequest,
  type Description,
  describeFile,
  lowerNet,
  type StateOptions,
  stateFrom,
  tryCompileNet,
} from '../../net/index.js';
import { schemaFrom } from '../../runtime/node/schemas.js';
import { type NetParameter, parseNet } from '../../schema/index.js';
import { type Declare, describeArguments } from '../declare.js';
import { exitCodes, printDiagnostics } from '../errors.js';
import { formatBytes, formatCount, formatShape, formatSi, formatTable } from '../format.js';
import { colors, type Io, say, tell } from '../io.js';
import { accessFor, type LookingOptions, sourcesOf, withUserCode } from '../network.js';
import { inputOption, jsonOption, lookingOptions, schemaOptions, stateOptions } from '../shared_options.js';
import { nameOf, readTextFile } from '../text_file.js';

export interface SummaryOptions extends LookingOptions, StateOptions {
  readonly input?: Readonly<Record<string, Shape>>;
  readonly json?: boolean;
  /** Also the splits that the compiler puts in. */
  readonly splits?: boolean;
}

export const declare: Declare = (command, io, act) => {
  stateOptions(describeArguments(command, 'a network; - is stdin'))
    .addOption(inputOption())
    .option('--splits', 'show the splits that are put in where several layers read one blob');
  schemaOptions(lookingOptions(command))
    .addOption(jsonOption())
    .action(act(async (file: string, options: SummaryOptions) => summary(io, file, options)));
};

/** @returns 1 where the network has errors; what stands of it is shown all the same. */
export async function summary(io: Io, file: string, options: SummaryOptions): Promise<number> {
  const text = await readTextFile(file);
  const name = nameOf(file);
  const schema = schemaFrom(options, file);
  const { message } = parseNet(text, { name, schema });
  const state = stateFrom(options);
  const request = { text, name, schema, state, inputShapes: options.input };
  const { diagnostics, ...found } = await sourcesOf({ message, name }, state, accessFor(name, options));
  printDiagnostics(io, diagnostics);
  const full = { ...request, ...found };
  let onHost: readonly HostNode[] = [];
  const net = await withUserCode(io, { message, name }, options, hostLayer => {
    const described = describeFile({ ...full, hostLayer });
    if (described.ok) onHost = hostNodesOf(message, { ...full, hostLayer }, described.assumed);
    return described;
  });
  if (options.json) say(io, JSON.stringify({ ...toJson(net), onHost }, null, 2));
  else if (net.layers.length > 0) printTable(io, net, options.splits ?? false, onHost);
  const worth = net.diagnostics.filter(d => d.severity !== 'note');
  if (!options.json) printDiagnostics(io, worth);
  if (net.assumed && !options.json) {
    const shapes = Object.entries(net.assumed).map(([blob, shape]) => `${blob} ${formatShape(shape)}`);
    tell(io, `Data-set entries of ${shapes.join(', ')} are assumed; --input data=1,1,256,256 sets others.`);
  }
  return hasErrors(net.diagnostics) ? exitCodes.failed : exitCodes.ok;
}

/** What of the network the default engine leaves to the host, so that nothing is slow in silence. */
function hostNodesOf(
  message: NetParameter,
  { state, ...options }: DescribeRequest,
  assumed: Readonly<Record<string, Shape>> | undefined,
): readonly HostNode[] {
  const entryShapes = { ...assumed, ...options.entryShapes };
  const { partial } = tryCompileNet(message, { ...options, ...state, entryShapes });
  return nodesOnHost(lowerNet(partial, { gradients: state.phase === 'TRAIN' ? 'loss' : 'none' }).graph);
}

function printTable(io: Io, net: Description, splits: boolean, onHost: readonly HostNode[]): void {
  const c = colors(io);
  const rows = net.layers.filter(l => splits || !l.isSplit).map(l => rowOf(l, net.catalogue.get(l.type)?.copies));
  const table = formatTable(
    [
      { title: 'layer' },
      { title: 'type' },
      { title: 'tops' },
      { title: 'parameters', align: 'right' },
      { title: 'multiply-adds', align: 'right' },
      { title: 'memory', align: 'right' },
    ],
    rows,
  );
  say(io, c.bold(`${net.name || 'Network'}, phase ${net.phase}`));
  say(io, table);
  say(io);
  say(io, `layers         ${net.layers.filter(l => !l.inserted).length}`);
  say(io, `parameters     ${formatCount(net.paramCount)} (${formatBytes(4 * net.paramCount)})`);
  say(io, `multiply-adds  ${formatSi(net.macs)} a forward pass (${formatCount(net.macs)})`);
  say(io, `memory         forward ${formatBytes(net.memory.forward)}, training ${formatBytes(net.memory.training)}`);
  say(io, `inputs         ${net.inputs.join(', ') || 'none'}`);
  say(io, `outputs        ${net.outputs.join(', ') || 'none'}`);
  const hosted = onHost.map(({ layer, op }) => `${layer} (${op === 'hostCall' ? 'its own code' : op})`);
  if (hosted.length > 0) say(io, `on the host    ${hosted.join(', ')}: ONNX has no op for it, one thread does it`);
}

function rowOf(layer: DescribedLayer, copies = false): string[] {
  const tops = layer.tops.map((top, i) => `${top} ${formatShape(layer.topShapes[i]!)}`);
  const bytes = copies ? 0 : 4 * layer.topShapes.reduce((n, s) => n + sizeOf(s), 0);
  return [
    layer.name,
    layer.type,
    tops.join(', '),
    layer.paramCount ? formatCount(layer.paramCount) : '',
    layer.macs ? formatSi(layer.macs) : '',
    bytes ? formatBytes(bytes) : '',
  ];
}

function toJson(net: Description): object {
  return {
    ...net,
    blobs: recordOf(net.blobs),
    params: recordOf(net.params),
    diagnostics: net.diagnostics.map(({ code, severity, message, layer, hint }) => ({
      code,
      severity,
      message,
      layer,
      hint,
    })),
  };
}

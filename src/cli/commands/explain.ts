/** `mokapot explain`: a layer type, or a layer of a network with its numbers. */

import { fail, hasErrors, nearest } from '../../diagnostics/index.js';
import type { Shape } from '../../ir/index.js';
import { defaultCatalogue } from '../../layers/index.js';
import {
  asksForState,
  describeFile,
  type ExplainedBlob,
  type ExplainedField,
  type ExplainedLayer,
  type ExplainedType,
  explainLayer,
  explainType,
  layersInState,
  type UseState as State,
  type StateOptions,
  stateFrom,
  statesOf,
  whereKnown,
} from '../../net/index.js';
import { schemaFrom } from '../../runtime/node/schemas.js';
import { parseNet } from '../../schema/index.js';
import { type Declare, describeArguments, examples } from '../declare.js';
import { exitCodes, printDiagnostics } from '../errors.js';
import { formatCount, formatShape, formatSi } from '../format.js';
import { colors, type Io, say } from '../io.js';
import { accessFor, type LookingOptions, sourcesOf, withUserCode } from '../network.js';
import { inputOption, jsonOption, lookingOptions, schemaOptions, stateOptions } from '../shared_options.js';
import { nameOf, readTextFile } from '../text_file.js';

export interface ExplainOptions extends LookingOptions, StateOptions {
  readonly input?: Readonly<Record<string, Shape>>;
  readonly json?: boolean;
}

export const declare: Declare = (command, io, act) => {
  stateOptions(describeArguments(command, 'a layer type, or a network; - is stdin', 'the layer of the network'))
    .addOption(inputOption())
    .addHelpText('after', examples('mokapot explain Convolution', 'mokapot explain networks/lenet.prototxt conv1'));
  schemaOptions(lookingOptions(command))
    .addOption(jsonOption())
    .action(
      act(async (what: string, layer: string | undefined, options: ExplainOptions) =>
        explain(io, what, layer, options),
      ),
    );
};

/** `explain Convolution`, or `explain net.prototxt conv1`. */
export async function explain(
  io: Io,
  what: string,
  layer: string | undefined,
  options: ExplainOptions,
): Promise<number> {
  if (layer !== undefined) return explainInNet(io, what, layer, options);
  const name = [...defaultCatalogue().types.keys()].find(t => t.toLowerCase() === what.toLowerCase()) ?? what;
  const type = explainType(name, { schema: schemaFrom(options) });
  if (!type) throw unknownType(what);
  if (options.json) say(io, JSON.stringify(type, null, 2));
  else printType(io, type);
  return exitCodes.ok;
}

function unknownType(what: string) {
  const near = nearest(what, defaultCatalogue().types.keys());
  const fork = whereKnown(what);
  const isFile = /[./]/.test(what);
  return fail('unknown-layer-type', `Mokapot has no layer type "${what}".`, {
    hint: isFile
      ? 'For a layer of a network name it too: mokapot explain net.prototxt conv1.'
      : fork
        ? `It is known from ${fork}.`
        : near
          ? `Did you mean ${near}?`
          : 'docs/layers.md lists all.',
  });
}

async function explainInNet(io: Io, file: string, layer: string, options: ExplainOptions): Promise<number> {
  const text = await readTextFile(file);
  const name = nameOf(file);
  const schema = schemaFrom(options, file);
  const { message } = parseNet(text, { name, schema });
  const asked = asksForState(options);
  const states = asked ? [stateFrom(options)] : statesOf(message);
  let bad = false;
  for (const state of states) {
    const { entryShapes, diagnostics } = await sourcesOf({ message, name }, state, accessFor(name, options));
    printDiagnostics(io, diagnostics);
    const request = { text, name, schema, state, inputShapes: options.input, ...(entryShapes && { entryShapes }) };
    const net = await withUserCode(io, { message, name }, options, hostLayer =>
      describeFile({ ...request, hostLayer }),
    );
    const described = net.layers.find(l => l.name === layer && !l.inserted);
    bad ||= hasErrors(net.diagnostics);
    if (!described) continue;
    const param = layersInState(message, state).find(l => l.name === layer && l.type === described.type);
    if (!param) continue;
    const found = explainLayer(net, described, param);
    if (options.json) say(io, JSON.stringify(found, null, 2));
    else printLayer(io, found, state);
    return exitCodes.ok;
  }
  const net = describeFile({ text, name, schema, state: states[0]!, inputShapes: options.input });
  if (bad)
    printDiagnostics(
      io,
      net.diagnostics.filter(d => d.severity === 'error'),
    );
  const names = [...new Set(message.layer.map(l => l.name))];
  const near = nearest(layer, names);
  throw fail(
    'unknown-layer',
    names.includes(layer) ? `Layer "${layer}" has no shapes here.` : `${name} has no layer "${layer}".`,
    {
      hint:
        near && near !== layer
          ? `Did you mean ${near}?`
          : `It has ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`,
    },
  );
}

function printType(io: Io, type: ExplainedType): void {
  const c = colors(io);
  say(io, `${c.bold(type.type)}${type.isLoss ? ' (a loss)' : ''}`);
  say(io, `  ${type.doc}`);
  const facts: [string, string][] = [
    ['formula', type.formula],
    ['bottoms', type.bottoms],
    ['tops', type.tops],
    ['shape', type.shapeRule],
    ['differs', type.differences],
  ];
  for (const [title, text] of facts) if (text) say(io, `  ${c.dim(title.padEnd(8))} ${text}`);
  printFields(io, type);
}

/** Those given first of all, then what else there is. */
function printFields(io: Io, type: ExplainedType): void {
  const c = colors(io);
  for (const { name, fields } of type.blocks) {
    say(io);
    say(io, `  ${c.bold(name)}`);
    const width = Math.max(...fields.map(f => f.name.length));
    const values = fields.map(valueText);
    const wide = Math.min(34, Math.max(...values.map(v => v.length)));
    fields.forEach((field, i) => {
      const given = field.value === undefined ? c.dim : (text: string) => text;
      say(io, given(`    ${field.name.padEnd(width)}  ${values[i]!.padEnd(wide)}  ${noteOf(field)}`.trimEnd()));
    });
  }
}

function valueText(field: ExplainedField): string {
  if (field.value !== undefined) return field.value;
  return field.default ? `${field.default} (default)` : `(${field.type})`;
}

const noteOf = ({ doc, whyUnused }: ExplainedField): string =>
  [doc, whyUnused && `No effect: ${whyUnused}.`].filter(text => text !== '').join(' ');

function printLayer(io: Io, { name, type, described, bottoms, tops }: ExplainedLayer, state: State): void {
  const c = colors(io);
  say(
    io,
    `${c.bold(name)}, ${type.type}${type.isLoss ? ' (a loss)' : ''}, in phase ${state.phase}${state.stages.length > 0 ? `, stage ${state.stages.join(', ')}` : ''}`,
  );
  say(io, `  ${type.doc}`);
  if (type.formula) say(io, `  ${c.dim('formula')}        ${type.formula}`);
  for (const blob of bottoms) say(io, `  ${c.dim('bottom')}         ${blobText(blob, 'from')}`);
  for (const blob of tops) say(io, `  ${c.dim('top')}            ${blobText(blob, 'to')}`);
  if (described.rule || type.shapeRule) say(io, `  ${c.dim('shape')}          ${described.rule || type.shapeRule}`);
  described.params.forEach((p, i) => {
    const shared = p.key.startsWith(`${name}/`) ? '' : `, shared with ${p.key}`;
    say(
      io,
      `  ${c.dim(`parameter ${i}`)}    ${formatShape(p.shape)}, lr_mult ${p.lrMult}, decay_mult ${p.decayMult}${shared}`,
    );
  });
  say(io, `  ${c.dim('parameters')}     ${formatCount(described.paramCount)}`);
  say(
    io,
    `  ${c.dim('multiply-adds')}  ${formatSi(described.macs)}${described.macs > 0 ? ` (${formatCount(described.macs)})` : ''}`,
  );
  if (type.differences) say(io, `  ${c.dim('differs')}        ${type.differences}`);
  printFields(io, type);
}

function blobText({ name, shape, layers }: ExplainedBlob, word: 'from' | 'to'): string {
  return `${name} ${formatShape(shape)}${layers.length > 0 ? `, ${word} ${layers.join(', ')}` : word === 'to' ? ', an output' : ''}`;
}

/** `mokapot diff`: two networks (or solvers) compared by what they mean. */

import { fail, hasErrors, MokapotError } from '../../diagnostics/index.js';
import type { Shape } from '../../ir/index.js';
import {
  type DiffSide,
  describeFile,
  diffMessages,
  diffNets,
  type FieldChange,
  type NetDiff,
  type ShapeChange,
  type StateOptions,
  stateFrom,
} from '../../net/index.js';
import { schemaFrom } from '../../runtime/node/schemas.js';
import { looksLikeSolver, parseNet, parseSolver, type SolverParameter } from '../../schema/index.js';
import { type Declare, describeArguments, examples } from '../declare.js';
import { exitCodes } from '../errors.js';
import { formatCount, formatShape, formatSi } from '../format.js';
import { colors, type Io, say } from '../io.js';
import { type LookingOptions, withUserCode } from '../network.js';
import { inputOption, jsonOption, lookingOptions, schemaOptions, stateOptions } from '../shared_options.js';
import { nameOf, readTextFile } from '../text_file.js';

export interface DiffOptions extends LookingOptions, StateOptions {
  readonly input?: Readonly<Record<string, Shape>>;
  readonly json?: boolean;
}

export const declare: Declare = (command, io, act) => {
  stateOptions(describeArguments(command, 'a network or solver; - is stdin', 'another'))
    .addOption(inputOption())
    .addHelpText(
      'after',
      examples(
        'mokapot diff before.prototxt after.prototxt',
        'mokapot diff a.prototxt b.prototxt --stage deploy --json',
      ),
    );
  schemaOptions(lookingOptions(command))
    .addOption(jsonOption())
    .action(act(async (a: string, b: string, options: DiffOptions) => diff(io, a, b, options)));
};

/** @returns 0 where they mean the same, else 1. */
export async function diff(io: Io, a: string, b: string, options: DiffOptions): Promise<number> {
  if (a === '-' && b === '-') {
    throw fail('two-from-stdin', 'Both files are standard input, which can be read once.', {
      hint: 'Name a file for one of the two.',
    });
  }
  const [before, after] = [await readTextFile(a), await readTextFile(b)];
  if (looksLikeSolver(before) && looksLikeSolver(after)) {
    const fields = diffMessages(solverOf(before, a, options), solverOf(after, b, options));
    if (options.json) say(io, JSON.stringify({ equal: fields.length === 0, fields }, null, 2));
    else printFields(io, fields, '');
    if (fields.length === 0 && !options.json) say(io, 'The two mean the same.');
    return fields.length === 0 ? exitCodes.ok : exitCodes.failed;
  }
  const found = diffNets(await sideOf(io, before, a, options), await sideOf(io, after, b, options));
  if (options.json) say(io, JSON.stringify(found, null, 2));
  else print(io, found);
  return found.equal ? exitCodes.ok : exitCodes.failed;
}

function solverOf(text: string, name: string, options: DiffOptions): SolverParameter {
  const { message, diagnostics } = parseSolver(text, { name, schema: schemaFrom(options, name) });
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  return message;
}

async function sideOf(io: Io, text: string, file: string, options: DiffOptions): Promise<DiffSide> {
  const name = nameOf(file);
  const schema = schemaFrom(options, file);
  const { message, diagnostics } = parseNet(text, { name, schema });
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  const request = { text, name, schema, state: stateFrom(options), inputShapes: options.input };
  const description = await withUserCode(io, { message, name }, options, hostLayer =>
    describeFile({ ...request, hostLayer }),
  );
  return { message, description };
}

function print(io: Io, d: NetDiff): void {
  const c = colors(io);
  if (d.equal) {
    say(io, 'The two mean the same.');
    return;
  }
  printFields(io, d.net, '');
  for (const { name, type } of d.removed) say(io, c.red(`- ${name} (${type})`));
  for (const { name, type } of d.added) say(io, c.green(`+ ${name} (${type})`));
  for (const { before, after, type } of d.renamed) say(io, c.cyan(`> ${before} is called ${after} (${type})`));
  for (const { before, after } of d.renamedBlobs) say(io, c.cyan(`> blob ${before} is called ${after}`));
  for (const { name, type } of d.moved)
    say(io, c.yellow(`^ ${name} (${type}) reads another layer's work: it stands elsewhere`));
  for (const layer of d.changed) {
    say(io, c.yellow(`~ ${layer.name} (${layer.type})`));
    printFields(io, layer.fields, '    ');
    for (const shape of layer.shapes) say(io, `    ${shapeSentence(shape)}`);
  }
  const [p, q] = d.parameters;
  const [m, n] = d.macs;
  say(io, `parameters     ${formatCount(p)}${p === q ? '' : ` → ${formatCount(q)} (${signed(q - p)})`}`);
  say(io, `multiply-adds  ${formatSi(m)}${m === n ? '' : ` → ${formatSi(n)}`}`);
}

const signed = (n: number): string => `${n > 0 ? '+' : '−'}${formatCount(Math.abs(n))}`;

function printFields(io: Io, fields: readonly FieldChange[], indent: string): void {
  for (const { path, before, after } of fields)
    say(io, `${indent}${path}: ${before ?? 'not given'} → ${after ?? 'not given'}`);
}

function shapeSentence({ of, before, after }: ShapeChange): string {
  return `${of}: ${before ? formatShape(before) : 'none'} → ${after ? formatShape(after) : 'none'}`;
}

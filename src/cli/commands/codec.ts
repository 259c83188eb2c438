/** `mokapot encode` and `mokapot decode`: prototxt ⇄ binary message, byte for byte as protoc does it. */

import type { Command } from 'commander';
import { type Diagnostic, fail, hasErrors, MokapotError } from '../../diagnostics/index.js';
import { writeAtomically } from '../../files/index.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import {
  type DecodeOptions,
  decode as decodeMessage,
  encode as encodeMessage,
  type NetParameter,
  parseText,
  printText,
  type Schema,
  type SkippedField,
  type SolverParameter,
  skippedWarning,
  upgradeNet,
  upgradeSolver,
} from '../../schema/index.js';
import { type Declare, describeArguments } from '../declare.js';
import { printAndStop } from '../errors.js';
import type { Io } from '../io.js';
import { outOption, schemaOptions } from '../shared_options.js';
import { readBytes, readTextFile } from '../text_file.js';

export interface CodecOptions extends SchemaOptions {
  readonly message: string;
  readonly out?: string;
  readonly raw?: boolean;
}

export const declareEncode: Declare = (command, io, act) =>
  codecOptions(describeArguments(command, 'a text'), "without upgrading older forms: protoc's very bytes").action(
    act(async (file: string, options: CodecOptions) => encode(io, file, options)),
  );

export const declareDecode: Declare = (command, io, act) =>
  codecOptions(describeArguments(command, 'a binary message'), 'without upgrading older forms').action(
    act(async (file: string, options: CodecOptions) => decode(io, file, options)),
  );

function codecOptions(command: Command, raw: string): Command {
  command
    .option('--message <type>', "one of Caffe's messages", 'caffe.NetParameter')
    .addOption(outOption('write to this file; without it the result goes to stdout'))
    .option('--raw', raw);
  return schemaOptions(command);
}

const LARGEST_BINARY = 2 ** 31 - 1;

/** Text → binary. */
export async function encode(io: Io, file: string, options: CodecOptions): Promise<void> {
  const text = await readTextFile(file);
  const schema = schemaFrom(options, file);
  const type = fullName(options.message, schema);
  const parsed = parseText(text, type, { name: file, schema });
  if (hasErrors(parsed.diagnostics)) throw new MokapotError(parsed.diagnostics);
  const { message, diagnostics } = options.raw ? parsed : upgrade(parsed.message, type);
  printAndStop(io, [...(options.raw ? [] : parsed.diagnostics), ...diagnostics]);
  const bytes = encodeMessage(message);
  if (options.out === undefined && io.stdout.isTTY) {
    throw fail('binary-to-terminal', 'A binary message is nothing for a terminal.', {
      hint: 'Name a file by --out FILE, or send the output into a pipe.',
    });
  }
  await put(io, options.out, bytes);
}

/** Binary → text. */
export async function decode(io: Io, file: string, options: CodecOptions): Promise<void> {
  const schema = schemaFrom(options, file);
  const type = fullName(options.message, schema);
  const skipped: SkippedField[] = [];
  const read = decodeFile(await readBytes(file, LARGEST_BINARY), type, file, {
    schema,
    onSkipped: field => skipped.push(field),
  });
  const { message, diagnostics } = options.raw ? { message: read, diagnostics: [] } : upgrade(read, type);
  printAndStop(io, [...diagnostics, ...skippedWarning(file, skipped)]);
  await put(io, options.out, Buffer.from(textOf(message, file), 'utf8'));
}

function decodeFile(bytes: Uint8Array, type: string, file: string, options: DecodeOptions): object {
  try {
    return decodeMessage(bytes, type, options);
  } catch (cause) {
    if (!(cause instanceof MokapotError)) throw cause;
    throw new MokapotError(cause.diagnostics.map(d => ({ ...d, message: `${file}: ${d.message}` })));
  }
}

function textOf(message: object, file: string): string {
  try {
    return printText(message);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw fail('too-large-as-text', `${file} would be more than 512 MiB of text.`, {
      hint: 'Its weights are large; `mokapot summary` of its network shows shapes.',
    });
  }
}

/** `SolverParameter` is `caffe.SolverParameter`. */
function fullName(name: string, schema: Schema): string {
  const full = name.includes('.') ? name : `caffe.${name}`;
  schema.type(full);
  return full;
}

/** Networks and solvers in today's form, as Caffe's own tools read them; other messages as they are. */
function upgrade(message: object, type: string): { message: object; diagnostics: readonly Diagnostic[] } {
  if (type === 'caffe.NetParameter') return upgradeNet(message as NetParameter);
  if (type === 'caffe.SolverParameter') return upgradeSolver(message as SolverParameter);
  return { message, diagnostics: [] };
}

async function put(io: Io, out: string | undefined, bytes: Uint8Array): Promise<void> {
  if (out === undefined || out === '-') io.stdout.write(bytes);
  else await writeAtomically(out, [bytes]);
}

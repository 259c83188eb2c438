/** `mokapot upgrade` and `mokapot deploy`: a text made into another. */

import { textToBytes } from '../../../grammar/index.js';
import type { Diagnostic } from '../../diagnostics/index.js';
import { writeAtomically } from '../../files/index.js';
import type { Shape } from '../../ir/index.js';
import { deployText } from '../../net/index.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import { looksLikeSolver, upgradeText } from '../../schema/index.js';
import { type Declare, describeArguments, examples } from '../declare.js';
import { printDiagnostics } from '../errors.js';
import { type Io, say, tell } from '../io.js';
import { inputOption, outOption, schemaOptions } from '../shared_options.js';
import { nameOf, readTextFile } from '../text_file.js';

export interface UpgradeOptions extends SchemaOptions {
  readonly write?: boolean;
  readonly out?: string;
}

export interface DeployCommandOptions extends SchemaOptions {
  readonly out?: string;
  readonly input?: Readonly<Record<string, Shape>>;
}

interface Made {
  readonly text: string;
  readonly changes: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

const PRINTED = 'write to this file; without it the text is printed';

export const declareUpgrade: Declare = (command, io, act) => {
  describeArguments(command, 'a network or solver; - is stdin')
    .option('--write', 'change the file itself; without it the text is printed')
    .addOption(outOption(PRINTED))
    .addHelpText(
      'after',
      examples('mokapot upgrade old.prototxt --write', 'mokapot upgrade v1.prototxt | mokapot fmt -'),
    );
  schemaOptions(command).action(act(async (file: string, options: UpgradeOptions) => upgrade(io, file, options)));
};

export const declareDeploy: Declare = (command, io, act) => {
  describeArguments(command, 'a network; - is stdin')
    .addOption(outOption(PRINTED))
    .addOption(inputOption())
    .addHelpText('after', examples('mokapot deploy train_val.prototxt -o deploy.prototxt'));
  schemaOptions(command).action(act(async (file: string, options: DeployCommandOptions) => deploy(io, file, options)));
};

/** Older forms to today's: printed, or written where asked to. */
export async function upgrade(io: Io, file: string, options: UpgradeOptions): Promise<void> {
  const text = await readTextFile(file);
  const type = looksLikeSolver(text) ? 'caffe.SolverParameter' : 'caffe.NetParameter';
  const made = upgradeText(text, type, { name: nameOf(file), schema: schemaFrom(options, file) });
  await put(io, made, options.out ?? (options.write && file !== '-' ? file : undefined), 'It is of today already.');
}

/** A network for training to one for use. */
export async function deploy(io: Io, file: string, options: DeployCommandOptions): Promise<void> {
  const made = deployText(await readTextFile(file), {
    name: nameOf(file),
    schema: schemaFrom(options, file),
    ...(options.input && { inputShapes: options.input }),
  });
  await put(io, made, options.out, 'It is ready for use as it stands.');
}

async function put(io: Io, { text, changes, diagnostics }: Made, out: string | undefined, none: string): Promise<void> {
  const bytes = textToBytes(text);
  const toStdout = out === undefined || out === '-';
  if (toStdout) io.stdout.write(bytes);
  else await writeAtomically(out, [bytes]);
  const report = toStdout ? tell : say;
  if (!toStdout) report(io, `${out} written.`);
  for (const change of changes.length > 0 ? changes : [none]) report(io, `  ${change}`);
  printDiagnostics(io, diagnostics);
}

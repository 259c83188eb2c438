/** `mokapot fmt`: prototxt files in one layout. */

import { textToBytes } from '../../../grammar/index.js';
import { MokapotError } from '../../diagnostics/index.js';
import { writeAtomically } from '../../files/index.js';
import { formatText } from '../../schema/index.js';
import { type Declare, describeArguments, examples } from '../declare.js';
import { exitCodes, printDiagnostics } from '../errors.js';
import { type Io, say } from '../io.js';
import { nameOf, readTextFile } from '../text_file.js';

export interface FmtOptions {
  readonly check?: boolean;
  readonly print?: boolean;
  readonly stdin?: boolean;
}

export const declare: Declare = (command, io, act) =>
  describeArguments(command, 'networks, solvers, any text-format file; - is stdin (printed, not written)')
    .option('--check', 'change nothing; exit code 1 where a file would change')
    .option('--print', 'print the text instead of changing the file')
    .option('--stdin', 'the same as the file -')
    .addHelpText('after', examples('mokapot fmt networks/*.prototxt', 'mokapot fmt --check train_val.prototxt'))
    .action(act(async (files: string[], options: FmtOptions) => fmt(io, files, options)));

/** @returns 1 where a file is broken, and with `check` where one would change. */
export async function fmt(io: Io, files: readonly string[], options: FmtOptions): Promise<number> {
  let failed = false;
  for (const file of files.length === 0 || options.stdin ? [...files, '-'] : files) {
    try {
      const text = await readTextFile(file);
      const formatted = formatText(text, nameOf(file));
      const changed = formatted !== text;
      if (options.check) {
        if (changed) say(io, `${file} would be formatted`);
        failed ||= changed;
      } else if (file === '-' || options.print) io.stdout.write(textToBytes(formatted));
      else if (changed) {
        await writeAtomically(file, [textToBytes(formatted)]);
        say(io, `${file} formatted`);
      }
    } catch (cause) {
      if (!(cause instanceof MokapotError)) throw cause;
      printDiagnostics(io, cause.diagnostics);
      failed = true;
    }
  }
  return failed ? exitCodes.failed : exitCodes.ok;
}

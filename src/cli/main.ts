/** The entry of the command: parses, runs, and turns whatever happens into an exit code. */

import { fileError } from '../files/reasons.js';
import { exitCodes, reportError } from './errors.js';
import { type Io, processIo } from './io.js';
import { createProgram } from './program.js';

/** Runs one command line (without `node mokapot`). Never throws. Returns the exit code: see `exitCodes`. */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  let code = 0;
  try {
    const program = await createProgram(argv, io, result => {
      code = result;
    });
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return reportError(io, error);
  }
}

/** `main` for the executable: ends the process, quietly where the reader of a pipe has gone. */
export async function run(argv: readonly string[]): Promise<void> {
  const quiet = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  };
  process.stdout.on('error', quiet);
  process.stderr.on('error', quiet);
  let cut = false;
  const io = processIo(cause => {
    cut = true;
    reportError(io, fileError('stdout-cut', 'write', 'standard output', cause));
  });
  process.on('uncaughtException', error => process.exit(reportError(io, error)));
  const code = await main(argv, io);
  process.stdout.write('', () => process.exit(cut && code === exitCodes.ok ? exitCodes.failed : code));
}

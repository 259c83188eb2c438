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

/** What a write fails with where its reader, or the terminal, has gone. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

/**
 * `main` for the executable. Where the reader of a pipe has gone the process ends quietly, unless its result lies in files:
 * then it goes on without being read.
 */
export async function run(argv: readonly string[]): Promise<void> {
  let goesOn = false;
  const quiet = (error: NodeJS.ErrnoException) => {
    if (!READER_GONE.has(error.code)) throw error;
    if (!goesOn) process.exit(0);
  };
  process.stdout.on('error', quiet);
  process.stderr.on('error', quiet);
  let cut = false;
  const io = processIo({
    onFailure(cause) {
      cut = true;
      reportError(io, fileError('stdout-cut', 'write', 'standard output', cause));
    },
    onGoesOn: () => {
      goesOn = true;
    },
  });
  process.on('uncaughtException', error => process.exit(reportError(io, error)));
  const code = await main(argv, io);
  process.stdout.write('', () => process.exit(cut && code === exitCodes.ok ? exitCodes.failed : code));
}

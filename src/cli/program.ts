/** The command line as a whole: its commands by name, of which only the one that is called is loaded. */

import { Command } from 'commander';
import { COMMANDS, calledCommand } from './commands/index.js';
import type { Act } from './declare.js';
import { type Io, shown } from './io.js';
import { version } from './version.js';

const AFTER_HELP = `
Exit codes: 0 all right, 1 errors in what was given, 2 wrong usage, 130 interrupted.
Variables: MOKAPOT_BACKEND (see doctor), MOKAPOT_PYTHON, NO_COLOR, MOKAPOT_DEBUG=1 (where an error comes from).

For a start without any data of your own: mokapot demo`;

/** `setCode` is told the exit code of the command that ran. */
export async function createProgram(
  argv: readonly string[],
  io: Io,
  setCode: (code: number) => void,
): Promise<Command> {
  const program = new Command('mokapot')
    .description('Compiles Caffe networks (prototxt) to TensorFlow.js, trains them, reads and writes Caffe weights.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: text => void io.stdout.write(text),
      writeErr: text => void io.stderr.write(shown(io, io.stderr, text)),
      getOutHelpWidth: () => Math.min(io.stdout.columns ?? 100, 110),
      getErrHelpWidth: () => Math.min(io.stdout.columns ?? 100, 110),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', AFTER_HELP);
  const act: Act =
    run =>
    async (...args) => {
      const code = await run(...args);
      if (typeof code === 'number') setCode(code);
    };
  const called = calledCommand(argv);
  for (const entry of COMMANDS) {
    const command = program.command(entry.usage).description(entry.summary);
    if (entry === called) (await entry.load())(command, io, act);
  }
  return program;
}

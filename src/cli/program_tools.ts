/** The commands that change texts, compare, draw and explain networks, and the editor's server. */

import type { Command } from 'commander';
import type { FmtOptions } from './commands/fmt.js';
import type { Io } from './io.js';
import type { Act } from './program.js';

const examples = (...lines: string[]) => `\nFor example\n${lines.map(line => `  ${line}`).join('\n')}`;

export function addTools(program: Command, io: Io, act: Act): void {
  addTexts(program, io, act);
}

function addTexts(program: Command, io: Io, act: Act): void {
  program
    .command('fmt')
    .description('bring prototxt files into one layout; comments and blank lines between fields stay')
    .argument('[file...]', 'networks, solvers, any text-format file; - is stdin (printed, not written)')
    .option('--check', 'change nothing; exit code 1 where a file would change')
    .option('--print', 'print the text instead of changing the file')
    .option('--stdin', 'the same as the file -')
    .addHelpText('after', examples('mokapot fmt networks/*.prototxt', 'mokapot fmt --check train_val.prototxt'))
    .action(
      act(async (files: string[], options: FmtOptions) => {
        const { fmt } = await import('./commands/fmt.js');
        return fmt(io, files, options);
      }),
    );
}

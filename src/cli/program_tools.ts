/** The commands that change texts, compare, draw and explain networks, and the editor's server. */

import { type Command, Option } from 'commander';
import type { SchemaOptions } from '../runtime/schemas.js';
import type { DiffOptions } from './commands/diff.js';
import type { ExplainOptions } from './commands/explain.js';
import type { FmtOptions } from './commands/fmt.js';
import type { GraphOptions } from './commands/graph.js';
import type { DeployCommandOptions, UpgradeOptions } from './commands/upgrade.js';
import type { Io } from './io.js';
import { inputShape, list, number, phase, repeated } from './options.js';
import type { Act } from './program.js';

const examples = (...lines: string[]) => `\nFor example\n${lines.map(line => `  ${line}`).join('\n')}`;

export function addTools(program: Command, io: Io, act: Act): void {
  addTexts(program, io, act);
  addPictures(program, io, act);
  addEditor(program);
}

/** Which of its states a network is looked at in, and what user code may do for it. */
function looking(command: Command): Command {
  return command
    .addOption(new Option('--phase <phase>', 'TRAIN or TEST').argParser(phase))
    .addOption(new Option('--stage <names>', 'stages in force, e.g. deploy (commas separate)').argParser(list))
    .addOption(new Option('--input <blob=shape>', 'shape of an input, e.g. data=1,3,256,256').argParser(inputShape))
    .addOption(new Option('--python-layers <path>', 'file or folder of Python layers').argParser(repeated))
    .option('--run-python', 'run the code of Python layers, for the shapes behind them');
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
  program
    .command('upgrade')
    .description('older forms (V0, V1, input_dim, deprecated fields) as text of today; comments stay')
    .argument('<file>', 'a network or solver; - is stdin')
    .option('--write', 'change the file itself; without it the text is printed')
    .option('--out <file>', 'write to this file')
    .addHelpText(
      'after',
      examples('mokapot upgrade old.prototxt --write', 'mokapot upgrade v1.prototxt | mokapot fmt -'),
    )
    .action(
      act(async (file: string, options: UpgradeOptions) => {
        const { upgrade } = await import('./commands/upgrade.js');
        await upgrade(io, file, options);
      }),
    );
  program
    .command('deploy')
    .description('a network for training as one for use: data become inputs, losses probabilities; labels go')
    .argument('<file>', 'a network; - is stdin')
    .option('--out <file>', 'write to this file; without it the text is printed')
    .addOption(new Option('--input <blob=shape>', 'shape of an input, e.g. data=1,3,227,227').argParser(inputShape))
    .addHelpText('after', examples('mokapot deploy train_val.prototxt --out deploy.prototxt'))
    .action(
      act(async (file: string, options: DeployCommandOptions) => {
        const { deploy } = await import('./commands/upgrade.js');
        await deploy(io, file, options);
      }),
    );
}

function addPictures(program: Command, io: Io, act: Act): void {
  looking(program.command('diff'))
    .description('two networks (or solvers) compared by what they mean; exit code 1 where they differ')
    .argument('<a>', 'a network or solver; - is stdin')
    .argument('<b>', 'another')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      examples(
        'mokapot diff before.prototxt after.prototxt',
        'mokapot diff a.prototxt b.prototxt --stage deploy --json',
      ),
    )
    .action(
      act(async (a: string, b: string, options: DiffOptions) => {
        const { diff } = await import('./commands/diff.js');
        return diff(io, a, b, options);
      }),
    );
  looking(program.command('graph'))
    .description('a picture of a network: layers as boxes, shapes on the lines')
    .argument('<file>', 'a network; - is stdin')
    .option('-o, --out <file>', 'a .svg, .png or .dot; without it SVG is printed')
    .addOption(new Option('--scale <x>', 'PNG: pixels for each unit').argParser(number(0.1)).default(2))
    .addHelpText(
      'after',
      examples('mokapot graph net.prototxt -o net.svg', 'mokapot graph net.prototxt --stage deploy -o net.png'),
    )
    .action(
      act(async (file: string, options: GraphOptions) => {
        const { graph } = await import('./commands/graph.js');
        return graph(io, file, options);
      }),
    );
  looking(program.command('explain'))
    .description('a layer type, or a layer of a network: formula, parameters with defaults, shapes, counts, neighbours')
    .argument('<what>', 'a layer type, or a network; - is stdin')
    .argument('[layer]', 'the layer of the network')
    .option('--json', 'as JSON')
    .addHelpText('after', examples('mokapot explain Convolution', 'mokapot explain networks/lenet.prototxt conv1'))
    .action(
      act(async (what: string, layer: string | undefined, options: ExplainOptions) => {
        const { explain } = await import('./commands/explain.js');
        return explain(io, what, layer, options);
      }),
    );
}

function addEditor(program: Command): void {
  program
    .command('lsp')
    .description('the language server, for editors: over stdin and stdout (see docs/editor.md)')
    .option('--stdio', 'what editors add; it is the only way')
    .addHelpText('after', examples('vim.lsp.start({ cmd = { "mokapot", "lsp" } })   (Neovim)'))
    .action(async (options: SchemaOptions) => {
      const { serve } = await import('../lsp/server.js');
      const { schemaFrom } = await import('../runtime/schemas.js');
      await serve(process.stdin, process.stdout, path => schemaFrom(options, path));
    });
}

/** `mokapot lsp`: the language server, for editors. */

import { serve } from '../../lsp/server.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import { type Declare, examples } from '../declare.js';
import { schemaOptions } from '../shared_options.js';

export const declare: Declare = (command, _, act) => {
  command
    .option('--stdio', 'what editors add; it is the only way')
    .addHelpText('after', examples('vim.lsp.start({ cmd = { "mokapot", "lsp" } })   (Neovim)'));
  schemaOptions(command).action(
    act((options: SchemaOptions) => serve(process.stdin, process.stdout, path => schemaFrom(options, path))),
  );
};
